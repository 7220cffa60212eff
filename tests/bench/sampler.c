/*
 * sampler - loaded into a worker (LD_PRELOAD): every 5 ms of real time it notes where the main thread stands,
 * as a stack of return addresses. What waits is seen as well as what computes. tests/bench/profile.c reads
 * it.
 *
 *   BENCH_SAMPLES=DIR   the samples of process PID go to DIR/PID.samples: a struct samples
 *
 * Linux: timer_create(2) with SIGEV_THREAD_ID. The handler uses backtrace(3), which allocates nothing after
 * its first call, and writes into a mapped file, so that the samples are there however the worker ends.
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "samples.h"

#define OWN_FRAMES 2 /* the handler, and what the kernel returns to */

static struct samples *samples;

static void on_tick(int number)
{
    void *frames[SAMPLES_DEPTH + OWN_FRAMES];
    int saved = errno, depth;
    struct sample *sample;

    (void)number;
    if (samples->count < SAMPLES_MAX) {
        depth = backtrace(frames, SAMPLES_DEPTH + OWN_FRAMES);
        sample = &samples->at[samples->count];
        for (int i = OWN_FRAMES; i < depth; i++)
            sample->frames[i - OWN_FRAMES] = (uint64_t)(uintptr_t)frames[i];
        sample->depth = depth > OWN_FRAMES ? depth - OWN_FRAMES : 0;
        samples->count++;
    }
    errno = saved;
}

static struct samples *map_file(const char *folder)
{
    char path[256];
    void *mapped;
    int fd;

    snprintf(path, sizeof(path), "%s/%d.samples", folder, (int)getpid());
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(struct samples)) != 0)
        return NULL;
    mapped = mmap(NULL, sizeof(struct samples), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return mapped != MAP_FAILED ? mapped : NULL;
}

__attribute__((constructor)) static void begin(void)
{
    struct itimerspec every = { .it_interval = { .tv_nsec = SAMPLES_EVERY_US * 1000 },
                                .it_value = { .tv_nsec = SAMPLES_EVERY_US * 1000 } };
    struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF };
    const char *folder = getenv("BENCH_SAMPLES");
    void *warm[4];
    timer_t timer;

    samples = folder != NULL ? map_file(folder) : NULL;
    if (samples == NULL)
        return;
    backtrace(warm, 4); /* loads what it needs */
    sigemptyset(&action.sa_mask);
    sigaction(SIGPROF, &action, NULL);
    event._sigev_un._tid = getpid(); /* the main thread */
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        timer_settime(timer, 0, &every, NULL);
}

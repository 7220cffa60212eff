#include "harness/soak.h"

#include "harness/check.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "harness/pipeline.h"

#define SAMPLE_MS   500
#define RUN_MS      240000 /* a device may meet many faults in a row */
#define DISTURB_MS  3000   /* between two cuts of all connections, and two losses of all scripts */
#define GROWTH_KIB  1024   /* allocators keep some, and what a larger batch needed */
#define GROWTH_FDS  2      /* a connection more or less at the moment of looking */
#define SAMPLES_MAX 4096

/* A sanitizer keeps what was freed for a while: its memory says nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

struct series {
    int64_t kib[SAMPLES_MAX], fds[SAMPLES_MAX];
};

struct soaking {
    struct pipeline pipeline;
    struct series series[PIPELINE_STAGES];
    size_t samples;
    int64_t sampled_boot_ms, disturbed_boot_ms, devices;
    int runs, disturbances;
};

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* A container may not look at another process's descriptors: room for how many there is shows a leak later.
 */
static int64_t descriptors(pid_t pid)
{
    char path[64];
    int64_t count = 0;
    DIR *folder;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    folder = opendir(path);
    if (folder == NULL && errno == EACCES)
        return proc_memory_kib(pid, "FDSize");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2; /* . and .. */
}

static void sample(struct soaking *soaking)
{
    if (soaking->samples == SAMPLES_MAX || clock_boot_ms() - soaking->sampled_boot_ms < SAMPLE_MS)
        return;
    soaking->sampled_boot_ms = clock_boot_ms();
    for (int i = 0; i < PIPELINE_STAGES; i++) {
        pid_t pid = soaking->pipeline.workers[i][0].pid;

        soaking->series[i].kib[soaking->samples] = proc_memory_kib(pid, "RssAnon");
        soaking->series[i].fds[soaking->samples] = descriptors(pid);
    }
    soaking->samples++;
}

static void disturb(struct soaking *soaking)
{
    struct desk *desk = &soaking->pipeline.desk;

    if (clock_boot_ms() - soaking->disturbed_boot_ms < DISTURB_MS)
        return;
    /* Who has no connection yet, and loses it, ends with 69: that is no fault of what is tested here. */
    if (desk_number(desk, "ZCARD", "@runs", NULL) <= soaking->runs)
        return;
    soaking->disturbed_boot_ms = clock_boot_ms();
    if (soaking->disturbances++ % 2 == 0)
        redis_reply_free(desk_ask(desk, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL));
    else
        redis_reply_free(desk_ask(desk, "SCRIPT", "FLUSH", NULL));
}

static void one_run(struct soaking *soaking, const struct soak *soak)
{
    struct pipeline *pipeline = &soaking->pipeline;
    struct pipeline_result result;
    struct pipeline_push push;
    int64_t until = clock_boot_ms() + RUN_MS;
    char prefix[16];

    snprintf(prefix, sizeof(prefix), "S%04d", soaking->runs);
    pipeline_push_begin(pipeline, &push, pipeline_csv(pipeline, "soak.csv", prefix, soak->devices), NULL);
    while (!pipeline_push_ends(&push, 50) && clock_boot_ms() < until) {
        sample(soaking);
        disturb(soaking);
    }
    pipeline_push_end(pipeline, &push, 0, &result);
    if (strcmp(result.state, "closed") != 0 || result.assigned != soak->devices)
        fail_msg("run %d: %s, %lld of %d assigned, %lld failed", soaking->runs, result.state,
                 (long long)result.assigned, soak->devices, (long long)result.failed);
    soaking->runs++;
    soaking->devices += result.assigned;
}

/* Keys that are no run's. */
static int64_t other_keys(struct soaking *soaking)
{
    struct desk *desk = &soaking->pipeline.desk;
    struct redis_reply *all = desk_ask(desk, "KEYS", "*", NULL),
                       *runs = desk_ask(desk, "KEYS", "@run:*", NULL);
    int64_t count = (int64_t)redis_count(all) - (int64_t)redis_count(runs);

    redis_reply_free(all);
    redis_reply_free(runs);
    return count;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t median(const int64_t *list, size_t count)
{
    int64_t copy[SAMPLES_MAX];

    assert_true(count > 0);
    memcpy(copy, list, count * sizeof(*copy));
    qsort(copy, count, sizeof(*copy), by_number);
    return copy[count / 2];
}

static void judge(struct soaking *soaking)
{
    size_t third = soaking->samples / 3, last = soaking->samples - third;

    print_message("%-10s %12s %12s %10s %10s   medians of the first and the last third of %zu samples\n",
                  "stage", "KiB, first", "KiB, last", "fds, first", "fds, last", soaking->samples);
    for (int i = 0; i < PIPELINE_STAGES; i++) {
        const struct series *series = &soaking->series[i];

        print_message("%-10s %12lld %12lld %10lld %10lld\n", pipeline_stage_name((enum pipeline_stage)i),
                      (long long)median(series->kib, third), (long long)median(series->kib + last, third),
                      (long long)median(series->fds, third), (long long)median(series->fds + last, third));
    }
    for (int i = 0; i < PIPELINE_STAGES; i++) {
        const struct series *series = &soaking->series[i];

        assert_true(IS_SANITIZED ||
                    median(series->kib + last, third) <= median(series->kib, third) + GROWTH_KIB);
        assert_true(median(series->fds + last, third) <= median(series->fds, third) + GROWTH_FDS);
    }
}

static void set_scenario(struct pipeline *pipeline, const char *path)
{
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 16);
    must(fsio_read(path, &text, &err), &err);
    must(abmsim_set(&pipeline->sim, text.data, &err), &err);
    buf_release(&text);
}

void soak_run(const struct soak *soak)
{
    static const char *const sim[] = { "--propagation", "200", NULL };
    struct pipeline_options options = {
        .bin = soak->bin,
        .stages = "  validate: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  import: { lease: 2s, retry: { attempts: 30, base: 100ms, cap: 1s } }\n"
                  "  assign: { lease: 2s, retry: { attempts: 30, base: 100ms, cap: 1s } }\n"
                  "  verify: { lease: 2s, retry: { attempts: 30, base: 100ms, cap: 1s } }\n"
                  "  audit: { lease: 2s, retry: { attempts: 30 } }\n",
        .api = "timeout: 900ms",
        .sim_options = sim,
    };
    const char *wanted = getenv("ABM_SOAK_SECONDS");
    int64_t seconds = wanted != NULL ? strtoll(wanted, NULL, 10) : soak->seconds, until, before;
    struct soaking *soaking = calloc(1, sizeof(*soaking));

    assert_non_null(soaking);
    pipeline_start(&soaking->pipeline, &options);
    set_scenario(&soaking->pipeline, soak->scenario);
    pipeline_start_workers(&soaking->pipeline);
    one_run(soaking, soak); /* what each process and the server make once */
    pipeline_assert_clean(&soaking->pipeline);
    before = other_keys(soaking);
    soaking->samples = 0;
    until = clock_boot_ms() + seconds * 1000;
    while (clock_boot_ms() < until)
        one_run(soaking, soak);
    pipeline_assert_clean(&soaking->pipeline);
    print_message(
        "%d runs, %lld devices in %lld s; connections cut or scripts lost %d times; keys beside the runs': "
        "%lld before, %lld after\n",
        soaking->runs, (long long)soaking->devices, (long long)seconds, soaking->disturbances,
        (long long)before, (long long)other_keys(soaking));
    judge(soaking);
    assert_true(other_keys(soaking) <= before);
    pipeline_assert_no_letters(&soaking->pipeline);
    pipeline_assert_evidence_whole(&soaking->pipeline);
    pipeline_assert_workers_run(&soaking->pipeline);
    pipeline_stop_workers(&soaking->pipeline, 10000);
    pipeline_stop(&soaking->pipeline);
    free(soaking);
}

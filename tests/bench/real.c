#include "real.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "measure.h"

#define LOOK_MS INT64_C(50)
#define DONE_US INT64_C(3600000000)

void real_start(struct pipeline *pipeline, struct pipeline_options *options)
{
    options->bin = TEST_BIN;
    pipeline_start(pipeline, options);
    measure_ask(&pipeline->desk.server, "CONFIG SET appendfsync everysec");
}

static void look(int64_t *most, pid_t pid)
{
    int64_t kib = pid > 0 ? proc_memory_kib(pid, "RssAnon") : 0;

    if (kib > *most)
        *most = kib;
}

double real_import(struct pipeline *pipeline, const char *prefix, int devices,
                   int64_t peak_kib[PIPELINE_STAGES + 1])
{
    int64_t began_us, took_us;
    struct pipeline_result result;
    struct pipeline_push push;
    char name[64];
    const char *csv;

    snprintf(name, sizeof(name), "devices-%s.csv", prefix);
    csv = pipeline_csv(pipeline, name, prefix, devices);
    began_us = measure_now_us();
    pipeline_push_begin(pipeline, &push, csv, NULL);
    while (!pipeline_push_ends(&push, LOOK_MS) && measure_now_us() - began_us < DONE_US) {
        for (int stage = 0; peak_kib != NULL && stage < PIPELINE_STAGES; stage++)
            look(&peak_kib[stage], pipeline->workers[stage][0].pid);
        if (peak_kib != NULL)
            look(&peak_kib[PIPELINE_STAGES], push.proc.pid);
    }
    took_us = measure_now_us() - began_us;
    pipeline_push_end(pipeline, &push, 1000, &result);
    unlink(csv);
    if (result.status != 0 || result.assigned != devices) {
        fprintf(stderr, "bench: the import of %d devices ended with %d, %lld assigned: see %s\n", devices,
                result.status, (long long)result.assigned, pipeline->desk.dir);
        exit(70);
    }
    return devices * 1e6 / (double)took_us;
}

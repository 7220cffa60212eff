/*
 * From exec to the first message handled: a device already waits in the stage's stream when the worker is
 * started; it is handled when what follows stands in Redis. The real stages, linger 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "measure.h"
#include "real.h"

#define PART     "start"
#define EVERY_US 100 /* between two looks: nothing announces it */
#define DONE_US  20000000

/* The stage's message is settled: it was handed on, or for audit the device's outcome is counted. */
static bool is_handled(struct pipeline *pipeline, enum pipeline_stage stage, const char *run)
{
    char key[96];

    if (stage == PIPELINE_AUDIT) {
        snprintf(key, sizeof(key), "@run:%s", run);
        return desk_number(&pipeline->desk, "HGET", key, "ended", NULL) == 1;
    }
    snprintf(key, sizeof(key), "@%s", pipeline_stage_name(stage + 1));
    return desk_number(&pipeline->desk, "XLEN", key, NULL) == 1;
}

static double start_one(struct pipeline *pipeline, enum pipeline_stage stage, const char *run)
{
    int64_t began_us = measure_now_us(), took_us;

    pipeline_start_worker(pipeline, stage, 0);
    while (!is_handled(pipeline, stage, run)) {
        if (measure_now_us() - began_us > DONE_US) {
            fprintf(stderr, "bench: abm-%s handled nothing in 20 s: see %s\n", pipeline_stage_name(stage),
                    pipeline->desk.dir);
            exit(70);
        }
        usleep(EVERY_US);
    }
    took_us = measure_now_us() - began_us;
    /* Its closing message would stand in the next round's way. */
    if (stage == PIPELINE_AUDIT && !pipeline_wait_state(pipeline, run, "closed", DONE_US / 1000)) {
        fprintf(stderr, "bench: %s does not close: see %s\n", run, pipeline->desk.dir);
        exit(70);
    }
    proc_stop(&pipeline->workers[stage][0], 20000);
    return (double)took_us / 1000.0;
}

void bench_start(struct bench *bench)
{
    static double times[PIPELINE_STAGES][BENCH_RUNS_MAX], worst[BENCH_RUNS_MAX];
    struct pipeline_options options = { .stages = "  import: { linger: 0ms }\n  assign: { linger: 0ms }\n"
                                                  "  verify: { linger: 0ms }\n  audit: { linger: 0ms }\n" };
    static struct pipeline pipeline;

    real_start(&pipeline, &options);
    for (int i = 0; i < bench->rounds; i++) {
        char prefix[16], run[65];

        snprintf(prefix, sizeof(prefix), "T%03d", i);
        desk_expect(
            &pipeline.desk,
            desk_ctl(&pipeline.desk, "push", "--input", pipeline_csv(&pipeline, "one.csv", prefix, 1), NULL),
            0, NULL, NULL);
        worst[i] = 0;
        for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
            if (stage == PIPELINE_AUDIT)
                snprintf(run, sizeof(run), "%s", pipeline_last_run(&pipeline));
            times[stage][i] = start_one(&pipeline, (enum pipeline_stage)stage, run);
            worst[i] = times[stage][i] > worst[i] ? times[stage][i] : worst[i];
        }
    }
    pipeline_stop(&pipeline);
    figure_want(figures_add_runs(bench->figures, PART, "slowest", "ms", 1, worst, bench->rounds, BETTER_LESS),
                WANTED_AT_MOST, 50);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        figures_add_runs(bench->figures, PART, pipeline_stage_name((enum pipeline_stage)stage), "ms", 1,
                         times[stage], bench->rounds, BETTER_LESS);
}

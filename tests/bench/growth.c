/* Runs of growing size through the real stages: does anything grow with them that should not? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "bench.h"
#include "measure.h"
#include "real.h"

#define PART         "growth"
#define BACKLOG      10000 /* max_backlog and batch of DESIGN.md 9: the defaults */
#define IN_HAND      200
#define DEVICE_BYTES 255 /* at most, between stages */
#define RUN_BYTES    40  /* at most, a device of an open run */
#define BYTES_COUNT  2000

struct grown {
    double rate, redis_mb, allowed_mb, command_mb;
    double workers_mb[PIPELINE_STAGES];
};

/* Five streams at their backlog, five workers' batches, and what an open run may keep of each device. */
static double allowed_bytes(int devices)
{
    return (double)PIPELINE_STAGES * (BACKLOG + IN_HAND) * DEVICE_BYTES + (double)devices * RUN_BYTES;
}

static void grow(int devices, struct grown *grown_r)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { 0 };
    int64_t peak_kib[PIPELINE_STAGES + 1] = { 0 };
    struct redis_load before, after;

    real_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    real_import(&pipeline, "W", 1, NULL); /* scripts, connections and the catalog are there from now on */
    measure_redis(&pipeline.desk.server, &before);
    grown_r->rate = real_import(&pipeline, "G", devices, peak_kib);
    measure_redis(&pipeline.desk.server, &after);
    pipeline_stop(&pipeline);
    grown_r->redis_mb = (double)(after.memory_peak - before.memory) / 1e6;
    grown_r->allowed_mb = allowed_bytes(devices) / 1e6;
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        grown_r->workers_mb[stage] = (double)peak_kib[stage] * 1024 / 1e6;
    grown_r->command_mb = (double)peak_kib[PIPELINE_STAGES] * 1024 / 1e6;
    fprintf(stderr, "growth: %d devices, %.0f a second, Redis +%.1f MB, abmctl %.1f MB, workers", devices,
            grown_r->rate, grown_r->redis_mb, grown_r->command_mb);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        fprintf(stderr, " %.1f", grown_r->workers_mb[stage]);
    fprintf(stderr, " MB\n");
}

struct arrival {
    struct pipeline *pipeline;
    const char *key;
};

static bool have_arrived(void *user)
{
    struct arrival *arrival = user;

    return desk_number(&arrival->pipeline->desk, "HGET", arrival->key, "stream", NULL) == BYTES_COUNT;
}

/* The stages work one after another, so that all devices stand in one stream at a time. */
static double bytes_a_device(void)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { 0 };
    char key[48], stream[48];
    double most = 0;

    real_start(&pipeline, &options);
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "push", "--input",
                         pipeline_csv(&pipeline, "bytes.csv", "B", BYTES_COUNT), NULL),
                0, NULL, NULL);
    for (int stage = PIPELINE_VALIDATE; stage < PIPELINE_AUDIT; stage++) {
        struct arrival arrival = { &pipeline, key };
        double bytes;

        snprintf(key, sizeof(key), "@count:%s", pipeline_stage_name((enum pipeline_stage)(stage + 1)));
        snprintf(stream, sizeof(stream), "@%s", pipeline_stage_name((enum pipeline_stage)(stage + 1)));
        pipeline_start_worker(&pipeline, (enum pipeline_stage)stage, 0);
        if (!proc_until(have_arrived, &arrival, 60000)) {
            fprintf(stderr, "bench: %d devices do not come to %s: see %s\n", BYTES_COUNT, stream,
                    pipeline.desk.dir);
            exit(70);
        }
        proc_stop(&pipeline.workers[stage][0], 20000);
        bytes = (double)desk_number(&pipeline.desk, "MEMORY", "USAGE", stream, "SAMPLES", "0", NULL) /
                BYTES_COUNT;
        most = bytes > most ? bytes : most;
    }
    pipeline_stop(&pipeline);
    return most;
}

static void add(struct bench *bench, int devices, const char *what, const char *unit, double value,
                enum wanted wanted, double target)
{
    char name[48];

    snprintf(name, sizeof(name), "%s_%d", what, devices);
    figure_want(figures_add(bench->figures, PART, name, unit, strcmp(unit, "MB") == 0 ? 1 : 0, value), wanted,
                target);
}

void bench_growth(struct bench *bench)
{
    struct grown grown[BENCH_GROWTH];

    figure_want(figures_add(bench->figures, PART, "bytes_a_device_in_redis", "bytes", 0, bytes_a_device()),
                WANTED_AT_MOST, 255);
    for (int i = 0; i < BENCH_GROWTH; i++) {
        int devices = bench->growth_devices[i];

        grow(devices, &grown[i]);
        add(bench, devices, "devices_a_second", "devices/s", grown[i].rate, WANTED_NONE, 0);
        add(bench, devices, "redis_peak", "MB", grown[i].redis_mb, WANTED_AT_MOST, grown[i].allowed_mb);
        for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
            char name[32];

            snprintf(name, sizeof(name), "%s_peak", pipeline_stage_name((enum pipeline_stage)stage));
            add(bench, devices, name, "MB", grown[i].workers_mb[stage], WANTED_AT_MOST,
                stage == PIPELINE_VALIDATE || stage == PIPELINE_AUDIT ? 24 : 12);
        }
        add(bench, devices, "abmctl_peak", "MB", grown[i].command_mb, WANTED_NONE, 0);
    }
}

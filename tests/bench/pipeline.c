/* The five real stages, one process each, against the simulator without a limit. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "bench.h"
#include "measure.h"
#include "profile.h"
#include "real.h"

#define PART "pipeline"

enum who { WHO_REDIS, WHO_SIMULATOR, WHO_WORKERS, WHO_COUNT };

static void note_cpu(struct pipeline *pipeline, int64_t cpu_ms[WHO_COUNT])
{
    cpu_ms[WHO_REDIS] = proc_cpu_ms(pipeline->desk.server.proc.pid);
    cpu_ms[WHO_SIMULATOR] = proc_cpu_ms(pipeline->sim.proc.pid);
    cpu_ms[WHO_WORKERS] = pipeline_cpu_ms(pipeline);
}

/* One run: its rate, and what share of the machine's processors each used meanwhile. */
static double run_once(struct pipeline *pipeline, int number, int devices, double shares[WHO_COUNT])
{
    int64_t before[WHO_COUNT], after[WHO_COUNT], began_us;
    char prefix[16];
    double rate, whole_ms;

    snprintf(prefix, sizeof(prefix), "P%02d", number);
    note_cpu(pipeline, before);
    began_us = measure_now_us();
    rate = real_import(pipeline, prefix, devices, NULL);
    whole_ms = (double)(measure_now_us() - began_us) / 1000.0 * (double)sysconf(_SC_NPROCESSORS_ONLN);
    note_cpu(pipeline, after);
    for (int who = 0; who < WHO_COUNT; who++)
        shares[who] = 100.0 * (double)(after[who] - before[who]) / whole_ms;
    return rate;
}

static void add_shares(struct bench *bench, const struct profile *profiles)
{
    static const struct {
        const char *name;
        enum area area;
    } areas[] = {
        { "http", AREA_HTTP }, { "redis", AREA_REDIS }, { "json", AREA_JSON }, { "rest", AREA_REST }
    };
    double sums[AREAS] = { 0 }, busy = 0;
    int busiest = 0;
    char name[48];

    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        if (profiles[stage].samples == 0) {
            fprintf(stderr, "pipeline: no samples of abm-%s, so no shares\n",
                    pipeline_stage_name((enum pipeline_stage)stage));
            return;
        }
        for (int area = 0; area < AREAS; area++)
            sums[area] += profiles[stage].shares[area];
        busy += 1.0 - profiles[stage].shares[AREA_IDLE];
        if (profiles[stage].shares[AREA_IDLE] < profiles[busiest].shares[AREA_IDLE])
            busiest = stage;
    }
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "share_%s", areas[i].name);
        figures_add(bench->figures, PART, name, "% of busy time", 1,
                    busy > 0 ? 100.0 * sums[areas[i].area] / busy : 0);
    }
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        snprintf(name, sizeof(name), "busy_%s", pipeline_stage_name((enum pipeline_stage)stage));
        figures_add(bench->figures, PART, name, "% of the time", 1,
                    100.0 * (1.0 - profiles[stage].shares[AREA_IDLE]));
    }
    for (int i = 0; i < 4; i++) {
        struct figure *figure;
        char unit[24];

        busy = 1.0 - profiles[busiest].shares[AREA_IDLE];
        snprintf(name, sizeof(name), "busiest_%s", areas[i].name);
        snprintf(unit, sizeof(unit), "%% of %s", pipeline_stage_name((enum pipeline_stage)busiest));
        figure = figures_add(bench->figures, PART, name, unit, 1,
                             busy > 0 ? 100.0 * profiles[busiest].shares[areas[i].area] / busy : 0);
        if (areas[i].area == AREA_HTTP)
            figure_want(figure, WANTED_AT_LEAST, 50); /* HTTP is what bounds it */
    }
}

/* A run of its own with workers that are sampled: it costs a little, so its rate is told apart. */
static void sample(struct bench *bench)
{
    struct profile profiles[PIPELINE_STAGES];
    struct pipeline_options options = { 0 };
    static struct pipeline pipeline;
    double rate;

    real_start(&pipeline, &options);
    profile_begin(pipeline.desk.dir);
    pipeline_start_workers(&pipeline);
    profile_end();
    rate = real_import(&pipeline, "S", bench->pipeline_devices, NULL);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        profile_read(pipeline.desk.dir, pipeline.workers[stage][0].pid, &profiles[stage]);
    pipeline_stop(&pipeline);
    add_shares(bench, profiles);
    figures_add(bench->figures, PART, "sampled_devices_a_second", "devices/s", 0, rate);
}

void bench_pipeline(struct bench *bench)
{
    static const char *const names[WHO_COUNT] = { "cpu_redis", "cpu_simulator", "cpu_workers" };
    static double rates[BENCH_RUNS_MAX], shares[WHO_COUNT][BENCH_RUNS_MAX];
    struct pipeline_options options = { 0 };
    static struct pipeline pipeline;

    real_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    for (int i = 0; i < bench->rounds; i++) {
        double of[WHO_COUNT];

        rates[i] = run_once(&pipeline, i, bench->pipeline_devices, of);
        for (int who = 0; who < WHO_COUNT; who++)
            shares[who][i] = of[who];
        fprintf(stderr, "pipeline %d of %d: %.0f devices/s\n", i + 1, bench->rounds, rates[i]);
    }
    pipeline_stop(&pipeline);
    figure_want(figures_add_runs(bench->figures, PART, "devices_a_second", "devices/s", 0, rates,
                                 bench->rounds, BETTER_MORE),
                WANTED_AT_LEAST, 2000);
    for (int who = 0; who < WHO_COUNT; who++)
        figures_add_runs(bench->figures, PART, names[who], "% of the machine", 1, shares[who], bench->rounds,
                         BETTER_LESS);
    sample(bench);
}

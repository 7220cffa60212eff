/* The real stages against a simulator that allows 100 requests a second: is the rate kept, used, and shared?
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "measure.h"
#include "real.h"

#define PART        "limit"
#define RATE        100 /* requests a second */
#define DONE_MS     600000
#define PROBES_MAX  64
#define PROBE_EVERY INT64_C(500) /* ms */

static void start(struct pipeline *pipeline, int workers)
{
    static const char *const sim[] = { "--rate", "100/1", "--burst", "20", NULL };
    struct pipeline_options options = { .rate_limit = "{ requests: 100, per: 1s, burst: 20 }",
                                        .stages = "  import: { linger: 0ms }\n",
                                        .sim_options = sim,
                                        .copies = { [PIPELINE_ASSIGN] = workers } };

    real_start(pipeline, &options);
    pipeline_start_workers(pipeline);
}

static void must_be_assigned(const struct pipeline_result *result, int devices)
{
    if (result->status == 0 && result->assigned == devices)
        return;
    fprintf(stderr, "bench: the import of %d devices ended with %d, %lld assigned\n", devices, result->status,
            (long long)result->assigned);
    exit(70);
}

static void add(struct bench *bench, int workers, const char *what, const char *unit, int decimals,
                double value, enum wanted wanted, double target)
{
    char name[48];

    snprintf(name, sizeof(name), "%s_%d_workers", what, workers);
    figure_want(figures_add(bench->figures, PART, name, unit, decimals, value), wanted, target);
}

static void use_rate(struct bench *bench, int workers)
{
    static struct pipeline pipeline;
    struct pipeline_result result;
    struct err err = ERR_INIT;
    int64_t calls, limited;
    double used;

    start(&pipeline, workers);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "C", bench->limit_devices), DONE_MS,
                    &result);
    must_be_assigned(&result, bench->limit_devices);
    calls = abmsim_stat(&pipeline.sim, "requests", &err);
    limited = abmsim_stat(&pipeline.sim, "limited", &err);
    pipeline_stop(&pipeline);
    used = 100.0 * (double)calls / RATE / ((double)result.ms / 1000.0);
    fprintf(stderr, "limit: %d assigning workers, %lld calls, %lld answered 429, %.1f %% of the rate\n",
            workers, (long long)calls, (long long)limited, used);
    add(bench, workers, "answered_429", "requests", 0, (double)limited, WANTED_EXACTLY, 0);
    add(bench, workers, "calls_a_device", "requests", 4, (double)calls / bench->limit_devices, WANTED_AT_MOST,
        (1.01 * (bench->limit_devices + 3.0 * ((bench->limit_devices + 199) / 200)) + 2) /
            bench->limit_devices);
    add(bench, workers, "utilisation", "% of the rate", 1, used, WANTED_AT_LEAST, 98);
}

/* The time from validate's verdict to import's: of a device alone, so one request stood in the limiter's
 * queue. */
static void see_wait(void *user, const struct device *record)
{
    double *wait_ms = user;

    *wait_ms = (double)(record->times_ms[STEP_IMPORT] - record->times_ms[STEP_VALIDATE]);
}

struct import_wait {
    struct pipeline *pipeline;
    int devices;
};

static bool has_imported_all(void *user)
{
    struct import_wait *wait = user;

    return desk_number(&wait->pipeline->desk, "HGET", "@count:import", "passed", NULL) >= wait->devices;
}

/* While 20 workers assign, single devices come along, one after another. */
static void wait_among(struct bench *bench, int workers)
{
    static struct pipeline pipeline;
    static struct pipeline_push whole, probes[PROBES_MAX];
    static double waits[PROBES_MAX];
    struct import_wait all = { &pipeline, bench->limit_devices };
    struct pipeline_result result;
    int count = 0;

    start(&pipeline, workers);
    pipeline_push_begin(&pipeline, &whole, pipeline_csv(&pipeline, "devices.csv", "C", bench->limit_devices),
                        NULL);
    /* Not behind the long run's own imports, but beside its assignments. */
    proc_until(has_imported_all, &all, DONE_MS);
    while (count < PROBES_MAX && !pipeline_push_ends(&whole, PROBE_EVERY)) {
        char prefix[16];

        snprintf(prefix, sizeof(prefix), "D%02d", count);
        pipeline_push_begin(&pipeline, &probes[count++], pipeline_csv(&pipeline, "probe.csv", prefix, 1),
                            NULL);
    }
    for (int i = 0; i < count; i++) {
        pipeline_push_end(&pipeline, &probes[i], DONE_MS, &result);
        must_be_assigned(&result, 1);
        pipeline_records(&pipeline, result.run, see_wait, &waits[i]);
    }
    pipeline_push_end(&pipeline, &whole, DONE_MS, &result);
    must_be_assigned(&result, bench->limit_devices);
    pipeline_stop(&pipeline);
    if (count == 0)
        return;
    figures_add_runs(bench->figures, PART, "import_wait", "ms", 0, waits, count, BETTER_LESS);
    figures_add(bench->figures, PART, "import_wait_longest", "ms", 0, waits[count - 1]); /* sorted */
}

void bench_limit(struct bench *bench)
{
    static const int workers[] = { 1, 4, 20 };

    for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
        use_rate(bench, workers[i]);
    wait_among(bench, 20);
}

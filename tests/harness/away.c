#include "harness/away.h"

#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "harness/toll.h"
#include "harness/wires.h"

#define PREFIX      "C02"
#define CPU_PERCENT 2 /* of one processor, a worker */
#define BATCH       200

static int64_t stat_of(struct pipeline *pipeline, const char *name)
{
    struct err err = ERR_INIT;
    int64_t number = abmsim_stat(&pipeline->sim, name, &err);

    if (number < 0)
        fail_msg("%s: %s", name, err.text);
    return number;
}

static bool is_under_load(void *user)
{
    return stat_of(user, "puts_received") >= 100;
}

/* All have found out, and said so. */
static bool all_said_so(void *user)
{
    struct pipeline *pipeline = user;
    int64_t workers = 0;

    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        workers += pipeline->copies[stage];
    return pipeline_log_count(pipeline, "\"redis_away\"") >= workers;
}

struct phase {
    struct pipeline *pipeline;
    struct pipeline_push *push;
    int64_t until_boot_ms;
};

static bool is_over(void *user)
{
    struct phase *phase = user;

    pipeline_assert_workers_run(phase->pipeline);
    if (pipeline_push_ends(phase->push, 200))
        fail_msg("the run ended while no worker reached Redis");
    return clock_boot_ms() >= phase->until_boot_ms;
}

/* What each worker used of a processor meanwhile. */
static void assert_idle(struct pipeline *pipeline, const int64_t before[PIPELINE_STAGES][PIPELINE_COPIES_MAX],
                        const char *what, int64_t took_ms)
{
    int64_t most = 0;

    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        for (int copy = 0; copy < pipeline->copies[stage]; copy++) {
            int64_t used =
                pipeline_worker_cpu_ms(pipeline, (enum pipeline_stage)stage, copy) - before[stage][copy];

            most = used > most ? used : most;
            if (used * 100 > took_ms * CPU_PERCENT)
                fail_msg("%s-%d used %lld ms of processor in %lld ms without Redis",
                         pipeline_stage_name((enum pipeline_stage)stage), copy, (long long)used,
                         (long long)took_ms);
        }
    }
    print_message("Redis %s for %.1f s: at most %lld ms of processor a worker (%.2f %%)\n", what,
                  (double)took_ms / 1000, (long long)most, (double)most * 100 / (double)took_ms);
}

static void last(struct pipeline *pipeline, struct pipeline_push *push, struct wires *wires, const char *what,
                 const struct tcp_weather *weather, int64_t ms)
{
    int64_t before[PIPELINE_STAGES][PIPELINE_COPIES_MAX] = { { 0 } };
    struct phase phase = { pipeline, push, 0 };
    int64_t began, logged, dialled;

    wires_redis(wires, weather);
    (void)wires_cut_redis(wires, true);
    if (!proc_until(all_said_so, pipeline, 30000))
        fail_msg("not every worker says that Redis is away");
    began = clock_boot_ms();
    logged = pipeline_log_bytes(pipeline);
    dialled = wires_redis_connections(wires);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < pipeline->copies[stage]; copy++)
            before[stage][copy] = pipeline_worker_cpu_ms(pipeline, (enum pipeline_stage)stage, copy);
    phase.until_boot_ms = began + ms;
    (void)proc_until(is_over, &phase, ms + 60000);
    assert_idle(pipeline, (const int64_t(*)[PIPELINE_COPIES_MAX])before, what, clock_boot_ms() - began);
    print_message("%lld connections tried, %lld bytes logged\n",
                  (long long)(wires_redis_connections(wires) - dialled),
                  (long long)(pipeline_log_bytes(pipeline) - logged));
    assert_true(pipeline_log_bytes(pipeline) - logged < 64 * 1024);
}

/* A stop is obeyed also without Redis; what was in hand comes back when its lease has run out. */
static void stop_one(struct pipeline *pipeline)
{
    struct proc *worker = &pipeline->workers[PIPELINE_ASSIGN][0];

    if (proc_stop(worker, 20000) != 0)
        fail_msg("a stop while Redis says nothing ends with %d", proc_status(worker));
}

void away_run(const struct away *away)
{
    static const struct tcp_weather refused = { .is_refused = true };
    static const struct tcp_weather silent = { .flow = { TCP_SWALLOWED, TCP_SWALLOWED } };
    struct pipeline_options options = {
        .bin = away->bin,
        .stages = "  import: { lease: 2s }\n  assign: { lease: 2s }\n  verify: { lease: 2s }\n",
        .rate_limit = "{ requests: 200, per: 1s, burst: 20 }",
        .api = "timeout: 900ms",
        .copies = { [PIPELINE_IMPORT] = 2, [PIPELINE_ASSIGN] = 2, [PIPELINE_VERIFY] = 2 },
    };
    struct pipeline_result result;
    struct pipeline_push push;
    static struct pipeline pipeline;
    static struct wires wires;
    struct toll_mark mark;
    struct toll toll = { 0 };

    pipeline_start(&pipeline, &options);
    wires_lay(&wires, &pipeline, NULL);
    pipeline_start_workers(&pipeline);
    toll_mark(&pipeline, &mark);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", PREFIX, away->devices),
                        NULL);
    if (!proc_until(is_under_load, &pipeline, 30000))
        fail_msg("no load within 30 s");
    last(&pipeline, &push, &wires, "refused", &refused, away->refused_ms);
    last(&pipeline, &push, &wires, "silent", &silent, away->silent_ms);
    stop_one(&pipeline);
    (void)wires_cut_redis(&wires, true);
    wires_redis(&wires, NULL);
    pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 0);
    pipeline_push_end(&pipeline, &push, 120000, &result);
    pipeline_assert_workers_run(&pipeline);
    toll_take(&pipeline, &mark, result.run, PREFIX, away->devices, &toll);
    print_message("%lld devices: %lld lost, %lld doubled, %lld PUTs repeated\n", (long long)toll.devices,
                  (long long)toll.lost, (long long)toll.doubled, (long long)toll.repeated);
    assert_int_equal(toll.lost + toll.doubled, 0);
    assert_int_equal(result.assigned, away->devices);
    /* What was in hand of two workers of assign, at most. */
    assert_true(toll.repeated <= 2 * BATCH);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop_workers(&pipeline, 20000);
    pipeline_stop(&pipeline);
    wires_take_down(&wires);
}

/* Guarantees 1 and 2 with lines to Redis and to the API that are half open, and with Redis out of reach. */
#include "harness/check.h"

#include <stdlib.h>

#include "base/clock.h"
#include "harness/away.h"
#include "harness/storm.h"

struct missing {
    struct pipeline *pipeline;
    int64_t said; /* by all, before */
};

#define MISSED "\"redis_away\""

/* By every worker: it has waited for an answer, connected anew, and waited for one again. */
static bool redis_is_missed(void *user)
{
    struct missing *missing = user;
    int64_t workers = 0;

    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        workers += missing->pipeline->copies[stage];
    return pipeline_log_count(missing->pipeline, MISSED) - missing->said >= workers;
}

/* Connections are open, and one side hears nothing any more: found out by time-outs alone, with nothing else
 * to help. */
static void half_open_lines_are_noticed(void **state)
{
    static const struct {
        const char *what, *prefix;
        struct tcp_weather weather;
        bool is_redis;
    } rows[] = {
        { "half open to the API: requests", "N4", { .flow = { TCP_SWALLOWED, TCP_FLOWS } }, false },
        { "half open to the API: answers", "N5", { .flow = { TCP_FLOWS, TCP_SWALLOWED } }, false },
        { "half open to Redis: requests", "N6", { .flow = { TCP_SWALLOWED, TCP_FLOWS } }, true },
        { "half open to Redis: replies", "N7", { .flow = { TCP_FLOWS, TCP_SWALLOWED } }, true },
        { "Redis takes nothing", "N8", { .flow = { TCP_STALLED, TCP_STALLED } }, true },
    };
    static struct storm storm;

    (void)state;
    storm_begin(&storm, TEST_BIN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i += proc_every(2)) {
        struct missing missing;
        int64_t began;

        storm_push(&storm, rows[i].prefix, 300);
        storm_await_load(&storm);
        began = clock_boot_ms();
        missing = (struct missing){ &storm.pipeline, pipeline_log_count(&storm.pipeline, MISSED) };
        if (rows[i].is_redis) {
            wires_redis(&storm.wires, &rows[i].weather);
            if (!proc_until(redis_is_missed, &missing, 40000))
                fail_msg("%s: not everybody notices", rows[i].what);
            print_message("%s: noticed by all after %lld ms\n", rows[i].what,
                          (long long)(clock_boot_ms() - began));
        } else {
            wires_api(&storm.wires, &rows[i].weather);
            /* Until a request of each of assign's workers has been given up, the breaker's probes included.
             */
            (void)pipeline_push_ends(&storm.push, 2500);
        }
        wires_redis(&storm.wires, NULL);
        wires_api(&storm.wires, NULL);
        storm_settle(&storm, rows[i].what, rows[i].prefix);
    }
    storm_end(&storm);
}

static void an_outage_of_redis_costs_nothing(void **state)
{
    (void)state;
    away_run(&(struct away){ .bin = TEST_BIN, .devices = 1000, .refused_ms = 10000, .silent_ms = 10000 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_open_lines_are_noticed),
        cmocka_unit_test(an_outage_of_redis_costs_nothing),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Guarantee 1: no device is lost, whatever is killed and whenever, while one request in seven goes wrong. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/chaos.h"
#include "harness/pipeline.h"

static void runs_through(void **state)
{
    struct pipeline pipeline;
    struct pipeline_result result;

    (void)state;
    pipeline_start(&pipeline, &(struct pipeline_options){ .bin = TEST_BIN });
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "a.csv", "C02", 1000), 60000, &result);
    assert_int_equal(result.status, 0);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 1000);
    pipeline_assert_all(&pipeline, result.run, "C02", 1000, OUTCOME_ASSIGNED);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_workers_run(&pipeline);
    print_message("1000 devices in %lld ms, processor %lld ms\n", (long long)result.ms,
                  (long long)pipeline_cpu_ms(&pipeline));
    pipeline_stop_workers(&pipeline, 10000);
    pipeline_stop(&pipeline);
}

#define TRANSIENT TEST_TOP "/tests/sim/scenarios/transient.json"

/* Without kills, so that whatever happens is an answer's doing. */
static void loses_nothing_to_faults(void **state)
{
    (void)state;
    chaos_run(
        &(struct chaos){ .bin = TEST_BIN, .scenario = TRANSIENT, .devices = 1000, .timeout_ms = 60000 });
}

static void loses_nothing_in_a_storm(void **state)
{
    (void)state;
    chaos_run(&(struct chaos){ .bin = TEST_BIN,
                               .scenario = TRANSIENT,
                               .devices = 5000,
                               .kill_every_ms = 100,
                               .timeout_ms = 240000 });
}

/* Every write of this Redis is on disk before it is answered. */
static void loses_nothing_with_redis(void **state)
{
    (void)state;
    chaos_run(&(struct chaos){ .bin = TEST_BIN,
                               .scenario = TRANSIENT,
                               .devices = 1000,
                               .kill_every_ms = 200,
                               .redis_every = 5,
                               .timeout_ms = 120000 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(runs_through),
                                        cmocka_unit_test(loses_nothing_to_faults),
                                        cmocka_unit_test(loses_nothing_in_a_storm),
                                        cmocka_unit_test(loses_nothing_with_redis) };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The evidence tells the truth: a worker that dies between a change and its settle leaves a device that is as
 * wanted, and nobody who could tell why. Its note can: the record says what was changed, and from what.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/pipeline.h"

#define DEVICES 300 /* two messages: one for each assign worker */
#define PREFIX  "C02"

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* What device `at` had before; NULL: nothing. */
static const char *before(int64_t at)
{
    static const char *const blueprints[] = { "bp-before-a", NULL, "bp-before-b", "bp-before-c" };

    return blueprints[at % 4];
}

/* And on which server. */
static const char *server_before(int64_t at)
{
    static const char *const servers[] = { NULL, NULL, "mdm-main", "mdm-apac" };

    return servers[at % 4];
}

static void add_devices(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;
    char serial[16];

    for (int i = 0; i < DEVICES; i++) {
        snprintf(serial, sizeof(serial), "%s%09d", PREFIX, i);
        must(
            abmsim_add_device(&pipeline->sim, serial, pipeline_country(i), before(i), server_before(i), &err),
            &err);
    }
}

static bool all_are_changed(void *user)
{
    struct pipeline *pipeline = user;
    struct err err = ERR_INIT;

    return abmsim_stat(&pipeline->sim, "puts_changed", &err) == DEVICES;
}

static void see_record(void *user, const struct device *record)
{
    int64_t at;

    (void)user;
    assert_true(str_to_int(record->serial + strlen(PREFIX), 0, DEVICES - 1, &at));
    if (record->outcome != OUTCOME_ASSIGNED || !str_eq(record->from_blueprint_id, before(at)))
        fail_msg("%s ended %s, from %s instead of %s", record->serial, outcome_name(record->outcome),
                 record->from_blueprint_id != NULL ? record->from_blueprint_id : "none",
                 before(at) != NULL ? before(at) : "none");
    if (!str_eq(record->from_mdm_server_id, server_before(at)))
        fail_msg("%s was on %s, not on %s", record->serial,
                 record->from_mdm_server_id != NULL ? record->from_mdm_server_id : "none",
                 server_before(at) != NULL ? server_before(at) : "none");
}

static void tells_what_a_dead_worker_did(void **state)
{
    static const char *const sim[] = {
        "--blueprints", "bp-1a2b3c4d,bp-5e6f7g8h,bp-9i0j1k2l,bp-before-a,bp-before-b,bp-before-c", NULL
    };
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .sim_options = sim,
        .stages = "  assign: { lease: 4s, concurrency: 256 }\n",
        .api = "timeout: 1900ms",
        .copies = { [PIPELINE_ASSIGN] = 2 },
    };
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    struct err err = ERR_INIT;

    (void)state;
    pipeline_start(&pipeline, &options);
    add_devices(&pipeline);
    /* The effect at once, the answer when the worker is dead. */
    must(abmsim_set_faults(&pipeline.sim, "[{\"op\":\"putAssignment\",\"kind\":\"slow\",\"ms\":1800}]", &err),
         &err);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", PREFIX, DEVICES), NULL);
    if (!proc_until(all_are_changed, &pipeline, 20000))
        fail_msg("not every device was changed");
    for (int copy = 0; copy < 2; copy++)
        pipeline_kill_worker(&pipeline, PIPELINE_ASSIGN, copy);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@count:assign", "passed", NULL), 0);
    must(abmsim_set_faults(&pipeline.sim, "[]", &err), &err);
    pipeline_start_workers(&pipeline);
    pipeline_push_end(&pipeline, &push, 60000, &result);
    print_message("%lld devices in %.1f s, both assign workers killed after the effect; %lld PUTs\n",
                  (long long)result.total, (double)result.ms / 1000,
                  (long long)abmsim_stat(&pipeline.sim, "puts_received", &err));
    assert_int_equal(pipeline_records(&pipeline, result.run, see_record, NULL), DEVICES);
    assert_int_equal(result.assigned, DEVICES);
    pipeline_assert_all(&pipeline, result.run, PREFIX, DEVICES, OUTCOME_ASSIGNED);
    /* What was found done was not sent again. */
    assert_int_equal(abmsim_stat(&pipeline.sim, "puts_received", &err), DEVICES);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static void see_unchanged(void *user, const struct device *record)
{
    (void)user;
    assert_int_equal(record->outcome, OUTCOME_UNCHANGED);
    assert_true(record->attempts_all == 0);
}

/* Guarantee 8: the same input again changes nothing, and the evidence says so. */
static void changes_nothing_the_second_time(void **state)
{
    struct pipeline_options options = { .bin = TEST_BIN };
    struct pipeline_result first, second;
    struct pipeline pipeline;
    struct err err = ERR_INIT;
    const char *csv;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    csv = pipeline_csv(&pipeline, "devices.csv", PREFIX, DEVICES);
    pipeline_import(&pipeline, csv, 30000, &first);
    assert_int_equal(first.assigned, DEVICES);
    pipeline_import(&pipeline, csv, 30000, &second);
    assert_string_not_equal(first.run, second.run);
    assert_int_equal(second.unchanged, DEVICES);
    assert_int_equal(second.status, 0);
    assert_int_equal(pipeline_records(&pipeline, second.run, see_unchanged, NULL), DEVICES);
    assert_int_equal(abmsim_stat(&pipeline.sim, "puts_received", &err), DEVICES);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_a_dead_worker_did),
        cmocka_unit_test(changes_nothing_the_second_time),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Faults that last, each on a device of its own (tests/sim/scenarios/permanent.json, and the table of
 * tests/sim/README.md): each ends as the table says, the others end well, and the run closes by itself.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"
#include "harness/pipeline.h"

#define GOOD 187

static const struct {
    const char *serial;
    enum outcome outcome;
    const char *code;  /* of the record; NULL: none */
    const char *stage; /* where its letter lies; NULL: it has none */
    const char *text;  /* what the letter tells of ABM's own words */
} rows[] = {
    { "PERM00000001", OUTCOME_FAILED, "abm_refused", "@dead:import", "DEVICE_NOT_ELIGIBLE" },
    { "PERM00000002", OUTCOME_FAILED, "abm_refused", "@dead:import", "DEVICE_OF_ANOTHER_ORGANIZATION" },
    { "PERM00000003", OUTCOME_FAILED, "abm_item_missing", "@dead:import", "left this device out" },
    { "PERM00000004", OUTCOME_FAILED, "abm_refused", "@dead:import", "ENTITY_ERROR" },
    { "PERM00000005", OUTCOME_FAILED, "abm_refused", "@dead:assign", "DEVICE_LOCKED" },
    { "PERM00000006", OUTCOME_FAILED, "abm_refused", "@dead:assign", "STATE_ERROR" },
    { "PERM00000007", OUTCOME_FAILED, "abm_server_error", "@dead:assign", "500" },
    { "PERM00000008", OUTCOME_FAILED, "abm_contract", "@dead:assign", "blueprintId" },
    { "PERM00000009", OUTCOME_FAILED, "deadline_absent", "@dead:verify", "no assignment" },
    { "PERM00000010", OUTCOME_FAILED, "deadline_accepted", "@dead:verify", "accepted" },
    { "PERM00000011", OUTCOME_FAILED, "assignment_failed", "@dead:verify", "" },
    { "PERM00000012", OUTCOME_ASSIGNED, NULL, NULL, NULL },
    { "PERM00000013", OUTCOME_ASSIGNED, NULL, NULL, NULL },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char stages[] = "  import: { retry: { attempts: 3, base: 200ms, cap: 1s } }\n"
                             "  assign: { retry: { attempts: 3, base: 200ms, cap: 1s } }\n"
                             "  verify: { deadline: 8s, retry: { attempts: 3, base: 200ms, cap: 1s } }\n";

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* GOOD devices of pipeline_csv, then the named ones. */
static const char *write_csv(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;
    const char *path = pipeline_csv(pipeline, "devices.csv", "C02", GOOD);
    struct buf text;

    buf_init(&text, 1 << 20);
    must(fsio_read(path, &text, &err), &err);
    for (size_t i = 0; i < ROWS; i++)
        buf_addf(&text, "%s,DE,MacBook Air\n", rows[i].serial);
    path = desk_file(&pipeline->desk, "devices.csv", text.data, text.len);
    buf_release(&text);
    return path;
}

static void check_record(void *user, const struct device *record)
{
    int *seen = user;

    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(record->serial, rows[i].serial) != 0)
            continue;
        seen[i]++;
        if (record->outcome != rows[i].outcome || !str_eq(record->code, rows[i].code))
            fail_msg("%s ended %s (%s), not %s (%s)", record->serial, outcome_name(record->outcome),
                     record->code != NULL ? record->code : "no code", outcome_name(rows[i].outcome),
                     rows[i].code != NULL ? rows[i].code : "no code");
    }
}

static void check_letter(struct pipeline *pipeline, size_t row)
{
    struct redis_reply *reply = desk_ask(&pipeline->desk, "XRANGE", rows[row].stage, "-", "+", NULL);
    bool is_found = false;

    for (size_t i = 0; i < redis_count(reply) && !is_found; i++) {
        const struct redis_reply *letter = redis_at(redis_at(reply, i), 1);
        const char *text = redis_text(redis_field(letter, "text"), NULL);

        if (strcmp(redis_text(redis_field(letter, "serial"), NULL), rows[row].serial) != 0)
            continue;
        is_found = true;
        if (strstr(text, rows[row].text) == NULL)
            fail_msg("the letter of %s says '%s', without '%s'", rows[row].serial, text, rows[row].text);
    }
    if (!is_found)
        fail_msg("%s has no letter in %s", rows[row].serial, rows[row].stage);
    redis_reply_free(reply);
}

static void ends_each_as_the_table_says(void **state)
{
    struct pipeline_options options = { .bin = TEST_BIN, .stages = stages, .api = "timeout: 900ms" };
    struct pipeline_result result;
    struct pipeline pipeline;
    struct err err = ERR_INIT;
    int seen[ROWS] = { 0 };
    struct buf text;

    (void)state;
    pipeline_start(&pipeline, &options);
    buf_init(&text, 1 << 20);
    must(fsio_read(TEST_TOP "/tests/sim/scenarios/permanent.json", &text, &err), &err);
    must(abmsim_set(&pipeline.sim, text.data, &err), &err);
    buf_release(&text);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, write_csv(&pipeline), 120000, &result);
    print_message("%lld devices in %.1f s: %lld assigned, %lld failed; breaker opened %lld times\n",
                  (long long)result.total, (double)result.ms / 1000, (long long)result.assigned,
                  (long long)result.failed, (long long)pipeline_log_count(&pipeline, "\"breaker_opened\""));
    assert_int_equal(pipeline_records(&pipeline, result.run, check_record, seen), GOOD + ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        if (seen[i] != 1)
            fail_msg("%s has %d records", rows[i].serial, seen[i]);
        if (rows[i].stage != NULL)
            check_letter(&pipeline, i);
    }
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.status, 1);
    assert_int_equal(result.assigned, GOOD + 2);
    assert_int_equal(result.failed, 11);
    assert_int_equal(result.dead, 11);
    pipeline_assert_all(&pipeline, result.run, "C02", GOOD, OUTCOME_ASSIGNED);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_workers_run(&pipeline);
    pipeline_stop(&pipeline);
}

static void see_failed(void *user, const struct device *record)
{
    int *failed = user;

    if (record->outcome == OUTCOME_ASSIGNED)
        return;
    (*failed)++;
    assert_string_equal(record->serial, "C02000000077");
    assert_int_equal(record->outcome, OUTCOME_FAILED);
    assert_string_equal(record->code, "abm_refused");
}

/* Guarantee 5: the one that spoils the whole request is found by halving; the other 199 end well. */
static void finds_the_one_that_spoils_a_request(void **state)
{
    struct pipeline_options options = { .bin = TEST_BIN, .stages = stages };
    struct pipeline_result result;
    struct pipeline pipeline;
    struct err err = ERR_INIT;
    int64_t requests;
    int failed = 0;

    (void)state;
    pipeline_start(&pipeline, &options);
    must(abmsim_set_faults(&pipeline.sim,
                           "[{\"op\":\"importDevices\",\"kind\":\"bad_request_if_serial\",\"serial\":"
                           "\"C02000000077\",\"code\":\"ENTITY_ERROR\"}]",
                           &err),
         &err);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "C02", 200), 60000, &result);
    requests = abmsim_stat(&pipeline.sim, "by_operation.importDevices", &err);
    print_message("200 devices in %.1f s with %lld import requests\n", (double)result.ms / 1000,
                  (long long)requests);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 199);
    assert_int_equal(result.failed, 1);
    assert_int_equal(pipeline_records(&pipeline, result.run, see_failed, &failed), 200);
    assert_int_equal(failed, 1);
    /* The whole, then at each of 8 levels the half that holds it and the half that does not. */
    assert_true(requests <= 17);
    assert_int_equal(pipeline_letters(&pipeline, PIPELINE_IMPORT), 1);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_each_as_the_table_says),
        cmocka_unit_test(finds_the_one_that_spoils_a_request),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

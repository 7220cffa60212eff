/*
 * What Redis has lost is put back by `abmctl run repair`, with every process there is: batches taken out of
 * ingest, the messages of each stage, those parked, a message that somebody spoiled, a device on its way
 * through a replay. After it the run closes with exactly one record of each device.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "harness/pipeline.h"

#define DEVICES 250
#define END_MS  60000
#define PREFIX  "C02"

static struct pipeline pipeline;

static void start(void)
{
    pipeline_start(&pipeline, &(struct pipeline_options){ .bin = TEST_BIN });
}

static void start_without(enum pipeline_stage missing)
{
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        if (stage != (int)missing)
            pipeline_start_worker(&pipeline, (enum pipeline_stage)stage, 0);
}

static void push(const char *run, const char *csv)
{
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "push", "--input", csv, "--run", run, "--batch-size", "100", NULL),
                0, NULL, NULL);
}

static void wait_number(const char *command, const char *key, const char *field, int64_t number)
{
    desk_await_number(&pipeline.desk, command, key, field, number, END_MS);
}

static const char *csv_of(int devices)
{
    return pipeline_csv(&pipeline, "devices.csv", PREFIX, devices);
}

static void repair(const char *run, const char *csv, int want, const char *out, const char *err)
{
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "run", "repair", "--run", run, "--input", csv, "--json", NULL), want,
                out, err);
}

/* Closed, and each device assigned and recorded once. */
static void ends_well(const char *run, int devices)
{
    if (!pipeline_wait_state(&pipeline, run, "closed", END_MS)) {
        (void)desk_ctl(&pipeline.desk, "run", "show", run, NULL);
        fail_msg("run %s does not close:\n%s", run, pipeline.desk.out.data);
    }
    pipeline_assert_all(&pipeline, run, PREFIX, devices, OUTCOME_ASSIGNED);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static void batches_are_published_again(void **state)
{
    const char *csv;

    (void)state;
    start();
    csv = csv_of(DEVICES);
    push("a", csv);
    /* 3 batches; the second goes, and the record of the push. */
    redis_reply_free(desk_ask(&pipeline.desk, "EVAL",
                              "local e = redis.call('XRANGE', KEYS[1], '-', '+')\n"
                              "return redis.call('XDEL', KEYS[1], e[2][1]) + redis.call('DEL', KEYS[2])",
                              "2", "@ingest", "@pushed", NULL));
    assert_int_equal(desk_number(&pipeline.desk, "XLEN", "@ingest", NULL), 2);
    pipeline_start_workers(&pipeline);
    wait_number("HGET", "@run:a", "ended", 150);
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:a", "state", NULL), "open");
    repair("a", csv, 65, NULL, "--batch-size"); /* nobody knows it any more */
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "run", "repair", "--run", "a", "--input", csv, "--batch-size", "100",
                         "--dry-run", "--json", NULL),
                0, "\"missing_batches\":1,\"missing_devices\":0,\"published\":0", NULL);
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "run", "repair", "--run", "a", "--input", csv, "--batch-size", "100",
                         "--json", NULL),
                0, "\"missing_batches\":1,\"missing_devices\":0,\"published\":1", NULL);
    ends_well("a", DEVICES);
}

/* All of a stage's messages are taken away while nobody reads it. */
static void lose_stage(enum pipeline_stage stage)
{
    char key[32], count[40], said[64];
    const char *csv;

    start();
    csv = csv_of(DEVICES);
    snprintf(key, sizeof(key), "@%s", pipeline_stage_name(stage));
    snprintf(count, sizeof(count), "@count:%s", pipeline_stage_name(stage));
    snprintf(said, sizeof(said), "%d of its devices", DEVICES);
    start_without(stage);
    push("a", csv);
    wait_number("HGET", "@run:a", "come", 3);
    wait_number("HGET", count, "stream", DEVICES);
    repair("a", csv, 0, "\"missing_batches\":0,\"missing_devices\":0,\"published\":0,\"put_back\":0", NULL);
    assert_int_equal(desk_number(&pipeline.desk, "DEL", key, NULL), 1);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "run", "close", "a", NULL), 77, NULL, said);
    repair("a", csv, 0, "\"missing_batches\":0,\"missing_devices\":250,\"published\":0,\"put_back\":250",
           NULL);
    repair("a", csv, 0, "\"put_back\":0", NULL); /* they are on their way */
    pipeline_start_worker(&pipeline, stage, 0);
}

static void what_import_lost_is_put_back(void **state)
{
    (void)state;
    lose_stage(PIPELINE_IMPORT);
    ends_well("a", DEVICES);
}

static void what_assign_lost_is_put_back(void **state)
{
    (void)state;
    lose_stage(PIPELINE_ASSIGN);
    ends_well("a", DEVICES);
}

static void ended(void *user, const struct device *record)
{
    int *counts = user;

    counts[record->outcome]++;
}

/* These were assigned before they were lost, and their notes are gone with their messages: assign finds what
 * is wanted.
 */
static void ends_unchanged(void)
{
    int counts[OUTCOME_COUNT] = { 0 };

    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    assert_int_equal(pipeline_records(&pipeline, "a", ended, counts), DEVICES);
    assert_int_equal(counts[OUTCOME_UNCHANGED], DEVICES);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static void what_verify_lost_is_put_back(void **state)
{
    (void)state;
    lose_stage(PIPELINE_VERIFY);
    ends_unchanged();
}

static void what_audit_lost_is_put_back(void **state)
{
    (void)state;
    lose_stage(PIPELINE_AUDIT);
    ends_unchanged();
}

/* Rows that ended in validate, a duplicate and one that is wrong, stand in audit alone and hold nothing. */
static void rows_that_push_refused_are_put_back(void **state)
{
    static const char csv[] = "serial,country\nC02000000000,DE\nC02000000000,DE\nabc,DE\nC02000000001,JP\n";
    int counts[OUTCOME_COUNT] = { 0 };
    const char *path;

    (void)state;
    start();
    path = desk_file(&pipeline.desk, "few.csv", csv, sizeof(csv) - 1);
    start_without(PIPELINE_AUDIT);
    (void)desk_ctl(&pipeline.desk, "push", "--input", path, "--run", "a", NULL);
    wait_number("HGET", "@count:audit", "stream", 4);
    assert_int_equal(desk_number(&pipeline.desk, "DEL", "@audit", NULL), 1);
    repair("a", path, 0, "\"missing_devices\":4,\"published\":0,\"put_back\":4", NULL);
    pipeline_start_worker(&pipeline, PIPELINE_AUDIT, 0);
    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    assert_int_equal(pipeline_records(&pipeline, "a", ended, counts), 4);
    assert_int_equal(counts[OUTCOME_UNCHANGED], 2);
    assert_int_equal(counts[OUTCOME_DUPLICATE], 1);
    assert_int_equal(counts[OUTCOME_REJECTED], 1);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static void a_spoiled_message_is_made_good(void **state)
{
    const char *csv;

    (void)state;
    start();
    csv = csv_of(DEVICES);
    start_without(PIPELINE_ASSIGN);
    push("a", csv);
    wait_number("HGET", "@count:assign", "stream", DEVICES);
    redis_reply_free(desk_ask(&pipeline.desk, "EVAL",
                              "local e = redis.call('XRANGE', KEYS[1], '-', '+')[1]\n"
                              "redis.call('XDEL', KEYS[1], e[1])\n"
                              "return redis.call('XADD', KEYS[1], '*', 'm', string.sub(e[2][2], 1, -3))",
                              "1", "@assign", NULL));
    pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 0);
    wait_number("XLEN", "@dead:assign", NULL, 1);
    wait_number("HGET", "@count:assign", "stream", 0);
    wait_number("HGET", "@count:verify", "stream", 0);
    wait_number("HGET", "@count:audit", "stream", 0);
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:a", "state", NULL), "open");
    repair("a", csv, 0, "\"missing_batches\":0", NULL);
    assert_null(strstr(pipeline.desk.out.data, "\"put_back\":0"));
    ends_well("a", DEVICES);
}

/* In the retry set of verify, while ABM takes its time. */
static void what_was_parked_is_put_back(void **state)
{
    static const char *const slow[] = { "--propagation", "3000", NULL };
    int counts[OUTCOME_COUNT] = { 0 };
    const char *csv;

    (void)state;
    pipeline_start(&pipeline, &(struct pipeline_options){ .bin = TEST_BIN, .sim_options = slow });
    csv = csv_of(10);
    pipeline_start_workers(&pipeline);
    push("a", csv);
    wait_number("HGET", "@count:verify", "parked", 10);
    assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_VERIFY][0], 20000), 0);
    (void)desk_number(&pipeline.desk, "DEL", "@retry:verify", "@verify", NULL);
    repair("a", csv, 0, "\"put_back\":10", NULL);
    pipeline_start_worker(&pipeline, PIPELINE_VERIFY, 0);
    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    assert_int_equal(pipeline_records(&pipeline, "a", ended, counts), 10);
    assert_int_equal(counts[OUTCOME_UNCHANGED] + counts[OUTCOME_ASSIGNED], 10);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static void a_note_is_not_lost(void **state)
{
    struct pipeline_result first;
    const char *csv;

    (void)state;
    start();
    pipeline_start_workers(&pipeline);
    csv = csv_of(10);
    pipeline_import(&pipeline, csv, END_MS, &first);
    assert_int_equal(first.assigned, 10);
    assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_ASSIGN][0], 20000), 0);
    desk_number(&pipeline.desk, "DEL", "@pushed", NULL);
    push("a", csv);
    wait_number("HGET", "@count:assign", "stream", 10);
    /* As if it had been assigned in this run: its note was saved, the change made, and then the stream was
     * lost. */
    desk_number(&pipeline.desk, "HSET", "@note:5d0c-1f", "C02000000003", "{\"b\":\"bp-before\"}", NULL);
    assert_int_equal(desk_number(&pipeline.desk, "DEL", "@assign", NULL), 1);
    repair("a", csv, 0, "\"put_back\":10", NULL);
    pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 0);
    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:a", "assigned", NULL), 1);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:a", "unchanged", NULL), 9);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "audit", "show", "C02000000003", NULL), 0,
                "bp-before", NULL);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* Of an open run and of one that was closed: its record of before has seq 0, the one to come must have more.
 */
static void a_replay_that_was_lost_is_put_back(void **state)
{
    static const char refusal[] = "[{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":422,\"code\":"
                                  "\"DEVICE_NOT_ELIGIBLE\",\"serial\":\"C02000000003\"}]";
    struct err err = ERR_INIT;
    struct pipeline_result result;
    const char *csv;

    (void)state;
    start();
    csv = csv_of(10);
    assert_int_equal(abmsim_set_faults(&pipeline.sim, refusal, &err), 0);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, csv, END_MS, &result);
    assert_int_equal(result.failed, 1);
    assert_int_equal(abmsim_set_faults(&pipeline.sim, "[]", &err), 0);
    assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_ASSIGN][0], 20000), 0);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "replay", "--stage", "assign", "--all", NULL), 0,
                "replayed 1", NULL);
    assert_int_equal(desk_number(&pipeline.desk, "DEL", "@assign", NULL), 1);
    repair(result.run, csv, 0, "\"missing_devices\":1,\"published\":0,\"put_back\":1", NULL);
    pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 0);
    assert_true(pipeline_wait_state(&pipeline, result.run, "closed", END_MS));
    assert_int_equal(pipeline_records(&pipeline, result.run, ended, (int[OUTCOME_COUNT]){ 0 }), 11);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "audit", "show", "C02000000003", NULL), 0,
                "assigned", NULL);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* A cancelled run waits for no batch, but for its devices it does: they end as cancelled. */
static void a_cancelled_run_ends_too(void **state)
{
    int counts[OUTCOME_COUNT] = { 0 };
    const char *csv;

    (void)state;
    start();
    csv = csv_of(DEVICES);
    start_without(PIPELINE_IMPORT);
    push("a", csv);
    wait_number("HGET", "@count:import", "stream", DEVICES);
    assert_int_equal(desk_number(&pipeline.desk, "DEL", "@import", NULL), 1);
    pipeline_start_worker(&pipeline, PIPELINE_IMPORT, 0);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "cancel", "--run", "a", NULL), 0, NULL, NULL);
    repair("a", csv, 0, "\"missing_batches\":0,\"missing_devices\":250,\"published\":0,\"put_back\":250",
           NULL);
    assert_true(pipeline_wait_state(&pipeline, "a", "cancelled", END_MS));
    assert_int_equal(pipeline_records(&pipeline, "a", ended, counts), DEVICES);
    assert_int_equal(counts[OUTCOME_CANCELLED], DEVICES);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* An urgent one goes on in its own lane; that it is one stands in its bytes. */
static void an_urgent_run_stays_urgent(void **state)
{
    const char *csv;

    (void)state;
    start();
    csv = csv_of(DEVICES);
    start_without(PIPELINE_IMPORT);
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "push", "--input", csv, "--run", "a", "--urgent", NULL), 0, NULL,
                NULL);
    wait_number("HGET", "@count:import", "stream", DEVICES);
    assert_int_equal(desk_number(&pipeline.desk, "DEL", "@lane:import:urgent", NULL), 1);
    assert_int_equal(desk_number(&pipeline.desk, "DEL", "@pushed", NULL), 1);
    assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_VALIDATE][0], 20000), 0);
    repair("a", csv, 0, "\"put_back\":250", NULL);
    assert_int_equal(desk_number(&pipeline.desk, "XLEN", "@lane:validate:urgent", NULL), 1);
    pipeline_start_workers(&pipeline);
    ends_well("a", DEVICES);
}

/* Redis has lost the mapping too, and the organization has another by now: the old one is asked for by its
 * hash. */
static void takes_the_mapping_of_then(void **state)
{
    static const char later[] = "blueprint_mappings:\n  - default: \"bp-9i0j1k2l\"\n";
    struct err err = ERR_INIT;
    char key[96], old[160];
    const char *csv;

    (void)state;
    start();
    csv = csv_of(DEVICES);
    start_without(PIPELINE_IMPORT);
    push("a", csv);
    wait_number("HGET", "@count:import", "stream", DEVICES);
    assert_int_equal(desk_number(&pipeline.desk, "DEL", "@import", NULL), 1);
    snprintf(key, sizeof(key), "@rules:%s",
             desk_text(&pipeline.desk, "HGET", "@run:a", "mapping_sha256", NULL));
    assert_int_equal(desk_number(&pipeline.desk, "DEL", key, NULL), 1);
    snprintf(old, sizeof(old), "%s",
             desk_file(&pipeline.desk, "old.yaml", PIPELINE_RULES, strlen(PIPELINE_RULES)));
    assert_int_equal(fsio_write(pipeline.desk.rules, later, sizeof(later) - 1, 0600, &err), 0);
    repair("a", csv, 65, NULL, "a mapping of SHA-256");
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "run", "repair", "--run", "a", "--input", csv, "--blueprints", old,
                         "--json", NULL),
                0, "\"put_back\":250", NULL);
    pipeline_start_worker(&pipeline, PIPELINE_IMPORT, 0);
    ends_well("a", DEVICES);
}

/* Asked again and again while all stages work on it: it puts nothing back that is on its way, so nothing is
 * done twice. */
static void a_run_that_moves_is_left_alone(void **state)
{
    enum { MANY = 4000 };
    static const char *const slow[] = { "--propagation", "1500",
                                        NULL }; /* some of it is parked all the while */
    int times = 0;
    const char *csv;

    (void)state;
    pipeline_start(&pipeline, &(struct pipeline_options){ .bin = TEST_BIN, .sim_options = slow });
    pipeline_start_workers(&pipeline);
    csv = csv_of(MANY);
    push("a", csv);
    wait_number("EXISTS", "@run:a", NULL, 1);
    for (;; times++) {
        int status = desk_ctl(&pipeline.desk, "run", "repair", "--run", "a", "--input", csv, "--json", NULL);

        if (status == 77) /* closed meanwhile */
            break;
        desk_expect(&pipeline.desk, status, 0, "\"missing_devices\":0,\"published\":0,\"put_back\":0", NULL);
    }
    assert_true(times > 0);
    print_message("asked %d times\n", times);
    ends_well("a", MANY);
}

static void refuses_what_does_not_belong(void **state)
{
    const char *csv, *other;

    (void)state;
    start();
    csv = csv_of(DEVICES);
    other = pipeline_csv(&pipeline, "other.csv", "C03", DEVICES);
    start_without(PIPELINE_IMPORT);
    push("a", csv);
    wait_number("HGET", "@count:import", "stream", DEVICES);
    repair("b", csv, 65, NULL, "knows no run");
    repair("a", other, 65, NULL, "input_other");
    desk_number(&pipeline.desk, "HSET", "@run:a:batches", "2",
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL);
    repair("a", csv, 65, NULL, "batch 2");
    pipeline_start_worker(&pipeline, PIPELINE_IMPORT, 0);
    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    repair("a", csv, 77, NULL, "is closed");
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_published_again),
        cmocka_unit_test(what_import_lost_is_put_back),
        cmocka_unit_test(what_assign_lost_is_put_back),
        cmocka_unit_test(what_verify_lost_is_put_back),
        cmocka_unit_test(what_audit_lost_is_put_back),
        cmocka_unit_test(rows_that_push_refused_are_put_back),
        cmocka_unit_test(a_spoiled_message_is_made_good),
        cmocka_unit_test(what_was_parked_is_put_back),
        cmocka_unit_test(a_note_is_not_lost),
        cmocka_unit_test(a_replay_that_was_lost_is_put_back),
        cmocka_unit_test(a_cancelled_run_ends_too),
        cmocka_unit_test(an_urgent_run_stays_urgent),
        cmocka_unit_test(takes_the_mapping_of_then),
        cmocka_unit_test(a_run_that_moves_is_left_alone),
        cmocka_unit_test(refuses_what_does_not_belong),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Replays, with every process there is: devices that the API refused become dead letters, and once the API
 * has changed its mind `abmctl replay` ends them assigned. The evidence tells both: a closed run gets a
 * further manifest, of an open one the later record counts. What a later run has changed is not undone.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "evidence/dsse.h"
#include "evidence/manifest.h"
#include "harness/pipeline.h"

#define DEVICES 30
#define REFUSED 5 /* the first of them */
#define END_MS  60000

/* The API refuses these devices' assignments, for good. */
static const char refusals[] = "[{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":422,\"code\":"
                               "\"DEVICE_NOT_ELIGIBLE\",\"serial\":\"C00000000000\"},"
                               "{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":422,\"code\":"
                               "\"DEVICE_NOT_ELIGIBLE\",\"serial\":\"C00000000001\"},"
                               "{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":409,\"code\":"
                               "\"ASSIGNMENT_LOCKED\",\"serial\":\"C00000000002\"},"
                               "{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":409,\"code\":"
                               "\"ASSIGNMENT_LOCKED\",\"serial\":\"C00000000003\"},"
                               "{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":422,\"code\":"
                               "\"DEVICE_NOT_ELIGIBLE\",\"serial\":\"C00000000004\"}]";

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void set_faults(struct pipeline *pipeline, const char *rules)
{
    struct err err = ERR_INIT;

    must(abmsim_set_faults(&pipeline->sim, rules, &err), &err);
}

static void start(struct pipeline *pipeline, const char *stages)
{
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .stages = stages,
                                        .copies = { [PIPELINE_ASSIGN] = 2 } };

    pipeline_start(pipeline, &options);
    set_faults(pipeline, refusals);
    pipeline_start_workers(pipeline);
}

/* Nothing is left, nobody is dead, and the evidence is whole. */
static void assert_all_well(struct pipeline *pipeline)
{
    pipeline_assert_no_letters(pipeline);
    pipeline_assert_clean(pipeline);
    pipeline_assert_evidence_whole(pipeline);
    pipeline_assert_no_violations(pipeline);
    pipeline_stop(pipeline);
}

/* Manifest `number` of a run; it lives in pool. Its payload's hash into sha256. */
static struct manifest read_manifest(struct pipeline *pipeline, const char *run, int number,
                                     struct pool *pool, char sha256[SHA256_HEX])
{
    struct buf envelope, payload;
    struct manifest manifest;
    struct err err = ERR_INIT;
    char path[320];

    snprintf(path, sizeof(path), "%s/acme/%s/manifest-%d.dsse.json", pipeline->evidence, run, number);
    buf_init(&envelope, DSSE_ENVELOPE_MAX);
    buf_init(&payload, DSSE_PAYLOAD_MAX);
    must(fsio_read(path, &envelope, &err), &err);
    must(dsse_open(envelope.data, envelope.len, NULL, &payload, &err), &err);
    must(manifest_parse(payload.data, payload.len, pool, &manifest, &err), &err);
    sha256_hex(payload.data, payload.len, sha256);
    buf_release(&envelope);
    buf_release(&payload);
    return manifest;
}

/* What the records of one record file, or of the devices refused at first, say. */
struct seen {
    int count, refused;
    int64_t seq_least, seq_most;
    enum outcome outcome; /* wanted */
};

static void see(void *user, const struct device *record)
{
    struct seen *seen = user;
    bool is_refused = record->serial[0] == 'C' && atoi(record->serial + 1) < REFUSED;

    seen->count++;
    if (!is_refused)
        return;
    seen->refused++;
    if (record->seq < seen->seq_least)
        seen->seq_least = record->seq;
    if (record->seq > seen->seq_most)
        seen->seq_most = record->seq;
    if (record->seq > 0 && record->outcome != seen->outcome)
        fail_msg("%s ended %s in its replay", record->serial, outcome_name(record->outcome));
}

static void ctl_replays(struct pipeline *pipeline, const char *stage, int count)
{
    char said[64];

    snprintf(said, sizeof(said), "replayed %d, refused 0", count);
    desk_expect(&pipeline->desk, desk_ctl(&pipeline->desk, "replay", "--stage", stage, "--all", NULL), 0,
                said, NULL);
}

static void import_with_refusals(struct pipeline *pipeline, struct pipeline_result *result)
{
    pipeline_import(pipeline, pipeline_csv(pipeline, "devices.csv", "C", DEVICES), END_MS, result);
    assert_int_equal(result->status, 1);
    assert_int_equal(result->assigned, DEVICES - REFUSED);
    assert_int_equal(result->failed, REFUSED);
    assert_int_equal(result->dead, REFUSED);
    assert_int_equal(pipeline_letters(pipeline, PIPELINE_ASSIGN), REFUSED);
}

static void a_closed_run_gets_another_manifest(void **state)
{
    static struct pipeline pipeline;
    struct pool *pool = pool_new(1 << 20);
    struct seen seen = { .seq_least = 99, .outcome = OUTCOME_ASSIGNED };
    char first_sha256[SHA256_HEX], second_sha256[SHA256_HEX], key[96];
    struct pipeline_result result;
    struct manifest manifest;

    (void)state;
    start(&pipeline, NULL);
    import_with_refusals(&pipeline, &result);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "dead", "list", NULL), 0, "DEVICE_NOT_ELIGIBLE",
                NULL);
    manifest = read_manifest(&pipeline, result.run, 1, pool, first_sha256);
    assert_int_equal(manifest.outputs[OUTCOME_FAILED], REFUSED);
    assert_null(manifest.supersedes);

    set_faults(&pipeline, "[]");
    ctl_replays(&pipeline, "assign", REFUSED);
    assert_true(pipeline_wait_state(&pipeline, result.run, "closed", END_MS));
    manifest = read_manifest(&pipeline, result.run, 2, pool, second_sha256);
    assert_int_equal(manifest.total, REFUSED);
    assert_int_equal(manifest.outputs[OUTCOME_ASSIGNED], REFUSED);
    assert_int_equal(manifest.sequence, 2);
    assert_string_equal(manifest.supersedes, first_sha256);
    assert_string_equal(manifest.previous_sha256, first_sha256);
    assert_int_equal(manifest.file_count, 1);
    assert_string_equal(manifest.files[0].name, "records-00002.jsonl");
    assert_int_equal(manifest.files[0].count, REFUSED);
    assert_true(manifest.is_complete);
    /* Both ends of each are on record. */
    assert_int_equal(pipeline_records(&pipeline, result.run, see, &seen), DEVICES + REFUSED);
    assert_int_equal(seen.refused, 2 * REFUSED);
    assert_int_equal(seen.seq_least, 0);
    assert_int_equal(seen.seq_most, 1);
    snprintf(key, sizeof(key), "@run:%s", result.run);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", key, "failed", NULL), 0);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", key, "assigned", NULL), DEVICES);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", key, "dead", NULL), 0);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "audit", "show", "C00000000002", NULL), 0,
                "assigned", NULL);
    pool_free(pool);
    assert_all_well(&pipeline);
}

/* Batch 1 or 2 of a run of two, with half the devices each. */
static void push_half(struct pipeline *pipeline, int batch)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_addf(&text, "{\"version\":1,\"run\":\"halves\",\"batch\":%d,\"batches\":2,\"devices\":[", batch);
    for (int i = (batch - 1) * DEVICES / 2; i < batch * DEVICES / 2; i++)
        buf_addf(&text, "%s{\"row\":%d,\"serial\":\"C%011d\",\"country\":\"DE\"}",
                 i > (batch - 1) * DEVICES / 2 ? "," : "", i + 1, i);
    buf_add_str(&text, "]}");
    assert_false(text.is_failed);
    redis_reply_free(desk_ask(&pipeline->desk, "XADD", "@ingest", "*", "batch", text.data, NULL));
    buf_release(&text);
}

struct number_wait {
    struct pipeline *pipeline;
    const char *key, *field;
    int64_t number;
};

static bool is_number(void *user)
{
    struct number_wait *wait = user;

    return desk_number(&wait->pipeline->desk, "HGET", wait->key, wait->field, NULL) == wait->number;
}

static void of_an_open_run_the_later_record_counts(void **state)
{
    static struct pipeline pipeline;
    struct pool *pool = pool_new(1 << 20);
    struct seen seen = { .seq_least = 99, .outcome = OUTCOME_ASSIGNED };
    struct number_wait ended = { &pipeline, "@run:halves", "ended", DEVICES / 2 };
    struct number_wait assigned = { &pipeline, "@run:halves", "assigned", DEVICES / 2 };
    char sha256[SHA256_HEX];
    struct manifest manifest;

    (void)state;
    start(&pipeline, NULL);
    push_half(&pipeline, 1);
    assert_true(proc_until(is_number, &ended, END_MS));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:halves", "failed", NULL), REFUSED);
    set_faults(&pipeline, "[]");
    ctl_replays(&pipeline, "assign", REFUSED);
    assert_true(proc_until(is_number, &assigned, END_MS));
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:halves", "state", NULL), "open");
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:halves", "failed", NULL), 0);
    push_half(&pipeline, 2);
    assert_true(pipeline_wait_state(&pipeline, "halves", "closed", END_MS));

    manifest = read_manifest(&pipeline, "halves", 1, pool, sha256);
    assert_int_equal(manifest.total, DEVICES);
    assert_int_equal(manifest.outputs[OUTCOME_ASSIGNED], DEVICES);
    assert_int_equal(manifest.outputs[OUTCOME_FAILED], 0);
    assert_null(manifest.supersedes);
    assert_int_equal(pipeline_records(&pipeline, "halves", see, &seen), DEVICES);
    assert_int_equal(seen.refused, REFUSED);
    assert_int_equal(seen.seq_least, 1);
    pool_free(pool);
    assert_all_well(&pipeline);
}

static void what_a_later_run_changed_is_not_undone(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_result first, later;
    char said[128];

    (void)state;
    start(&pipeline, NULL);
    import_with_refusals(&pipeline, &first);
    set_faults(&pipeline, "[]");
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "again.csv", "C", DEVICES), END_MS, &later);
    assert_int_equal(later.status, 0);
    assert_int_equal(later.assigned, REFUSED);
    assert_int_equal(later.unchanged, DEVICES - REFUSED);

    snprintf(said, sizeof(said), "run %s has finished the device since", later.run);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "replay", "--stage", "assign", "--all", NULL), 1,
                "replayed 0, refused 5", said);
    assert_int_equal(pipeline_letters(&pipeline, PIPELINE_ASSIGN), REFUSED);
    assert_true(pipeline_wait_state(&pipeline, first.run, "closed", 0));

    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "replay", "--stage", "assign", "--all", "--force", NULL), 0,
                "replayed 5, refused 0", NULL);
    assert_true(pipeline_wait_state(&pipeline, first.run, "closed", END_MS));
    assert_all_well(&pipeline);
}

/* ABM says FAILED after each PUT: verify sends back twice, then gives up. Its letters begin at assign again.
 */
static void letters_of_verify_go_back_to_assign(void **state)
{
    static const char failing[] = "[{\"kind\":\"fail_assignment\",\"serial\":\"C00000000000\"},"
                                  "{\"kind\":\"fail_assignment\",\"serial\":\"C00000000001\"}]";
    static struct pipeline pipeline;
    struct pool *pool = pool_new(1 << 20);
    struct pipeline_result result;
    struct abmsim_device device;
    char sha256[SHA256_HEX];
    struct manifest manifest;
    struct err err = ERR_INIT;

    (void)state;
    start(&pipeline, NULL);
    set_faults(&pipeline, failing);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "C", DEVICES), END_MS, &result);
    assert_int_equal(result.failed, 2);
    assert_int_equal(pipeline_letters(&pipeline, PIPELINE_VERIFY), 2);
    set_faults(&pipeline, "[]");
    /* With nobody there to take them, they are seen where they were put. */
    assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_VERIFY][0], 20000), 0);
    for (int copy = 0; copy < pipeline.copies[PIPELINE_ASSIGN]; copy++)
        assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_ASSIGN][copy], 20000), 0);
    ctl_replays(&pipeline, "verify", 2);
    assert_int_equal(desk_number(&pipeline.desk, "XLEN", "@assign", NULL), 2);
    assert_int_equal(desk_number(&pipeline.desk, "XLEN", "@verify", NULL), 0);
    pipeline_start_workers(&pipeline);
    assert_true(pipeline_wait_state(&pipeline, result.run, "closed", END_MS));
    manifest = read_manifest(&pipeline, result.run, 2, pool, sha256);
    assert_int_equal(manifest.outputs[OUTCOME_ASSIGNED], 2);
    assert_int_equal(manifest.total, 2);
    assert_int_equal(abmsim_device(&pipeline.sim, "C00000000000", &device, &err), 1);
    assert_string_equal(device.blueprint_id, "bp-5e6f7g8h");
    pool_free(pool);
    assert_all_well(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_run_gets_another_manifest),
        cmocka_unit_test(of_an_open_run_the_later_record_counts),
        cmocka_unit_test(what_a_later_run_changed_is_not_undone),
        cmocka_unit_test(letters_of_verify_go_back_to_assign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

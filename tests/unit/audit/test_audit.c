#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "evidence/verify.h"
#include "harness/batch.h"
#include "harness/evidence.h"

/* The rule as the skeleton runs it, over the doubles. */
struct bench {
    struct evidence evidence;
    char signer[320], sink[320];
    const char *sinks[1];
    struct settings settings;
    struct org_settings org;
    struct stage_env env;
    struct batch_made made;
    void *audit;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct err err = ERR_INIT;

    evidence_make(&bench->evidence);
    snprintf(bench->signer, sizeof(bench->signer), "ed25519:file:%s/audit.key", bench->evidence.dir);
    snprintf(bench->sink, sizeof(bench->sink), "file:%s", bench->evidence.sink_dir[0]);
    bench->sinks[0] = bench->sink;
    bench->settings = (struct settings){ .path = "pipeline.yaml",
                                         .audit_signer = bench->signer,
                                         .audit_spool = bench->evidence.spool_dir,
                                         .audit_sinks = bench->sinks,
                                         .audit_sink_count = 1 };
    bench->org = (struct org_settings){ .name = EVIDENCE_ORG, .api_dialect = "abm-v2" };
    bench->env = (struct stage_env){ .stage = "audit",
                                     .settings = &bench->settings,
                                     .org = &bench->org,
                                     .runbook = bench->evidence.book.runbook,
                                     .chain = bench->evidence.chain.chain,
                                     .version = "0.1.0" };
    batch_make(&bench->made, 200);
    if (audit_open(&bench->env, &bench->audit, &err) != 0)
        fail_msg("%s", err.text);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    audit_close(bench->audit);
    batch_unmake(&bench->made);
    evidence_unmake(&bench->evidence);
    free(bench);
    return 0;
}

/* A batch of two devices that ended, as the message uid of run. */
static struct batch *fill(struct bench *bench, const char *run, const char *uid)
{
    struct batch *batch = &bench->made.batch;

    batch->run = run;
    batch->uid = uid;
    for (int i = 0; i < 2; i++) {
        struct job *job = batch_add(&bench->made, i == 0 ? "SERIAL000001" : "SERIAL000002", NULL);

        job->device->outcome = OUTCOME_ASSIGNED;
    }
    return batch;
}

/* The closing message of run. */
static struct batch *closing(struct bench *bench, const char *run)
{
    struct batch *batch = &bench->made.batch;

    batch->count = 0;
    batch->run = run;
    batch->is_close = true;
    batch->close_verdict = VERDICT_NONE;
    return batch;
}

static void writes_a_part_and_passes_all(void **state)
{
    struct bench *bench = *state;
    struct batch *batch = fill(bench, "run-1", "uid-1");
    struct err err = ERR_INIT;
    char path[400], hex[SHA256_HEX];
    const char *text;

    if (audit_batch(bench->audit, batch, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < batch->count; i++)
        want_verdict("a device that ended", &batch->jobs[i], VERDICT_PASS);
    snprintf(path, sizeof(path), "%s/acme/run-1/uid-1.jsonl", bench->evidence.spool_dir);
    text = evidence_read(&bench->evidence, path);
    assert_non_null(text);
    sha256_hex(text, strlen(text), hex);
    assert_string_equal(batch->part_sha256, hex);
    assert_int_equal(evidence_count(text, "\n"), 2);
}

static void writes_the_same_part_again(void **state)
{
    struct bench *bench = *state;
    struct batch *batch = fill(bench, "run-1", "uid-1");
    struct err err = ERR_INIT;
    char first[SHA256_HEX];

    assert_int_equal(audit_batch(bench->audit, batch, &err), 0);
    strcpy(first, batch->part_sha256);
    batch_again(&bench->made);
    batch->part_sha256 = NULL;
    assert_int_equal(audit_batch(bench->audit, batch, &err), 0);
    assert_string_equal(batch->part_sha256, first);
}

static void writes_down_a_device_without_outcome(void **state)
{
    struct bench *bench = *state;
    struct batch *batch = fill(bench, "run-1", "uid-1");
    struct err err = ERR_INIT;

    batch->jobs[1].device->outcome = OUTCOME_NONE;
    assert_int_equal(audit_batch(bench->audit, batch, &err), 0);
    want_verdict("the device", &batch->jobs[1], VERDICT_PASS);
    assert_int_equal(batch->jobs[1].device->outcome, OUTCOME_FAILED);
    assert_string_equal(batch->jobs[1].device->code, "no_verdict");
}

static void closes_a_run(void **state)
{
    struct bench *bench = *state;
    struct fake_run *run = fake_runbook_add(&bench->evidence.book, "run-1");
    struct batch *batch = fill(bench, "run-1", "uid-1");
    struct verify_result result;
    struct err err = ERR_INIT;

    assert_int_equal(audit_batch(bench->audit, batch, &err), 0);
    fake_run_list_part(run, "uid-1", batch->part_sha256, 2);
    batch = closing(bench, "run-1");
    if (audit_batch(bench->audit, batch, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(batch->close_verdict, VERDICT_FINISH);
    assert_string_equal(batch->manifest_path,
                        evidence_path(&bench->evidence, 0, "run-1", "manifest-1.dsse.json"));
    assert_string_equal(batch->manifest_sha256, bench->evidence.chain.head_sha256);
    assert_int_equal(batch->records_files, 1);
    if (evidence_verify(bench->evidence.sink_dir[0], &bench->evidence.verifier, &result, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(result.records, 2);
}

static void waits_while_another_closes(void **state)
{
    struct bench *bench = *state;
    struct err err = ERR_INIT;
    struct batch *batch;

    fake_runbook_add(&bench->evidence.book, "run-1");
    bench->evidence.chain.is_locked = true;
    batch = closing(bench, "run-1");
    assert_int_equal(audit_batch(bench->audit, batch, &err), 0);
    assert_int_equal(batch->close_verdict, VERDICT_WAIT);
    assert_null(batch->manifest_path);
}

/* Whatever is wrong with one run, the worker goes on with the others: never worse than "later". */
static void no_run_ends_the_worker(void **state)
{
    struct bench *bench = *state;
    struct fake_run *run = fake_runbook_add(&bench->evidence.book, "run-1");
    struct err err = ERR_INIT;
    struct batch *batch;

    fake_run_list_part(run, "gone", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 2);
    batch = closing(bench, "run-1");
    assert_int_equal(audit_batch(bench->audit, batch, &err), -1);
    assert_int_equal(err.code, ERR_PARTS);
    assert_int_equal(err_class_of(err.code), ERR_CLASS_LATER);
    batch = closing(bench, "unknown");
    assert_int_equal(audit_batch(bench->audit, batch, &err), -1);
    assert_int_equal(err_class_of(err.code), ERR_CLASS_LATER);
    assert_non_null(strstr(err.text, "run_state"));
    batch = closing(bench, "../outside");
    assert_int_equal(audit_batch(bench->audit, batch, &err), -1);
    assert_int_equal(err_class_of(err.code), ERR_CLASS_LATER);
}

static void says_when_the_spool_is_not_writable(void **state)
{
    struct bench *bench = *state;
    struct batch *batch = fill(bench, "run-1", "uid-1");
    struct err err = ERR_INIT;

    evidence_replace(bench->evidence.spool_dir, "in the way", 10);
    assert_int_equal(audit_batch(bench->audit, batch, &err), -1);
    assert_int_equal(err.code, ERR_SPOOL);
    want_verdict("a device not written down", &batch->jobs[0], VERDICT_NONE);
}

static void does_not_start_without_a_key_or_a_sink(void **state)
{
    static const struct {
        const char *what, *signer, *sink, *org;
        enum err_code want;
    } rows[] = {
        { "no key", "ed25519:file:/nonexistent", NULL, NULL, ERR_SIGNER },
        { "an unknown signer", "gpg:me", NULL, NULL, ERR_SETTINGS },
        { "an unknown sink", NULL, "tape:1", NULL, ERR_SETTINGS },
        { "an organization that is a path", NULL, NULL, "../x", ERR_SETTINGS },
        { "no sink", NULL, "", NULL, ERR_SETTINGS_MISSING },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings settings = bench->settings;
        struct org_settings org = bench->org;
        struct stage_env env = bench->env;
        const char *sinks[1] = { rows[i].sink };
        struct err err = ERR_INIT;
        void *audit;

        env.settings = &settings;
        env.org = &org;
        if (rows[i].signer != NULL)
            settings.audit_signer = rows[i].signer;
        if (rows[i].sink != NULL) {
            settings.audit_sinks = sinks;
            settings.audit_sink_count = rows[i].sink[0] != '\0';
        }
        if (rows[i].org != NULL)
            org.name = rows[i].org;
        if (audit_open(&env, &audit, &err) == 0 || err.code != rows[i].want)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(writes_a_part_and_passes_all),         ROW(writes_the_same_part_again),
        ROW(writes_down_a_device_without_outcome), ROW(closes_a_run),
        ROW(waits_while_another_closes),           ROW(no_run_ends_the_worker),
        ROW(says_when_the_spool_is_not_writable),  ROW(does_not_start_without_a_key_or_a_sink),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

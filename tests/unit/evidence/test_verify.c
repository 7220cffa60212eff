#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "evidence/dsse.h"
#include "evidence/manifest.h"
#include "evidence/verify.h"
#include "harness/evidence.h"

/* run-1 with 10 devices and one replayed after, run-2 with 4: sequences 1, 2 and 3. */
static int setup(void **state)
{
    struct evidence *evidence = calloc(1, sizeof(*evidence));
    struct device *again;
    struct fake_run *run;
    struct closed closed;

    evidence_make(evidence);
    run = fake_runbook_add(&evidence->book, "run-1");
    evidence_part(evidence, run, "uid-1", 1, 10);
    evidence_close(evidence, run, &closed);
    again = evidence_device(evidence, 4);
    again->seq = 1;
    run->view.ended--;
    evidence_part_of(evidence, run, "uid-2", (const struct device *const[]){ again }, 1);
    evidence_close(evidence, run, &closed);
    run = fake_runbook_add(&evidence->book, "run-2");
    evidence_part(evidence, run, "uid-3", 1, 4);
    evidence_close(evidence, run, &closed);
    *state = evidence;
    return 0;
}

static int teardown(void **state)
{
    evidence_unmake(*state);
    free(*state);
    return 0;
}

static void want_refuted(const char *what, const char *path, const struct verifier *verifier,
                         enum err_code code, const char *says)
{
    struct verify_result result;
    struct err err = ERR_INIT;

    if (evidence_verify(path, verifier, &result, &err) == 0)
        fail_msg("%s: taken for whole", what);
    if (err.code != code || strstr(err.text, says) == NULL)
        fail_msg("%s: %s: %s", what, err_wire(err.code), err.text);
    if (!evidence_is_refuted(err.code))
        fail_msg("%s: not counted as a no", what);
}

static void takes_what_is_whole(void **state)
{
    struct evidence *evidence = *state;
    const struct {
        const char *what, *path;
        int64_t manifests, records;
        bool is_tree;
    } rows[] = {
        { "the sink", evidence->sink_dir[0], 3, 15, true },
        { "the organization", pool_printf(evidence->pool, "%s/acme", evidence->sink_dir[0]), 3, 15, true },
        { "a run", pool_printf(evidence->pool, "%s/acme/run-1", evidence->sink_dir[0]), 2, 11, false },
        { "a run in the middle", pool_printf(evidence->pool, "%s/acme/run-2", evidence->sink_dir[0]), 1, 4,
          false },
        { "a manifest",
          pool_printf(evidence->pool, "%s/acme/run-1/manifest-2.dsse.json", evidence->sink_dir[0]), 1, 1,
          false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct verify_result result;
        struct err err = ERR_INIT;

        if (evidence_verify(rows[i].path, &evidence->verifier, &result, &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        if (result.manifests != rows[i].manifests || result.records != rows[i].records ||
            result.is_tree != rows[i].is_tree)
            fail_msg("%s: %lld manifests, %lld records", rows[i].what, (long long)result.manifests,
                     (long long)result.records);
    }
}

static void notices_a_changed_record(void **state)
{
    struct evidence *evidence = *state;
    char path[700];
    char *text;

    snprintf(path, sizeof(path), "%s", evidence_path(evidence, 0, "run-1", "records-00001.jsonl"));
    text = evidence_read(evidence, path);
    memcpy(strstr(text, "bp-1a2b3c4d"), "bp-ffffffff", 11);
    evidence_replace(path, text, strlen(text));
    want_refuted("a changed record", evidence->sink_dir[0], &evidence->verifier, ERR_EVIDENCE, path);
}

static void notices_record_files_cut_and_gone(void **state)
{
    struct evidence *evidence = *state;
    char path[700];
    char *text;

    snprintf(path, sizeof(path), "%s", evidence_path(evidence, 0, "run-1", "records-00001.jsonl"));
    text = evidence_read(evidence, path);
    evidence_replace(path, text, (size_t)(strchr(text, '\n') + 1 - text));
    want_refuted("records gone", evidence->sink_dir[0], &evidence->verifier, ERR_EVIDENCE, "SHA-256");
    evidence_replace(path, text, strlen(text) - 5);
    want_refuted("a record cut", evidence->sink_dir[0], &evidence->verifier, ERR_EVIDENCE, "cut short");
    assert_int_equal(unlink(path), 0);
    want_refuted("the file gone", evidence->sink_dir[0], &evidence->verifier, ERR_EVIDENCE, "missing");
}

/* Something else in a file's place: a link to the very same bytes, a folder. */
static void notices_what_is_no_file(void **state)
{
    struct evidence *evidence = *state;
    char path[700], aside[720];

    snprintf(path, sizeof(path), "%s", evidence_path(evidence, 0, "run-1", "records-00001.jsonl"));
    snprintf(aside, sizeof(aside), "%s.aside", path);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink(aside, path), 0);
    want_refuted("a link", evidence->sink_dir[0], &evidence->verifier, ERR_EVIDENCE, "no regular file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    want_refuted("a folder", evidence->sink_dir[0], &evidence->verifier, ERR_EVIDENCE, "no regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rename(aside, path), 0);
    snprintf(path, sizeof(path), "%s", evidence_path(evidence, 0, "run-2", "manifest-2.dsse.json"));
    assert_int_equal(mkdir(path, 0700), 0);
    want_refuted("a folder named as a manifest", evidence->sink_dir[0], &evidence->verifier, ERR_EVIDENCE,
                 "no regular file");
    assert_int_equal(rmdir(path), 0);
}

static void notices_another_key(void **state)
{
    struct evidence *evidence = *state, *other = calloc(1, sizeof(*other));

    evidence_make(other);
    want_refuted("another key", evidence->sink_dir[0], &other->verifier, ERR_SIGNATURE,
                 other->verifier.keyid);
    evidence_unmake(other);
    free(other);
}

static void notices_a_changed_manifest(void **state)
{
    struct evidence *evidence = *state;
    char path[700];
    char *text, *payload;

    snprintf(path, sizeof(path), "%s", evidence_path(evidence, 0, "run-2", "manifest-1.dsse.json"));
    text = evidence_read(evidence, path);
    payload = strstr(text, "\"payload\":\"") + 11;
    payload[40] = payload[40] == 'A' ? 'B' : 'A';
    evidence_replace(path, text, strlen(text));
    want_refuted("a changed manifest", path, &evidence->verifier, ERR_SIGNATURE, path);
}

static void notices_missing_manifests(void **state)
{
    struct evidence *evidence = *state;
    char *run_1 = pool_printf(evidence->pool, "%s/acme/run-1", evidence->sink_dir[0]);
    char *manifest_2 = pool_printf(evidence->pool, "%s/manifest-2.dsse.json", run_1);
    char *text = evidence_read(evidence, manifest_2);
    struct verify_result result;
    struct err err = ERR_INIT;

    assert_int_equal(unlink(manifest_2), 0);
    want_refuted("one in the middle", evidence->sink_dir[0], &evidence->verifier, ERR_CHAIN,
                 "sequence 2 is missing");
    assert_int_equal(evidence_verify(run_1, &evidence->verifier, &result, &err),
                     0);                  /* by itself it is whole */
    assert_int_equal(result.unlisted, 1); /* but records-00002.jsonl is proved by nothing */
    evidence_replace(manifest_2, text, strlen(text));
    assert_int_equal(unlink(pool_printf(evidence->pool, "%s/manifest-1.dsse.json", run_1)), 0);
    want_refuted("the first of a run", run_1, &evidence->verifier, ERR_CHAIN,
                 "manifest-1.dsse.json is missing");
    want_refuted("the first of all", evidence->sink_dir[0], &evidence->verifier, ERR_CHAIN, "missing");
}

static void notices_a_manifest_twice(void **state)
{
    struct evidence *evidence = *state;
    static const char *const names[] = { "manifest-1.dsse.json", "records-00001.jsonl" };
    struct err err = ERR_INIT;

    assert_int_equal(fsio_mkdirs(evidence_path(evidence, 0, "copy", ""), 0700, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        char *text = evidence_read(evidence, evidence_path(evidence, 0, "run-2", names[i]));

        evidence_replace(evidence_path(evidence, 0, "copy", names[i]), text, strlen(text));
    }
    want_refuted("a copy", evidence->sink_dir[0], &evidence->verifier, ERR_CHAIN, "stands twice");
}

/* Signed with the right key, but telling another story: whoever has the key cannot rewrite one part of the
 * chain. */
static void notices_manifests_that_do_not_fit(void **state)
{
    static const struct {
        const char *what, *from, *to, *says;
        enum err_code code;
    } rows[] = {
        { "another hash before", "\"previous\":{\"sequence\":2,\"sha256\":\"",
          "\"previous\":{\"sequence\":2,\"sha256\":\"0000", "names", ERR_CHAIN },
        { "another root", "\"merkle_root\":\"", "\"merkle_root\":\"0000", "Merkle root", ERR_EVIDENCE },
        { "other outputs", "\"assigned\":4,\"unchanged\":0", "\"assigned\":3,\"unchanged\":1",
          "devices assigned", ERR_EVIDENCE },
        { "superseding what is not there", "\"supersedes\":null",
          "\"supersedes\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"", "supersede",
          ERR_CHAIN },
    };
    struct evidence *evidence = *state;
    char path[700];
    char *text;

    snprintf(path, sizeof(path), "%s", evidence_path(evidence, 0, "run-2", "manifest-1.dsse.json"));
    text = evidence_read(evidence, path);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf payload, changed, envelope;
        struct err err = ERR_INIT;
        const char *at, *rest;

        buf_init(&payload, DSSE_PAYLOAD_MAX);
        buf_init(&changed, DSSE_PAYLOAD_MAX);
        buf_init(&envelope, DSSE_ENVELOPE_MAX);
        assert_int_equal(dsse_open(text, strlen(text), &evidence->verifier, &payload, &err), 0);
        at = strstr(payload.data, rows[i].from);
        assert_non_null(at);
        rest = at + strlen(rows[i].from);
        if (strstr(rows[i].to, "0000") != NULL)
            rest += 4; /* four digits of the hash are replaced */
        buf_add(&changed, payload.data, (size_t)(at - payload.data));
        buf_add_str(&changed, rows[i].to);
        buf_add_str(&changed, rest);
        assert_int_equal(dsse_sign(&envelope, changed.data, changed.len, evidence->signer, &err), 0);
        evidence_replace(path, envelope.data, envelope.len);
        want_refuted(rows[i].what, evidence->sink_dir[0], &evidence->verifier, rows[i].code, rows[i].says);
        buf_release(&payload);
        buf_release(&changed);
        buf_release(&envelope);
    }
}

static void counts_files_that_nothing_names(void **state)
{
    struct evidence *evidence = *state;
    struct verify_result result;
    struct err err = ERR_INIT;

    evidence_replace(evidence_path(evidence, 0, "run-2", "records-00002.jsonl"), "x\n", 2);
    assert_int_equal(evidence_verify(evidence->sink_dir[0], &evidence->verifier, &result, &err), 0);
    assert_int_equal(result.unlisted, 1);
}

static void cannot_tell_of_nothing(void **state)
{
    struct evidence *evidence = *state;
    struct verify_result result;
    struct err err = ERR_INIT;

    assert_int_equal(evidence_verify(evidence->spool_dir, &evidence->verifier, &result, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(evidence_is_refuted(err.code));
    assert_int_equal(evidence_verify("/nonexistent", &evidence->verifier, &result, &err), -1);
    assert_int_equal(err.code, ERR_FILE_MISSING);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(takes_what_is_whole),
        ROW(notices_a_changed_record),
        ROW(notices_record_files_cut_and_gone),
        ROW(notices_what_is_no_file),
        ROW(notices_another_key),
        ROW(notices_a_changed_manifest),
        ROW(notices_missing_manifests),
        ROW(notices_a_manifest_twice),
        ROW(notices_manifests_that_do_not_fit),
        ROW(counts_files_that_nothing_names),
        ROW(cannot_tell_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

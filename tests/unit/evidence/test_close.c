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

static int setup(void **state)
{
    struct evidence *evidence = calloc(1, sizeof(*evidence));

    evidence_make(evidence);
    *state = evidence;
    return 0;
}

static int teardown(void **state)
{
    evidence_unmake(*state);
    free(*state);
    return 0;
}

static struct fake_run *add_run(struct evidence *evidence, const char *id, int64_t devices)
{
    struct fake_run *run = fake_runbook_add(&evidence->book, id);

    if (devices > 1)
        evidence_part(evidence, run, "uid-a", devices / 2 + 1, devices - devices / 2);
    evidence_part(evidence, run, "uid-b", 1, devices > 1 ? devices / 2 : 1);
    return run;
}

static struct manifest read_manifest(struct evidence *evidence, int sink, const char *run, const char *name)
{
    const char *text = evidence_read(evidence, evidence_path(evidence, sink, run, name));
    struct err err = ERR_INIT;
    struct manifest manifest = { 0 };
    struct buf payload;

    if (text == NULL)
        fail_msg("%s of %s is not in sink %d", name, run, sink);
    buf_init(&payload, DSSE_PAYLOAD_MAX);
    if (dsse_open(text, strlen(text), &evidence->verifier, &payload, &err) != 0 ||
        manifest_parse(payload.data, payload.len, evidence->pool, &manifest, &err) != 0)
        fail_msg("%s", err.text);
    buf_release(&payload);
    return manifest;
}

static void verify_sinks(struct evidence *evidence, int64_t manifests, int64_t records)
{
    for (int i = 0; i < 2; i++) {
        struct verify_result result;
        struct err err = ERR_INIT;

        if (evidence_verify(evidence->sink_dir[i], &evidence->verifier, &result, &err) != 0)
            fail_msg("sink %d: %s", i, err.text);
        assert_int_equal(result.manifests, manifests);
        assert_int_equal(result.records, records);
        assert_int_equal(result.unlisted, 0);
    }
}

#define PLAN "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void proves_a_run(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run-1", 10);
    struct manifest manifest;
    struct closed closed;

    run->view.operator_ = "CI=github-actions";
    run->view.host = "build-1";
    run->view.source_name = "devices.csv";
    run->view.git_commit = "0123abc";
    run->view.plan_sha256 = PLAN;
    run->view.approvers = PLAN;
    evidence_close(evidence, run, &closed);
    assert_string_equal(closed.manifest_path, evidence_path(evidence, 0, "run-1", "manifest-1.dsse.json"));
    assert_int_equal(closed.records_files, 1);
    assert_string_equal(closed.payload_sha256, evidence->chain.head_sha256);
    manifest = read_manifest(evidence, 1, "run-1", "manifest-1.dsse.json");
    assert_int_equal(manifest.sequence, 1);
    assert_int_equal(manifest.timestamp_ms, EVIDENCE_NOW_MS);
    assert_int_equal(manifest.total, 10);
    assert_int_equal(manifest.outputs[OUTCOME_ASSIGNED], 10);
    assert_true(manifest.is_complete);
    assert_null(manifest.previous_sha256);
    assert_null(manifest.supersedes);
    assert_string_equal(manifest.org, "acme");
    assert_string_equal(manifest.operator_, "CI=github-actions");
    assert_string_equal(manifest.host, "build-1");
    assert_string_equal(manifest.input_name, "devices.csv");
    assert_string_equal(manifest.dialect, "abm-v2");
    assert_string_equal(manifest.plan_sha256, PLAN);
    assert_string_equal(manifest.plan_approvers, PLAN);
    verify_sinks(evidence, 1, 10);
    assert_int_equal(access(pool_printf(evidence->pool, "%s/acme/run-1", evidence->spool_dir), F_OK), -1);
}

static void chains_runs(void **state)
{
    struct evidence *evidence = *state;
    struct closed first, second;
    struct manifest manifest;

    evidence_close(evidence, add_run(evidence, "run-1", 3), &first);
    evidence_close(evidence, add_run(evidence, "run-2", 4), &second);
    manifest = read_manifest(evidence, 0, "run-2", "manifest-1.dsse.json");
    assert_int_equal(manifest.sequence, 2);
    assert_int_equal(manifest.previous_sequence, 1);
    assert_string_equal(manifest.previous_sha256, first.payload_sha256);
    assert_null(manifest.supersedes);
    verify_sinks(evidence, 2, 7);
}

static void closes_again_after_a_replay(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run-1", 10);
    struct device *device = evidence_device(evidence, 4);
    const struct device *devices[] = { device };
    struct manifest manifest;
    struct closed first, second;

    evidence_close(evidence, run, &first);
    device->seq = 1;
    run->view.ended--; /* as the replay does */
    run->view.expected--;
    evidence_part_of(evidence, run, "uid-c", devices, 1);
    evidence_close(evidence, run, &second);
    assert_int_equal(second.records_files, 2);
    manifest = read_manifest(evidence, 0, "run-1", "manifest-2.dsse.json");
    assert_int_equal(manifest.total, 1);
    assert_string_equal(manifest.files[0].name, "records-00002.jsonl");
    assert_string_equal(manifest.supersedes, first.payload_sha256);
    verify_sinks(evidence, 2, 11);
}

static void says_what_is_not_complete(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *missing = add_run(evidence, "missing", 2),
                    *malformed = add_run(evidence, "malformed", 2);
    struct closed closed;

    missing->view.batches = 3;
    malformed->view.malformed = 1;
    evidence_close(evidence, missing, &closed);
    evidence_close(evidence, malformed, &closed);
    assert_false(read_manifest(evidence, 0, "missing", "manifest-1.dsse.json").is_complete);
    assert_false(read_manifest(evidence, 0, "malformed", "manifest-1.dsse.json").is_complete);
}

static void closes_a_run_of_nothing(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "empty");
    struct closed closed;

    evidence_close(evidence, run, &closed);
    assert_int_equal(closed.records_files, 0);
    assert_int_equal(read_manifest(evidence, 0, "empty", "manifest-1.dsse.json").total, 0);
    verify_sinks(evidence, 1, 0);
}

static int try_close(struct evidence *evidence, const struct fake_run *run, enum err_code *code_r)
{
    struct err err = ERR_INIT;
    struct closed closed;
    int rc = close_run(&evidence->closing, run->view.id, evidence->pool, &closed, &err);

    *code_r = err.code;
    return rc;
}

/* The next closer, later: of the same run, or of another that comes first. It must prove the very same. */
static void survives_a_crash_at_every_step(void **state)
{
    static const struct {
        const char *what;
        enum fake_chain_crash crash;
    } rows[] = {
        { "before store", FAKE_CHAIN_BEFORE_STORE },
        { "after store", FAKE_CHAIN_AFTER_STORE },
        { "before move", FAKE_CHAIN_BEFORE_MOVE },
        { "after move", FAKE_CHAIN_AFTER_MOVE },
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const char *what = rows[i / 2].what;
        bool is_other_first = i % 2 == 1;
        struct evidence *evidence = calloc(1, sizeof(*evidence));
        struct fake_run *crashed, *other;
        struct closed closed;
        enum err_code code;

        evidence_make(evidence);
        crashed = add_run(evidence, "crashed", 6);
        other = add_run(evidence, "other", 3);
        evidence->chain.crash = rows[i / 2].crash;
        if (try_close(evidence, crashed, &code) != -1 || code != ERR_REDIS_LOST)
            fail_msg("%s: %s", what, err_wire(code));
        fake_chain_expire(&evidence->chain);
        evidence->closing.now_ms += 60000;
        if (is_other_first)
            evidence_close(evidence, other, &closed);
        evidence_close(evidence, crashed, &closed);
        if (!is_other_first)
            evidence_close(evidence, other, &closed);
        if (evidence->chain.head_sequence != 2)
            fail_msg("%s: the head is %lld", what, (long long)evidence->chain.head_sequence);
        verify_sinks(evidence, 2, 9);
        evidence_unmake(evidence);
        free(evidence);
    }
}

/* The closer died, and with it the record files it had built: they are made again from the parts. */
static void rebuilds_lost_record_files(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *crashed = add_run(evidence, "crashed", 6);
    char *root;
    enum err_code code;
    struct closed closed;
    char *work;

    evidence->chain.crash = FAKE_CHAIN_AFTER_STORE;
    assert_int_equal(try_close(evidence, crashed, &code), -1);
    {
        struct buf payload;
        struct manifest manifest;
        struct err err = ERR_INIT;

        buf_init(&payload, DSSE_PAYLOAD_MAX);
        assert_int_equal(
            dsse_open(evidence->chain.envelope.data, evidence->chain.envelope.len, NULL, &payload, &err), 0);
        assert_int_equal(manifest_parse(payload.data, payload.len, evidence->pool, &manifest, &err), 0);
        root = pool_strdup(evidence->pool, manifest.merkle_root);
        buf_release(&payload);
    }
    work = pool_printf(evidence->pool, "%s/acme/crashed/.close-1-%.16s/records-00001.jsonl",
                       evidence->spool_dir, root);
    evidence_replace(work, "half wri", 8); /* as a crash of the machine leaves it */
    fake_chain_expire(&evidence->chain);
    evidence_close(evidence, crashed, &closed);
    verify_sinks(evidence, 1, 6);
}

/* What is signed and stored is shipped even where the parts have changed since: the built files still stand.
 */
static void ships_what_was_signed(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *crashed = add_run(evidence, "crashed", 6), *other = add_run(evidence, "other", 1);
    struct closed closed;
    enum err_code code;

    evidence->chain.crash = FAKE_CHAIN_AFTER_STORE;
    assert_int_equal(try_close(evidence, crashed, &code), -1);
    fake_chain_expire(&evidence->chain);
    evidence_replace(pool_printf(evidence->pool, "%s/acme/crashed/uid-a.jsonl", evidence->spool_dir), "", 0);
    evidence_close(evidence, other, &closed);
    verify_sinks(evidence, 2, 7);
}

static void break_signature(struct fake_chain *chain)
{
    char *sig = strstr(chain->envelope.data, "\"sig\":\"");

    assert_non_null(sig);
    sig[8] = sig[8] == 'A' ? 'B' : 'A';
}

static void name_another_run(struct fake_chain *chain)
{
    snprintf(chain->run, sizeof(chain->run), "other");
}

static void name_no_manifest(struct fake_chain *chain)
{
    snprintf(chain->name, sizeof(chain->name), "notes.txt");
}

static void put_behind_another(struct fake_chain *chain)
{
    snprintf(chain->head_sha256, sizeof(chain->head_sha256), "%064d", 1);
}

/* Whoever can write to Redis must not reach what can never be taken back. */
static void ships_nothing_that_it_did_not_sign(void **state)
{
    static const struct {
        const char *what;
        void (*change)(struct fake_chain *chain);
        enum err_code want;
    } rows[] = {
        { "another signature", break_signature, ERR_SIGNATURE },
        { "another run", name_another_run, ERR_CHAIN },
        { "another file", name_no_manifest, ERR_CHAIN },
        { "another place in the chain", put_behind_another, ERR_CHAIN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct evidence *evidence = calloc(1, sizeof(*evidence));
        struct fake_run *run;
        enum err_code code;

        evidence_make(evidence);
        run = add_run(evidence, "run", 2);
        evidence->chain.crash = FAKE_CHAIN_AFTER_STORE;
        assert_int_equal(try_close(evidence, run, &code), -1);
        fake_chain_expire(&evidence->chain);
        rows[i].change(&evidence->chain);
        if (try_close(evidence, run, &code) != -1 || code != rows[i].want)
            fail_msg("%s: %s", rows[i].what, err_wire(code));
        assert_int_equal(evidence->chain.moves, 0);
        if (evidence_read(evidence, evidence_path(evidence, 0, evidence->chain.run, evidence->chain.name)) !=
            NULL)
            fail_msg("%s: it was shipped", rows[i].what);
        evidence_unmake(evidence);
        free(evidence);
    }
}

static void waits_while_another_closes(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run", 2);
    struct err err = ERR_INIT;
    struct closed closed;

    evidence->chain.is_locked = true;
    assert_int_equal(close_run(&evidence->closing, "run", evidence->pool, &closed, &err), 0);
    assert_int_equal(evidence->chain.stores, 0);
    fake_chain_expire(&evidence->chain);
    evidence_close(evidence, run, &closed);
}

static void waits_for_its_sink(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run", 5);
    struct closed closed;
    enum err_code code;

    evidence_replace(evidence->sink_dir[1], "in the way", 10);
    assert_int_equal(try_close(evidence, run, &code), -1);
    assert_int_equal(code, ERR_SINK);
    assert_int_equal(evidence->chain.moves, 0); /* one sink has it: that is not enough */
    assert_int_equal(unlink(evidence->sink_dir[1]), 0);
    fake_chain_expire(&evidence->chain);
    evidence_close(evidence, run, &closed);
    verify_sinks(evidence, 1, 5);
}

/* Somebody else's files under the run's name: the run waits, but the chain of the others goes on. */
static void never_overwrites_and_blocks_no_other(void **state)
{
    static const char *const names[] = { "records-00001.jsonl", "manifest-1.dsse.json" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct evidence *evidence = calloc(1, sizeof(*evidence));
        struct fake_run *run, *other;
        struct closed closed;
        struct err err = ERR_INIT;
        enum err_code code;
        char path[700];

        evidence_make(evidence);
        run = add_run(evidence, "run", 2);
        other = add_run(evidence, "other", 2);
        snprintf(path, sizeof(path), "%s", evidence_path(evidence, 0, "run", ""));
        assert_int_equal(fsio_mkdirs(path, 0700, &err), 0);
        snprintf(path, sizeof(path), "%s", evidence_path(evidence, 0, "run", names[i]));
        evidence_replace(path, "another's", 9);
        if (try_close(evidence, run, &code) != -1 || (code != ERR_SINK_EXISTS && code != ERR_EVIDENCE))
            fail_msg("%s: %s", names[i], err_wire(code));
        assert_string_equal(evidence_read(evidence, path), "another's");
        assert_int_equal(evidence->chain.stores, 0);
        evidence_close(evidence, other, &closed);
        evidence_unmake(evidence);
        free(evidence);
    }
}

/* The database was lost, a run's name came again, and the sink has the manifest of its earlier life: the
 * evidence goes on behind it, and is whole. */
static void goes_on_behind_an_earlier_life(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run", 2);
    struct closed first, second;
    struct manifest manifest;

    evidence_close(evidence, run, &first);
    run->view.manifest = 0;
    run->view.previous_payload_sha256 = NULL;
    run->view.records_files = 0;
    run->view.created_ms = EVIDENCE_NOW_MS + 1000;
    run->view.ended = run->view.expected = 0;
    evidence_part(evidence, run, "uid-x", 1, 3);
    evidence->closing.now_ms += 5000;
    evidence_close(evidence, run, &second);
    assert_int_equal(second.manifest, 2);
    assert_int_equal(second.records_files, 2);
    manifest = read_manifest(evidence, 0, "run", "manifest-2.dsse.json");
    assert_string_equal(manifest.supersedes, first.payload_sha256);
    assert_int_equal(manifest.total, 3);
    assert_false(evidence->chain.is_locked);
    verify_sinks(evidence, 2, 5);
}

/* Redis came back as it was before the last manifest, or the last two: the next one stands behind them all
 * the same. */
static void a_forgotten_chain_goes_on(void **state)
{
    (void)state;
    for (int forgotten = 1; forgotten <= 2; forgotten++) {
        struct evidence *evidence = calloc(1, sizeof(*evidence));
        struct closed first, second, third;
        struct manifest manifest;

        evidence_make(evidence);
        evidence_close(evidence, add_run(evidence, "run-1", 2), &first);
        evidence_close(evidence, add_run(evidence, "run-2", 3), &second);
        assert_int_equal(second.restored, 0);
        evidence->chain.has_forgotten = true;
        evidence->chain.head_sequence = 2 - forgotten;
        snprintf(evidence->chain.head_sha256, sizeof(evidence->chain.head_sha256), "%s",
                 forgotten == 1 ? first.payload_sha256 : "");
        evidence_close(evidence, add_run(evidence, "run-3", 4), &third);
        assert_int_equal(third.restored, 2);
        manifest = read_manifest(evidence, 0, "run-3", "manifest-1.dsse.json");
        assert_int_equal(manifest.sequence, 3);
        assert_string_equal(manifest.previous_sha256, second.payload_sha256);
        verify_sinks(evidence, 3, 9);
        evidence_unmake(evidence);
        free(evidence);
    }
}

/* The run itself is open again: its manifest stands, and is not made a second time. */
static void a_forgotten_closing_finds_its_manifest(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run-1", 2);
    struct closed first, again;

    evidence_close(evidence, run, &first);
    run->view.manifest = 0;
    run->view.previous_payload_sha256 = NULL;
    run->view.records_files = 0;
    evidence->chain.head_sequence = 0;
    evidence->chain.head_sha256[0] = '\0';
    evidence_close(evidence, run, &again);
    assert_string_equal(again.payload_sha256, first.payload_sha256);
    assert_int_equal(again.manifest, 1);
    assert_int_equal(evidence->chain.head_sequence, 1);
    verify_sinks(evidence, 1, 2);
}

/* Signed and in one sink of two, when Redis forgot that it was stored: another run's closer brings it home
 * first. */
static void what_was_under_way_is_brought_home(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run-1", 5);
    struct closed closed;
    struct manifest manifest;
    enum err_code code;

    evidence_replace(evidence->sink_dir[1], "in the way", 10);
    assert_int_equal(try_close(evidence, run, &code), -1);
    assert_int_equal(unlink(evidence->sink_dir[1]), 0);
    fake_chain_expire(&evidence->chain);
    evidence->chain.is_stored = false;
    evidence_close(evidence, add_run(evidence, "run-2", 2), &closed);
    assert_int_equal(closed.restored, 1);
    manifest = read_manifest(evidence, 1, "run-1", "manifest-1.dsse.json");
    assert_int_equal(manifest.sequence, 1);
    verify_sinks(evidence, 2, 7);
}

/* A spool of another pipeline: nothing is signed on such ground. */
static void refuses_a_witness_of_another_chain(void **state)
{
    struct evidence *evidence = *state;
    struct closed first;
    enum err_code code;

    evidence_close(evidence, add_run(evidence, "run-1", 2), &first);
    memset(evidence->chain.head_sha256, 'a', SHA256_HEX - 1);
    assert_int_equal(try_close(evidence, add_run(evidence, "run-2", 2), &code), -1);
    assert_int_equal(code, ERR_CHAIN);
    assert_false(evidence->chain.is_locked);
    evidence_replace(pool_printf(evidence->pool, "%s/acme/.chain", evidence->spool_dir), "no witness", 10);
    assert_int_equal(try_close(evidence, add_run(evidence, "run-3", 2), &code), -1);
    assert_int_equal(code, ERR_CHAIN);
    assert_false(evidence->chain.is_locked);
}

/* Where Redis knows more, Redis is right: the spool was lost, or restored. */
static void an_old_witness_holds_nobody_up(void **state)
{
    struct evidence *evidence = *state;
    const char *witness = pool_printf(evidence->pool, "%s/acme/.chain", evidence->spool_dir);
    const char *kept = pool_printf(evidence->pool, "%s/acme/.kept", evidence->spool_dir);
    struct closed closed;

    evidence_close(evidence, add_run(evidence, "run-1", 2), &closed);
    assert_int_equal(rename(witness, kept), 0);
    evidence_close(evidence, add_run(evidence, "run-2", 2), &closed);
    assert_int_equal(unlink(witness), 0);
    evidence_close(evidence, add_run(evidence, "run-3", 2), &closed);
    assert_int_equal(rename(kept, witness), 0);
    evidence_close(evidence, add_run(evidence, "run-4", 2), &closed);
    assert_int_equal(closed.restored, 0);
    verify_sinks(evidence, 4, 8);
}

static void refuses_a_count_that_differs(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run", 4);
    enum err_code code;

    run->view.ended++;
    assert_int_equal(try_close(evidence, run, &code), -1);
    assert_int_equal(code, ERR_PARTS);
    assert_int_equal(evidence->chain.takes, 0);
}

static void reports_a_second_closing_message_alike(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = add_run(evidence, "run", 4);
    struct closed first, again;
    struct err err = ERR_INIT;

    evidence_close(evidence, run, &first);
    assert_int_equal(close_run(&evidence->closing, "run", evidence->pool, &again, &err), 1);
    assert_string_equal(first.payload_sha256, again.payload_sha256);
    assert_string_equal(first.manifest_path, again.manifest_path);
    assert_int_equal(evidence->chain.head_sequence, 1);
}

static void knows_no_such_run(void **state)
{
    struct evidence *evidence = *state;
    struct err err = ERR_INIT;
    struct closed closed;

    assert_int_equal(close_run(&evidence->closing, "nobody", evidence->pool, &closed, &err), -1);
    assert_int_equal(err.code, ERR_RUN_STATE);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(proves_a_run),
        ROW(chains_runs),
        ROW(closes_again_after_a_replay),
        ROW(says_what_is_not_complete),
        ROW(closes_a_run_of_nothing),
        cmocka_unit_test(survives_a_crash_at_every_step),
        ROW(rebuilds_lost_record_files),
        ROW(ships_what_was_signed),
        cmocka_unit_test(ships_nothing_that_it_did_not_sign),
        ROW(waits_while_another_closes),
        ROW(waits_for_its_sink),
        cmocka_unit_test(never_overwrites_and_blocks_no_other),
        ROW(goes_on_behind_an_earlier_life),
        cmocka_unit_test(a_forgotten_chain_goes_on),
        ROW(a_forgotten_closing_finds_its_manifest),
        ROW(what_was_under_way_is_brought_home),
        ROW(refuses_a_witness_of_another_chain),
        ROW(an_old_witness_holds_nobody_up),
        ROW(refuses_a_count_that_differs),
        ROW(reports_a_second_closing_message_alike),
        ROW(knows_no_such_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

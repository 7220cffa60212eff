#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "evidence/find.h"
#include "harness/evidence.h"

/* run-1 and run-2 hold SERIAL000007 both; run-2 also has a serial that needs quoting. */
static int setup(void **state)
{
    struct evidence *evidence = calloc(1, sizeof(*evidence));
    struct device *odd;
    struct fake_run *run;
    struct closed closed;

    evidence_make(evidence);
    run = fake_runbook_add(&evidence->book, "run-1");
    evidence_part(evidence, run, "uid-1", 1, 10);
    evidence_close(evidence, run, &closed);
    run = fake_runbook_add(&evidence->book, "run-2");
    evidence_part(evidence, run, "uid-2", 5, 8);
    odd = evidence_device(evidence, 99);
    odd->serial = "a\"b\\c";
    evidence_part_of(evidence, run, "uid-3", (const struct device *const[]){ odd }, 1);
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

static struct find_hits find(struct evidence *evidence, const char *serial)
{
    struct find_hits hits;
    struct err err = ERR_INIT;

    if (evidence_find(evidence->sink_dir[0], serial, &evidence->verifier, evidence->pool, &hits, &err) != 0)
        fail_msg("%s: %s", serial, err.text);
    return hits;
}

static void finds_all_records_of_a_device(void **state)
{
    struct evidence *evidence = *state;
    struct find_hits hits = find(evidence, "SERIAL000007");

    assert_int_equal(hits.count, 2);
    assert_string_equal(hits.at[0].run, "run-1");
    assert_int_equal(hits.at[0].index, 6);
    assert_string_equal(hits.at[1].run, "run-2");
    assert_int_equal(hits.at[1].sequence, 2);
    assert_int_equal(hits.at[1].index, 2);
    assert_non_null(strstr(hits.at[1].line, "\"row\":7,"));
    assert_int_equal(find(evidence, "SERIAL00000").count, 0); /* a beginning is no serial */
    assert_int_equal(find(evidence, "").count, 0);
    assert_int_equal(find(evidence, "a\"b\\c").count, 1);
}

static void check_proof(struct evidence *evidence, const struct find_hit *hit)
{
    struct find_hit proved;
    struct err err = ERR_INIT;
    struct buf proof;

    buf_init(&proof, 1 << 20);
    if (evidence_prove(hit, &proof, &err) != 0)
        fail_msg("%s", err.text);
    if (evidence_check_proof(proof.data, proof.len, &evidence->verifier, evidence->pool, &proved, &err) != 0)
        fail_msg("%s: %s", proof.data, err.text);
    assert_string_equal(proved.line, hit->line);
    assert_string_equal(proved.run, hit->run);
    assert_int_equal(proved.index, hit->index);
    assert_int_equal(evidence_count(proof.data, "SERIAL"),
                     hit->line[11] == 'S' ? 1 : 0); /* nobody else is in it */
    buf_release(&proof);
}

static void proves_each_device_by_itself(void **state)
{
    static const char *const serials[] = { "SERIAL000001", "SERIAL000007", "SERIAL000010", "SERIAL000012",
                                           "a\"b\\c" };
    struct evidence *evidence = *state;

    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        struct find_hits hits = find(evidence, serials[i]);

        assert_true(hits.count > 0);
        for (size_t at = 0; at < hits.count; at++)
            check_proof(evidence, &hits.at[at]);
    }
}

static void refuses_changed_proofs(void **state)
{
    static const struct {
        const char *what, *from, *to;
        enum err_code want;
    } rows[] = {
        { "another outcome", "\\\"outcome\\\":\\\"assigned\\\"", "\\\"outcome\\\":\\\"rejected\\\"",
          ERR_EVIDENCE },
        { "another place", "\"index\":6", "\"index\":7", ERR_EVIDENCE },
        { "another count", "\"count\":10,", "\"count\":11,", ERR_EVIDENCE },
        { "another version", "\"version\":1,\"record\"", "\"version\":2,\"record\"", ERR_EVIDENCE },
        { "another path", "\"path\":[\"", "\"path\":[\"zz", ERR_EVIDENCE },
        { "no path", "\"path\":[", "\"path\":{\"\":[", ERR_EVIDENCE },
        { "another payload", "\"payload\":\"ey", "\"payload\":\"fy", ERR_SIGNATURE },
        { "no envelope", "\"envelope\":", "\"enveloppe\":", ERR_EVIDENCE },
    };
    struct evidence *evidence = *state;
    struct find_hits hits = find(evidence, "SERIAL000007");
    struct err err = ERR_INIT;
    struct buf proof;

    buf_init(&proof, 1 << 20);
    assert_int_equal(evidence_prove(&hits.at[0], &proof, &err), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *at = strstr(proof.data, rows[i].from);
        struct find_hit proved;
        char *changed;

        if (at == NULL)
            fail_msg("%s: '%s' is not in %s", rows[i].what, rows[i].from, proof.data);
        changed = pool_printf(evidence->pool, "%.*s%s%s", (int)(at - proof.data), proof.data, rows[i].to,
                              at + strlen(rows[i].from));
        if (evidence_check_proof(changed, strlen(changed), &evidence->verifier, evidence->pool, &proved,
                                 &err) == 0)
            fail_msg("%s: taken", rows[i].what);
        if (err.code != rows[i].want)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
    buf_release(&proof);
}

static void proves_nothing_of_changed_records(void **state)
{
    struct evidence *evidence = *state;
    struct find_hits hits = find(evidence, "SERIAL000007");
    char path[700];
    char *text;
    struct err err = ERR_INIT;
    struct buf proof;

    strcpy(path, evidence_path(evidence, 0, "run-1", "records-00001.jsonl"));
    text = evidence_read(evidence, path);
    memcpy(strstr(text, "bp-1a2b3c4d"), "bp-ffffffff", 11);
    evidence_replace(path, text, strlen(text));
    buf_init(&proof, 1 << 20);
    assert_int_equal(evidence_prove(&hits.at[0], &proof, &err), -1);
    assert_int_equal(err.code, ERR_EVIDENCE);
    buf_release(&proof);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(finds_all_records_of_a_device),
        ROW(proves_each_device_by_itself),
        ROW(refuses_changed_proofs),
        ROW(proves_nothing_of_changed_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "evidence/merge.h"
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

/* Merges the run's listed parts into <dir>/<work>. */
static int merge(struct evidence *evidence, const struct fake_run *run, const char *work, size_t fan_in,
                 int64_t lines_max, struct record_set *set, struct err *err)
{
    char *folder = pool_printf(evidence->pool, "%s/" EVIDENCE_ORG "/%s", evidence->spool_dir, run->view.id);
    char *out = pool_printf(evidence->pool, "%s/%s", evidence->dir, work);
    struct merge_input input = {
        .folder = folder, .work = out, .first_number = 1, .lines_max = lines_max, .fan_in = fan_in
    };
    struct run_part *parts;

    assert_int_equal(fsio_mkdirs(out, 0700, err), 0);
    assert_int_equal(
        runbook_parts(&evidence->book.runbook, run->view.id, evidence->pool, &parts, &input.count, err), 0);
    input.parts = parts;
    return merge_parts(&input, evidence->pool, set, err);
}

static char *merged(struct evidence *evidence, const char *work, const char *name)
{
    return evidence_read(evidence, pool_printf(evidence->pool, "%s/%s/%s", evidence->dir, work, name));
}

/* Rows 1..count dealt out to parts in turn, so that every part reaches over the whole. */
static void deal(struct evidence *evidence, struct fake_run *run, int64_t count, int64_t parts)
{
    const struct device **devices = pool_array(evidence->pool, (size_t)count, sizeof(*devices));

    for (int64_t part = 0; part < parts; part++) {
        char uid[32];
        size_t some = 0;

        for (int64_t row = part + 1; row <= count; row += parts)
            devices[some++] = evidence_device(evidence, row);
        snprintf(uid, sizeof(uid), "uid-%lld", (long long)part);
        evidence_part_of(evidence, run, uid, devices, some);
    }
}

static void check_rows(const char *text, int64_t from, int64_t count)
{
    for (int64_t row = from; row < from + count; row++) {
        char want[64];

        snprintf(want, sizeof(want), "{\"serial\":\"SERIAL%06lld\",", (long long)row);
        if (strncmp(text, want, strlen(want)) != 0)
            fail_msg("in the place of row %lld: %.40s", (long long)row, text);
        text = strchr(text, '\n') + 1;
    }
    assert_string_equal(text, "");
}

static void puts_the_rows_in_order(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    struct record_set set;
    struct err err = ERR_INIT;

    deal(evidence, run, 1000, 7);
    if (merge(evidence, run, "work", 0, 0, &set, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(set.total, 1000);
    assert_int_equal(set.outputs[OUTCOME_ASSIGNED], 1000);
    assert_int_equal(set.file_count, 1);
    assert_string_equal(set.files[0].name, "records-00001.jsonl");
    check_rows(merged(evidence, "work", "records-00001.jsonl"), 1, 1000);
}

/* 500 parts with at most 3 files open: six passes; the outcome is the same as at once. */
static void gives_the_same_in_many_passes(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    struct record_set at_once, passes;
    struct err err = ERR_INIT;

    deal(evidence, run, 1500, 500);
    if (merge(evidence, run, "one", 1000, 0, &at_once, &err) != 0 ||
        merge(evidence, run, "two", 3, 0, &passes, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(at_once.merkle_root, passes.merkle_root);
    assert_string_equal(at_once.files[0].sha256, passes.files[0].sha256);
    check_rows(merged(evidence, "two", "records-00001.jsonl"), 1, 1500);
    assert_null(merged(evidence, "two", "pass-0-0"));
    assert_null(merged(evidence, "two", "pass-5-0"));
}

static void divides_into_files(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    struct record_set set, whole;
    struct err err = ERR_INIT;
    char hex[SHA256_HEX];
    const char *text;

    deal(evidence, run, 25, 2);
    assert_int_equal(merge(evidence, run, "work", 0, 10, &set, &err), 0);
    assert_int_equal(merge(evidence, run, "whole", 0, 0, &whole, &err), 0);
    assert_int_equal(set.file_count, 3);
    assert_int_equal(set.files[2].count, 5);
    assert_string_equal(set.files[2].name, "records-00003.jsonl");
    assert_string_equal(set.merkle_root, whole.merkle_root); /* the tree is over all files */
    text = merged(evidence, "work", "records-00002.jsonl");
    check_rows(text, 11, 10);
    sha256_hex(text, strlen(text), hex);
    assert_string_equal(set.files[1].sha256, hex);
}

static void takes_the_last_of_a_replayed_device(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    struct device *failed = evidence_device(evidence, 2), *again = evidence_device(evidence, 2);
    const struct device *first[] = { evidence_device(evidence, 1), failed, evidence_device(evidence, 3) };
    const struct device *second[] = { again };
    struct record_set set;
    struct err err = ERR_INIT;

    failed->outcome = OUTCOME_FAILED;
    again->seq = 1;
    evidence_part_of(evidence, run, "b", second, 1);
    evidence_part_of(evidence, run, "a", first, 3);
    if (merge(evidence, run, "work", 0, 0, &set, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(set.total, 3);
    assert_int_equal(set.outputs[OUTCOME_FAILED], 0);
    assert_int_equal(set.outputs[OUTCOME_ASSIGNED], 3);
    check_rows(merged(evidence, "work", "records-00001.jsonl"), 1, 3);
}

static void refuses_one_device_twice(void **state)
{
    for (size_t fan_in = 2; fan_in <= 3; fan_in++) { /* both in one pass, and in two */
        struct evidence *evidence = *state;
        struct fake_run *run = fake_runbook_add(&evidence->book, fan_in == 2 ? "run-2" : "run-3");
        struct record_set set;
        struct err err = ERR_INIT;

        evidence_part(evidence, run, "a", 1, 5);
        evidence_part(evidence, run, "b", 6, 5);
        evidence_part(evidence, run, "c", 5, 1);
        assert_int_equal(merge(evidence, run, run->view.id, fan_in, 0, &set, &err), -1);
        assert_int_equal(err.code, ERR_PARTS);
        assert_non_null(strstr(err.text, "row 5"));
    }
}

/* A producer may number two devices alike; both have their outcome, and neither is lost. */
static void keeps_two_serials_of_one_row(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    struct device *other = evidence_device(evidence, 1);
    const struct device *devices[] = { other };
    struct record_set set;
    struct err err = ERR_INIT;

    other->serial = "ANOTHER00001";
    evidence_part(evidence, run, "a", 1, 2);
    evidence_part_of(evidence, run, "b", devices, 1);
    if (merge(evidence, run, "work", 0, 0, &set, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(set.total, 3);
}

static void refuses_parts_that_are_not_those_listed(void **state)
{
    static const struct {
        const char *what, *text; /* in the place of part b; NULL: it is gone */
        const char *says;
    } rows[] = {
        { "gone", NULL, "b.jsonl" },
        { "empty", "", "0 records, listed with 2" },
        { "cut short", "{\"serial\":\"S\"", "cut short" },
        { "no records", "hello\nhello\n", "no record" },
        { "others",
          "{\"serial\":\"S\",\"run\":\"r\",\"row\":1,\"seq\":0,\"outcome\":\"failed\",\"code\":null}\n"
          "{\"serial\":\"S\",\"run\":\"r\",\"row\":9,\"seq\":0,\"outcome\":\"failed\",\"code\":null}\n",
          "not those that were listed" },
        { "out of order",
          "{\"serial\":\"S\",\"run\":\"r\",\"row\":9,\"seq\":0,\"outcome\":\"failed\",\"code\":null}\n"
          "{\"serial\":\"S\",\"run\":\"r\",\"row\":1,\"seq\":0,\"outcome\":\"failed\",\"code\":null}\n",
          "order" },
    };
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    const char *path = pool_printf(evidence->pool, "%s/" EVIDENCE_ORG "/run/b.jsonl", evidence->spool_dir);

    evidence_part(evidence, run, "a", 1, 2);
    evidence_part(evidence, run, "b", 3, 2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record_set set;
        struct err err = ERR_INIT;

        if (rows[i].text != NULL)
            evidence_replace(path, rows[i].text, strlen(rows[i].text));
        else
            assert_int_equal(unlink(path), 0);
        if (merge(evidence, run, rows[i].what, 0, 0, &set, &err) == 0 || err.code != ERR_PARTS ||
            strstr(err.text, rows[i].says) == NULL || strstr(err.text, "b.jsonl") == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

static void refuses_a_line_without_end(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    const char *path = pool_printf(evidence->pool, "%s/" EVIDENCE_ORG "/run/a.jsonl", evidence->spool_dir);
    char *endless = pool_alloc(evidence->pool, 1 << 20);
    struct record_set set;
    struct err err = ERR_INIT;

    memset(endless, 'x', 1 << 20);
    evidence_part(evidence, run, "a", 1, 2);
    evidence_replace(path, endless, 1 << 20);
    assert_int_equal(merge(evidence, run, "work", 0, 0, &set, &err), -1);
    assert_int_equal(err.code, ERR_PARTS);
}

static void makes_nothing_of_no_parts(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    struct record_set set;
    struct err err = ERR_INIT;

    assert_int_equal(merge(evidence, run, "work", 0, 0, &set, &err), 0);
    assert_int_equal(set.total, 0);
    assert_int_equal(set.file_count, 0);
    assert_string_equal(set.merkle_root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(puts_the_rows_in_order),
        ROW(gives_the_same_in_many_passes),
        ROW(divides_into_files),
        ROW(takes_the_last_of_a_replayed_device),
        ROW(refuses_one_device_twice),
        ROW(keeps_two_serials_of_one_row),
        ROW(refuses_parts_that_are_not_those_listed),
        ROW(refuses_a_line_without_end),
        ROW(makes_nothing_of_no_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "evidence/visit.h"
#include "harness/evidence.h"

/* run-1 has rows 1 to 10, run-2 5 to 12. */
static int setup(void **state)
{
    struct evidence *evidence = calloc(1, sizeof(*evidence));
    struct fake_run *run;
    struct closed closed;

    evidence_make(evidence);
    run = fake_runbook_add(&evidence->book, "run-1");
    evidence_part(evidence, run, "uid-1", 1, 10);
    evidence_close(evidence, run, &closed);
    run = fake_runbook_add(&evidence->book, "run-2");
    evidence_part(evidence, run, "uid-2", 5, 8);
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

struct seen {
    int64_t records, rows, sequences;
    int64_t fails_at; /* 0: never */
};

static int see(void *ctx, const struct visit_record *record, struct err *err)
{
    struct seen *seen = ctx;

    seen->records++;
    seen->rows += record->head.row;
    seen->sequences += record->manifest->manifest.sequence;
    assert_int_equal(record->line[record->len - 1], '}');
    return seen->records == seen->fails_at ? err_set(err, ERR_STOPPED, 0, "enough") : 0;
}

static int visit(struct evidence *evidence, const char *org, const char *run, struct seen *seen,
                 int64_t *manifests_r, struct err *err)
{
    const struct visitor visitor = { see, seen };

    return visit_evidence(evidence->sink_dir[0], &evidence->verifier, org, run, &visitor, manifests_r, err);
}

static void hands_out_every_record(void **state)
{
    static const struct {
        const char *what, *org, *run;
        int64_t manifests, records, rows, sequences;
    } rows[] = {
        { "all", NULL, NULL, 2, 18, 55 + 68, 10 + 16 },
        { "of the organization", "acme", NULL, 2, 18, 55 + 68, 10 + 16 },
        { "of another", "other", NULL, 0, 0, 0, 0 },
        { "of one run", "acme", "run-2", 1, 8, 68, 16 },
        { "of none", NULL, "run-3", 0, 0, 0, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen seen = { .records = 0 };
        struct err err = ERR_INIT;
        int64_t manifests = -1;

        if (visit(*state, rows[i].org, rows[i].run, &seen, &manifests, &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        if (manifests != rows[i].manifests || seen.records != rows[i].records || seen.rows != rows[i].rows ||
            seen.sequences != rows[i].sequences)
            fail_msg("%s: %lld manifests, %lld records, rows %lld, sequences %lld", rows[i].what,
                     (long long)manifests, (long long)seen.records, (long long)seen.rows,
                     (long long)seen.sequences);
    }
}

static void ends_where_the_visitor_does(void **state)
{
    struct seen seen = { .fails_at = 3 };
    struct err err = ERR_INIT;
    int64_t manifests;

    assert_int_equal(visit(*state, NULL, "run-1", &seen, &manifests, &err), -1);
    assert_int_equal(err.code, ERR_STOPPED);
    assert_int_equal(seen.records, 3);
}

/* The very same count of records, one letter another: it is found out, though the records were handed out. */
static void finds_out_what_was_altered(void **state)
{
    struct evidence *evidence = *state;
    struct seen seen = { .records = 0 };
    struct err err = ERR_INIT;
    char path[512];
    struct buf text;
    int64_t manifests;

    snprintf(path, sizeof(path), "%s/acme/run-1/records-00001.jsonl", evidence->sink_dir[0]);
    buf_init(&text, 1 << 20);
    assert_int_equal(fsio_read(path, &text, &err), 0);
    strstr(text.data, "\"bp-")[4] = 'X';
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(fsio_write(path, text.data, text.len, 0600, &err), 0);
    buf_release(&text);
    assert_int_equal(visit(evidence, NULL, "run-1", &seen, &manifests, &err), -1);
    assert_int_equal(err.code, ERR_EVIDENCE);
    assert_non_null(strstr(err.text, "records-00001.jsonl"));
    assert_int_equal(unlink(path), 0);
    err_reset(&err);
    assert_int_equal(visit(evidence, NULL, "run-1", &seen, &manifests, &err), -1);
    assert_int_equal(err.code, ERR_EVIDENCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hands_out_every_record, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_where_the_visitor_does, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_out_what_was_altered, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "evidence/heads.h"
#include "harness/proc.h"

static char dir[128];

static int setup(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    return proc_temp_dir("abm-heads", dir, sizeof(dir), &err);
}

static int teardown(void **state)
{
    (void)state;
    proc_remove_dir(dir);
    return 0;
}

struct seen {
    int64_t count, rows, turns;
};

static void see(void *user, const struct record_head *head)
{
    struct seen *seen = user;

    seen->count++;
    seen->rows += head->row;
    seen->turns += head->seq;
}

/* Rows from on, each with the seq given. */
static void print_records(struct buf *out, int64_t from, int count, int seq)
{
    for (int i = 0; i < count; i++) {
        char serial[16];
        const struct device device = {
            .row = from + i, .serial = serial, .seq = seq, .outcome = OUTCOME_ASSIGNED, .blueprint_id = "bp-1"
        };

        snprintf(serial, sizeof(serial), "C%011d", (int)(from + i));
        record_print(out, "run", &device);
    }
}

static void reads_listed_parts_alone(void **state)
{
    const struct spool spool = { dir, "acme" };
    struct run_part parts[] = { { "a.jsonl", "", 3 }, { "b.jsonl", "", 2 }, { "gone.jsonl", "", 1 } };
    struct err err = ERR_INIT;
    struct seen seen = { 0 };
    char path[256];
    struct buf text;

    (void)state;
    buf_init(&text, 65536);
    snprintf(path, sizeof(path), "%s/acme/run", dir);
    assert_int_equal(fsio_mkdirs(path, 0700, &err), 0);
    for (int i = 0; i < 3; i++) {
        buf_reset(&text);
        print_records(&text, 10 * (i + 1), i == 0 ? 3 : 2, i);
        snprintf(path, sizeof(path), "%s/acme/run/%c.jsonl", dir, 'a' + i);
        assert_int_equal(fsio_write(path, text.data, text.len, 0600, &err), 0);
    }
    assert_int_equal(heads_of_parts(&spool, "run", parts, 2, see, &seen, &err), 0);
    assert_int_equal(seen.count, 5);
    assert_int_equal(seen.rows, 10 + 11 + 12 + 20 + 21);
    assert_int_equal(seen.turns, 2);
    assert_int_equal(heads_of_parts(&spool, "run", parts, 3, see, &seen, &err), -1);
    assert_int_equal(err.code, ERR_PARTS);
    err_reset(&err);
    parts[1].count = 3;
    assert_int_equal(heads_of_parts(&spool, "run", parts, 2, see, &seen, &err), -1);
    assert_int_equal(err.code, ERR_PARTS);
    err_reset(&err);
    parts[1].name = "../a.jsonl";
    assert_int_equal(heads_of_parts(&spool, "run", parts, 2, see, &seen, &err), -1);
    assert_int_equal(err.code, ERR_PARTS);
    buf_release(&text);
}

static void reads_record_files_in_their_order(void **state)
{
    struct err err = ERR_INIT;
    struct seen seen = { 0 };
    char path[256];
    struct buf text;

    (void)state;
    buf_init(&text, 65536);
    for (int i = 1; i <= 2; i++) {
        buf_reset(&text);
        print_records(&text, 1, 2, i);
        snprintf(path, sizeof(path), "%s/records-%05d.jsonl", dir, i);
        assert_int_equal(fsio_write(path, text.data, text.len, 0600, &err), 0);
    }
    assert_int_equal(heads_of_records(dir, 2, see, &seen, &err), 0);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.turns, 6);
    assert_int_equal(heads_of_records(dir, 3, see, &seen, &err), -1);
    assert_int_equal(err.code, ERR_FILE_MISSING);
    err_reset(&err);
    snprintf(path, sizeof(path), "%s/records-00003.jsonl", dir);
    assert_int_equal(fsio_write(path, "{}\n", 3, 0600, &err), 0);
    assert_int_equal(heads_of_records(dir, 3, see, &seen, &err), -1);
    assert_int_equal(err.code, ERR_EVIDENCE);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_listed_parts_alone),
        cmocka_unit_test(reads_record_files_in_their_order),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

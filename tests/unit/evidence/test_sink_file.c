#include "harness/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/evidence.h"

static const struct sink_place place = { EVIDENCE_ORG, "run", "records-00001.jsonl" };

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

static int put_text(struct evidence *evidence, const char *text, struct err *err)
{
    char sha256[SHA256_HEX];
    struct sink_content content = { .data = text, .len = strlen(text), .sha256 = sha256 };

    sha256_hex(text, strlen(text), sha256);
    return sink_put(evidence->sinks[0], &place, &content, err);
}

static void keeps_whole_and_read_only(void **state)
{
    struct evidence *evidence = *state;
    struct err err = ERR_INIT;
    struct stat st;
    struct buf back;
    char hex[SHA256_HEX], want[SHA256_HEX];

    if (put_text(evidence, "kept\n", &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(stat(evidence_path(evidence, 0, "run", place.name), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0440);
    assert_int_equal(st.st_nlink, 1); /* nothing is left beside it */
    sha256_hex("kept\n", 5, want);
    assert_int_equal(sink_look(evidence->sinks[0], &place, hex, &err), 1);
    assert_string_equal(hex, want);
    buf_init(&back, 100);
    assert_int_equal(sink_read(evidence->sinks[0], &place, &back, &err), 1);
    assert_string_equal(back.data, "kept\n");
    buf_reset(&back);
    assert_int_equal(sink_locate(evidence->sinks[0], &place, &back, &err), 0);
    assert_string_equal(back.data, evidence_path(evidence, 0, "run", place.name));
    buf_release(&back);
}

static void takes_the_same_again_but_nothing_else(void **state)
{
    struct evidence *evidence = *state;
    struct err err = ERR_INIT;

    assert_int_equal(put_text(evidence, "first", &err), 0);
    assert_int_equal(put_text(evidence, "first", &err), 0);
    assert_int_equal(put_text(evidence, "second", &err), -1);
    assert_int_equal(err.code, ERR_SINK_EXISTS);
    assert_string_equal(evidence_read(evidence, evidence_path(evidence, 0, "run", place.name)), "first");
}

static void takes_a_file(void **state)
{
    struct evidence *evidence = *state;
    char path[300], sha256[SHA256_HEX], *big = calloc(1, 300001);
    struct sink_content content = { .path = path, .sha256 = sha256 };
    struct err err = ERR_INIT;

    memset(big, 'x', 300000);
    sha256_hex(big, 300000, sha256);
    snprintf(path, sizeof(path), "%s/big", evidence->dir);
    evidence_replace(path, big, 300000);
    assert_int_equal(sink_put(evidence->sinks[0], &place, &content, &err), 0);
    assert_string_equal(evidence_read(evidence, evidence_path(evidence, 0, "run", place.name)), big);
    free(big);
}

static int entries_of(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2;
}

/* What changed between hashing and shipping never gets a name. */
static void refuses_what_is_not_what_was_hashed(void **state)
{
    struct evidence *evidence = *state;
    char sha256[SHA256_HEX], hex[SHA256_HEX];
    struct sink_content content = { .data = "other", .len = 5, .sha256 = sha256 };
    struct err err = ERR_INIT;

    sha256_hex("wanted", 6, sha256);
    assert_int_equal(sink_put(evidence->sinks[0], &place, &content, &err), -1);
    assert_int_equal(err.code, ERR_EVIDENCE);
    assert_int_equal(sink_look(evidence->sinks[0], &place, hex, &err), 0);
    assert_int_equal(entries_of(evidence_path(evidence, 0, "run", "")), 0);
}

static void says_when_it_cannot_write(void **state)
{
    struct evidence *evidence = *state;
    struct err err = ERR_INIT;

    evidence_replace(evidence->sink_dir[0], "in the way", 10);
    assert_int_equal(put_text(evidence, "x", &err), -1);
    assert_int_equal(err.code, ERR_SINK);
    assert_non_null(strstr(err.text, evidence->sink_dir[0]));
}

static void refuses_names_that_lead_elsewhere(void **state)
{
    static const struct {
        const char *what;
        struct sink_place place;
    } rows[] = {
        { "an organization above", { "..", "run", "x" } },
        { "a run above", { "acme", "..", "x" } },
        { "a name above", { "acme", "run", "../x" } },
        { "an absolute name", { "acme", "run", "/etc/x" } },
        { "a run with a slash", { "acme", "a/b", "x" } },
        { "no run", { "acme", "", "x" } },
        { "a run of two lines", { "acme", "a\nb", "x" } },
    };
    struct evidence *evidence = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sink_content content = { .data = "", .len = 0, .sha256 = "" };
        char hex[SHA256_HEX];
        struct err err = ERR_INIT;
        struct buf out;

        buf_init(&out, 4096);
        if (sink_put(evidence->sinks[0], &rows[i].place, &content, &err) == 0 || err.code != ERR_RUN_ID ||
            sink_look(evidence->sinks[0], &rows[i].place, hex, &err) != -1 ||
            sink_read(evidence->sinks[0], &rows[i].place, &out, &err) != -1 ||
            sink_locate(evidence->sinks[0], &rows[i].place, &out, &err) != -1)
            fail_msg("%s: taken", rows[i].what);
        buf_release(&out);
    }
}

static void names_the_kinds_it_serves(void **state)
{
    static const char *const urls[] = { "s3://bucket", "file:", "evidence", "" };

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct sink *sink;
        struct err err = ERR_INIT;

        if (sink_open(urls[i], &sink, &err) == 0 || err.code != ERR_SETTINGS ||
            strstr(err.text, "file:DIR") == NULL)
            fail_msg("'%s': %s", urls[i], err.text);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(keeps_whole_and_read_only),
        ROW(takes_the_same_again_but_nothing_else),
        ROW(takes_a_file),
        ROW(refuses_what_is_not_what_was_hashed),
        ROW(says_when_it_cannot_write),
        ROW(refuses_names_that_lead_elsewhere),
        ROW(names_the_kinds_it_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

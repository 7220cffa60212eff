/* A device file is read twice and must be the same both times, also where it came through a pipe. */
#include "harness/check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "harness/proc.h"
#include "source.h"

static const char text[] = "serial,country\nFVFGH0000001,DE\nFVFGH0000002,JP\n";

static int count_row(void *user, const struct input_row *row, struct err *err)
{
    (void)row, (void)err;
    ++*(int *)user;
    return 0;
}

static int read_rows(struct source *source, struct err *err)
{
    int count = 0;
    struct input_sink sink = { .row = count_row, .ctx = &count };

    return source_read_all(source, &sink, err) == 0 ? count : -1;
}

static void must_write(const char *path, const char *data)
{
    struct err err = ERR_INIT;

    if (fsio_write(path, data, strlen(data), 0600, &err) != 0)
        fail_msg("%s", err.text);
}

static void reads_a_file_twice(void **state)
{
    char dir[64], path[128], sha256[SHA256_HEX];
    struct source source;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(proc_temp_dir("source", dir, sizeof(dir), &err), 0);
    snprintf(path, sizeof(path), "%s/devices.csv", dir);
    must_write(path, text);
    sha256_hex(text, sizeof(text) - 1, sha256);
    assert_int_equal(source_open(&source, path, NULL, &err), 0);
    assert_false(source.is_spooled);
    assert_string_equal(source.name, "devices.csv");
    assert_int_equal(read_rows(&source, &err), 2);
    assert_string_equal(source.sha256, sha256);
    assert_int_equal(read_rows(&source, &err), 2);
    assert_int_equal(source_check(&source, &err), 0);
    source_close(&source);
    proc_remove_dir(dir);
}

static void notices_a_change(void **state)
{
    char dir[64], path[128];
    struct source source;
    struct err err = ERR_INIT;
    FILE *file;

    (void)state;
    assert_int_equal(proc_temp_dir("source", dir, sizeof(dir), &err), 0);
    snprintf(path, sizeof(path), "%s/devices.csv", dir);
    must_write(path, text);
    assert_int_equal(source_open(&source, path, NULL, &err), 0);
    assert_int_equal(read_rows(&source, &err), 2);
    file = fopen(path, "r+"); /* in place, the size stays */
    assert_non_null(file);
    fputs("serial,country\nFVFGH0000009,DE\n", file);
    fclose(file);
    assert_int_equal(read_rows(&source, &err), -1);
    assert_int_equal(err.code, ERR_INPUT_CHANGED);
    file = fopen(path, "a");
    assert_non_null(file);
    fputs("FVFGH0000003,DE\n", file);
    fclose(file);
    err_reset(&err);
    assert_int_equal(source_check(&source, &err), -1);
    assert_int_equal(err.code, ERR_INPUT_CHANGED);
    source_close(&source);
    proc_remove_dir(dir);
}

static void keeps_what_a_pipe_brought(void **state)
{
    char path[64];
    struct source source;
    struct err err = ERR_INIT;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
    close(ends[1]);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    if (source_open(&source, path, "csv", &err) != 0)
        fail_msg("%s", err.text);
    close(ends[0]);
    assert_true(source.is_spooled);
    assert_int_equal(read_rows(&source, &err), 2);
    assert_int_equal(read_rows(&source, &err), 2);
    assert_int_equal(source_check(&source, &err), 0);
    source_close(&source);
}

static void chooses_the_form(void **state)
{
    static const struct {
        const char *path, *format;
        int want; /* a format, or -1 - the error */
    } rows[] = {
        { "/nonexistent/a.csv", NULL, -1 - ERR_FILE_MISSING },
        { "/nonexistent/a.txt", NULL, -1 - ERR_INPUT_FORMAT },
        { "/dev/null", NULL, -1 - ERR_INPUT_FORMAT },
        { "/dev/null", "tsv", -1 - ERR_USAGE },
        { "/dev/null", "csv", INPUT_CSV },
        { "/dev/null", "yaml", INPUT_YAML },
        { "/dev/null", "jsonl", INPUT_JSONL },
        { "/dev/zero", "csv", -1 - ERR_FILE_MISSING }, /* it would be copied until the disk is full */
        { "/tmp", "csv", -1 - ERR_FILE_MISSING },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct source source;
        int got = source_open(&source, rows[i].path, rows[i].format, &err) == 0 ? (int)source.format
                                                                                : -1 - (int)err.code;

        if (got != rows[i].want)
            fail_msg("%s as %s: %d, %s", rows[i].path, rows[i].format != NULL ? rows[i].format : "-", got,
                     err.text);
        if (got >= 0)
            source_close(&source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_file_twice),
        cmocka_unit_test(notices_a_change),
        cmocka_unit_test(keeps_what_a_pipe_brought),
        cmocka_unit_test(chooses_the_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

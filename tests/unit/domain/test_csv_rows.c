/* The rows of a CSV file as bytes: whole, and the same rows that the reader of device files sees. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "domain/csv_rows.h"

struct text_source {
    const char *text;
    size_t len, at, step;
};

static int read_text(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct text_source *source = ctx;
    size_t len = source->len - source->at;

    (void)err;
    len = len > cap ? cap : len;
    len = len > source->step ? source->step : len;
    if (len > 0)
        memcpy(data, source->text + source->at, len);
    source->at += len;
    *got_r = len;
    return 0;
}

/* What came: all bytes, and "ROW@LINE " of each row. */
struct seen {
    struct buf bytes, rows;
    struct buf parts; /* "<header>[row][row]" */
};

static void seen_init(struct seen *seen)
{
    buf_init(&seen->bytes, 64u * 1024 * 1024);
    buf_init(&seen->rows, 64u * 1024 * 1024);
    buf_init(&seen->parts, 64u * 1024 * 1024);
}

static void seen_release(struct seen *seen)
{
    buf_release(&seen->bytes);
    buf_release(&seen->rows);
    buf_release(&seen->parts);
}

static int take_header(void *ctx, const struct csv_bytes *header, struct err *err)
{
    struct seen *seen = ctx;

    (void)err;
    assert_int_equal(seen->bytes.len, 0);
    buf_add(&seen->bytes, header->bytes, header->len);
    buf_add_char(&seen->parts, '<');
    buf_add(&seen->parts, header->bytes, header->len);
    buf_add_char(&seen->parts, '>');
    return 0;
}

static int take_row(void *ctx, const struct csv_bytes *row, struct err *err)
{
    struct seen *seen = ctx;

    (void)err;
    assert_true(seen->bytes.len > 0 && row->len > 0);
    buf_add(&seen->bytes, row->bytes, row->len);
    buf_addf(&seen->rows, "%lld@%zu ", (long long)row->row, row->line);
    buf_add_char(&seen->parts, '[');
    buf_add(&seen->parts, row->bytes, row->len);
    buf_add_char(&seen->parts, ']');
    return 0;
}

static int read_rows(const char *text, size_t len, size_t step, size_t max_bytes, struct seen *seen,
                     struct err *err)
{
    struct text_source source = { text, len, 0, step };
    struct input_source input = { .name = "a.csv", .read = read_text, .ctx = &source };
    struct csv_rows_sink sink = { take_header, take_row, seen };

    return csv_rows_read(&input, max_bytes, &sink, err);
}

static void keeps_every_byte(void **state)
{
    static const struct {
        const char *what, *text, *parts;
    } rows[] = {
        { "plain", "a,b\n1,2\n3,4\n", "<a,b\n>[1,2\n][3,4\n]" },
        { "no end of the last line", "a,b\n1,2\n3,4", "<a,b\n>[1,2\n][3,4]" },
        { "CRLF", "a,b\r\n1,2\r\n3,4\r\n", "<a,b\r\n>[1,2\r\n][3,4\r\n]" },
        { "CR alone", "a,b\r1,2\r3,4\r", "<a,b\r>[1,2\r][3,4\r]" },
        { "all three", "a\n1\r\n2\r3\n", "<a\n>[1\r\n][2\r][3\n]" },
        { "a byte order mark",
          "\xef\xbb\xbf"
          "a\n1\n",
          "<\xef\xbb\xbf"
          "a\n>[1\n]" },
        { "newlines in quotes", "a\n\"1\n2\r\n3\"\n4\n", "<a\n>[\"1\n2\r\n3\"\n][4\n]" },
        { "a header with a newline", "\"a\nb\",c\n1,2\n", "<\"a\nb\",c\n>[1,2\n]" },
        { "quotes in quotes", "a\n\"x\"\"\n\"\"\",2\n3\n", "<a\n>[\"x\"\"\n\"\"\",2\n][3\n]" },
        { "a quote that stands for itself", "a\nx\"y\n3\n", "<a\n>[x\"y\n][3\n]" },
        { "blank lines between", "a\n1\n\n \t\n2\n\n", "<a\n>[1\n\n \t\n][2\n\n]" },
        { "blank lines with CRLF", "a\r\n\r\n1\r\n\r\n2\r\n", "<a\r\n>[\r\n1\r\n\r\n][2\r\n]" },
        { "blank lines before the header", "\n\na\n1\n", "<\n\na\n>[1\n]" },
        { "blanks at the end", "a\n1\n  ", "<a\n>[1\n  ]" },
        { "empty fields", "a,b\n,\n,\n", "<a,b\n>[,\n][,\n]" },
        { "empty quotes", "a\n\"\"\n\"\"\n", "<a\n>[\"\"\n][\"\"\n]" },
        { "no UTF-8", "a\n\xff\n\xfe\n", "<a\n>[\xff\n][\xfe\n]" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step < 40; step += 6) {
            struct err err = ERR_INIT;
            struct seen seen;

            seen_init(&seen);
            if (read_rows(rows[i].text, strlen(rows[i].text), step, CSV_ROWS_MAX, &seen, &err) != 0)
                fail_msg("%s: %s", rows[i].what, err.text);
            if (seen.parts.data == NULL || strcmp(seen.parts.data, rows[i].parts) != 0)
                fail_msg("%s, %zu bytes at once: %s", rows[i].what, step, seen.parts.data);
            seen_release(&seen);
        }
    }
}

static void errors_name_the_row(void **state)
{
    static const struct {
        const char *what, *text;
        size_t max_bytes;
        enum err_code code;
        const char *says;
    } rows[] = {
        { "nothing", "", 100, ERR_INPUT_EMPTY, "empty: it has no header" },
        { "blank lines", "\n\n", 100, ERR_INPUT_EMPTY, "empty: it has no header" },
        { "a header alone", "a,b\r\n\r\n", 100, ERR_INPUT_EMPTY, "empty: it has no rows" },
        { "an open quote", "a\n1\n\"2\n3\n", 100, ERR_CSV_QUOTE, "row 3 (line 3)" },
        { "UTF-16", "\xff\xfe", 100, ERR_ENCODING, "UTF-16" },
        { "a row too long", "a\n1\n\n1234567890\n2\n", 10, ERR_LIMIT, "row 4 (line 4) has more than 10" },
        { "it fits", "a\n1\n\n123456789\n2\n", 10, ERR_NONE, "" },
        { "a header too long", "1234567890\n2\n", 10, ERR_LIMIT, "row 1 (line 1)" },
        { "a row of several lines", "a\n\"\n\n\n\n\n\n\n\n\n\"\n", 10, ERR_LIMIT, "row 2 (line 2)" },
        { "blank lines behind a row", "a\n12\n\n\n\n\n\n\n\n\n\n", 10, ERR_LIMIT, "row 2 (line 2)" },
        { "behind a row of several lines", "a\n\"1\n2\"\n123456789012\n", 10, ERR_LIMIT, "row 3 (line 4)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct seen seen;

        seen_init(&seen);
        read_rows(rows[i].text, strlen(rows[i].text), 7, rows[i].max_bytes, &seen, &err);
        if (err.code != rows[i].code || (err.code != ERR_NONE && strstr(err.text, rows[i].says) == NULL))
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        seen_release(&seen);
    }
}

static void a_nul_is_named(void **state)
{
    struct err err = ERR_INIT;
    struct seen seen;

    (void)state;
    seen_init(&seen);
    assert_int_equal(read_rows("a\n1\0\n", 5, 5, 100, &seen, &err), -1);
    assert_int_equal(err.code, ERR_ENCODING);
    seen_release(&seen);
}

/* A megabyte in one field is what the reader takes, and no more. */
static void a_field_has_a_limit(void **state)
{
    size_t len = 2u * INPUT_FIELD_MAX;
    char *text = malloc(len);
    struct err err = ERR_INIT;
    struct seen seen;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text, "a\n", 2);
    seen_init(&seen);
    assert_int_equal(read_rows(text, len, 65536, CSV_ROWS_MAX, &seen, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "row 2 (line 2)"));
    seen_release(&seen);
    free(text);
}

static uint32_t chance(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static int note_row(void *ctx, const struct input_row *row, struct err *err)
{
    (void)err;
    return buf_addf(ctx, "%lld@%zu ", (long long)row->row, row->line);
}

/* Any bytes behind a header: nothing is lost, and each row is a row of the reader of device files. */
static void any_file_is_its_rows(void **state)
{
    static const char *const words[] = {
        "\n", "\r\n", "\r", "\"", "\"\"", ",", " ", "x", "F1,DE", "\"a\nb\""
    };
    uint32_t seed = 88172645u;
    unsigned whole = 0;

    (void)state;
    for (int i = 0; i < 30000; i++) {
        struct err err = ERR_INIT, want = ERR_INIT;
        struct text_source source = { .step = 1 + chance(&seed) % 9 };
        struct input_source input = { .name = "a.csv", .read = read_text, .ctx = &source };
        struct buf text, rows;
        struct input_sink sink = { note_row, &rows };
        struct seen seen;

        buf_init(&text, 65536);
        buf_init(&rows, 65536);
        seen_init(&seen);
        buf_add_str(&text, chance(&seed) % 2 == 0 ? "\xef\xbb\xbf" : "");
        buf_add_str(&text, "serial,country");
        buf_add_str(&text, words[chance(&seed) % 3]);
        for (uint32_t count = chance(&seed) % 20; count > 0; count--)
            buf_add_str(&text, words[chance(&seed) % (sizeof(words) / sizeof(words[0]))]);
        source.text = text.data;
        source.len = text.len;
        input_read(INPUT_CSV, &input, &sink, &want);
        read_rows(text.data, text.len, 1 + chance(&seed) % 9, CSV_ROWS_MAX, &seen, &err);
        if (err.code != want.code ||
            (err.code == ERR_NONE &&
             (seen.bytes.len != text.len || memcmp(seen.bytes.data, text.data, text.len) != 0 ||
              strcmp(seen.rows.data, rows.data) != 0)))
            fail_msg("%s\n%s: %s instead of %s, %s instead of %s\n%s", text.data, seen.parts.data,
                     err_wire(err.code), err_wire(want.code), seen.rows.data, rows.data, err.text);
        whole += err.code == ERR_NONE;
        buf_release(&text);
        buf_release(&rows);
        seen_release(&seen);
    }
    assert_in_range(whole, 10000, 29000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_byte),     cmocka_unit_test(errors_name_the_row),
        cmocka_unit_test(a_nul_is_named),       cmocka_unit_test(a_field_has_a_limit),
        cmocka_unit_test(any_file_is_its_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

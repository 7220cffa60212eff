#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void compares_text(void **state)
{
    (void)state;
    assert_true(str_eq(NULL, NULL));
    assert_true(str_eq("a", "a"));
    assert_false(str_eq("a", NULL));
    assert_false(str_eq(NULL, ""));
    assert_true(str_starts("abc", "ab"));
    assert_true(str_starts("abc", ""));
    assert_false(str_starts("ab", "abc"));
    assert_true(str_ends("abc", "bc"));
    assert_true(str_ends("abc", ""));
    assert_false(str_ends("bc", "abc"));
    assert_false(str_has_control("a b\xc3\xa9"));
    assert_true(str_has_control("a\tb"));
    assert_true(str_has_control("a\x7f"));
}

static void reads_whole_numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max;
        bool is_one;
        int64_t want;
    } rows[] = {
        { "0", INT64_MIN, INT64_MAX, true, 0 },
        { "-0", INT64_MIN, INT64_MAX, true, 0 },
        { "007", INT64_MIN, INT64_MAX, true, 7 },
        { "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
        { "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
        { "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN },
        { "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0 },
        { "99999999999999999999999999", INT64_MIN, INT64_MAX, false, 0 },
        { "18446744073709551616", INT64_MIN, INT64_MAX, false, 0 },
        { "10", 1, 10, true, 10 },
        { "11", 1, 10, false, 0 },
        { "0", 1, 10, false, 0 },
        { "", INT64_MIN, INT64_MAX, false, 0 },
        { "-", INT64_MIN, INT64_MAX, false, 0 },
        { "+1", INT64_MIN, INT64_MAX, false, 0 },
        { " 1", INT64_MIN, INT64_MAX, false, 0 },
        { "1 ", INT64_MIN, INT64_MAX, false, 0 },
        { "--1", INT64_MIN, INT64_MAX, false, 0 },
        { "0x1", INT64_MIN, INT64_MAX, false, 0 },
        { "1e3", INT64_MIN, INT64_MAX, false, 0 },
        { "\xd9\xa1", INT64_MIN, INT64_MAX, false, 0 }, /* an Arabic digit */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t got = 0;

        if (str_to_int(rows[i].text, rows[i].min, rows[i].max, &got) != rows[i].is_one || got != rows[i].want)
            fail_msg("'%s': %lld", rows[i].text, (long long)got);
    }
}

static void reads_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: none */
    } rows[] = {
        { "0ms", 0 },
        { "200ms", 200 },
        { "15s", 15000 },
        { "10m", 600000 },
        { "24h", 86400000 },
        { "30d", INT64_C(2592000000) },
        { "9223372036854775807ms", INT64_MAX },
        { "9223372036854775808ms", -1 },
        { "9223372036854775807s", -1 },
        { "106751991168d", -1 },
        { "99999999999999999999999s", -1 },
        { "15", -1 },
        { "s", -1 },
        { "", -1 },
        { "-5s", -1 },
        { "1.5s", -1 },
        { "5 s", -1 },
        { "5S", -1 },
        { "5sec", -1 },
        { "1h30m", -1 },
        { "5us", -1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t got = -1;
        bool is_one = str_to_duration_ms(rows[i].text, &got);

        if (is_one != (rows[i].want >= 0) || (is_one && got != rows[i].want))
            fail_msg("'%s': %lld", rows[i].text, (long long)got);
    }
}

#define BYTES(text) text, sizeof(text) - 1

static void knows_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool want;
    } rows[] = {
        { BYTES(""), true },
        { BYTES("plain"), true },
        { BYTES("\xc2\x80"), true },
        { BYTES("\xdf\xbf"), true },
        { BYTES("\xe0\xa0\x80"), true },
        { BYTES("\xed\x9f\xbf\xee\x80\x80"), true },
        { BYTES("\xef\xbf\xbf"), true },
        { BYTES("\xf0\x90\x80\x80"), true },
        { BYTES("\xf4\x8f\xbf\xbf"), true },
        { BYTES("a\0b"), false },
        { BYTES("\x80"), false },
        { BYTES("\xbf"), false },
        { BYTES("\xc0\x80"), false },
        { BYTES("\xc1\xbf"), false },
        { BYTES("\xc2"), false },
        { BYTES("\xc2x"), false },
        { BYTES("\xe0\x9f\xbf"), false },
        { BYTES("\xe2\x82"), false },
        { BYTES("\xed\xa0\x80"), false },
        { BYTES("\xed\xbf\xbf"), false },
        { BYTES("\xf0\x8f\xbf\xbf"), false },
        { BYTES("\xf4\x90\x80\x80"), false },
        { BYTES("\xf5\x80\x80\x80"), false },
        { BYTES("\xff"), false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_is_utf8(rows[i].text, rows[i].len) != rows[i].want)
            fail_msg("row %zu", i);
}

static void escapes_what_a_terminal_obeys(void **state)
{
    static const struct {
        const char *text;
        size_t len, max_bytes;
        const char *want;
    } rows[] = {
        { BYTES("plain \xc3\xa9"), 100, "plain \xc3\xa9" },
        { BYTES("\x1b[31m\n\x7f"), 100, "\\x1b[31m\\x0a\\x7f" },
        { BYTES("a\0b"), 100, "a\\x00b" },
        { BYTES("\xc2\x9b"), 100, "\\u{009b}" },
        { BYTES("\xff\xc3"), 100, "\\xff\\xc3" },
        { BYTES("a\xe2\x80\xae"
                "b\xe2\x81\xa6"),
          100, "a\\u{202e}b\\u{2066}" },
        { BYTES("\xe2\x80\xa8"), 100, "\\u{2028}" },
        { BYTES("abcdef"), 3, "abc..." },
        { BYTES("abc"), 3, "abc" },
        { BYTES("ab\xc3\xa9z"), 3, "ab..." }, /* not through a character */
        { BYTES("\xf0\x9f\x98\x80z"), 2, "..." },
        { BYTES("\x80\x80\x80\x80\x80\x80"), 5, "\\x80\\x80..." }, /* no characters to keep whole */
        { BYTES(""), 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        str_escape(&out, rows[i].text, rows[i].len, rows[i].max_bytes);
        if (strcmp(out.data, rows[i].want) != 0)
            fail_msg("row %zu: '%s'", i, out.data);
        buf_release(&out);
    }
}

static void measures_near_misses(void **state)
{
    static const char *const names[] = { "serial", "country", "model", "order_number", "asset_tag", "url" };
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "serail", "serial" },
        { "Serial", "serial" },
        { "order-number", "order_number" },
        { "contry", "country" },
        { "countryyy", "country" },
        { "countryyyy", NULL },
        { "ur", "url" },
        { "u", NULL },
        { "zebra", NULL },
        { "", NULL },
    };
    char text[200];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *got = str_nearest(rows[i].text, names, COUNT(names));

        if (!str_eq(got, rows[i].want))
            fail_msg("'%s': %s", rows[i].text, got != NULL ? got : "none");
    }
    assert_null(str_nearest("x", names, 0));
    assert_int_equal(str_distance("kitten", "sitting"), 3);
    assert_int_equal(str_distance("ulr", "url"), 1); /* neighbours swapped */
    assert_int_equal(str_distance("ab", "ba"), 1);
    assert_int_equal(str_distance("ca", "abc"), 3);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("abc", ""), 3);
    assert_int_equal(str_distance("A-b", "a_B"), 0);
    memset(text, 'x', sizeof(text));
    text[64] = '\0';
    assert_int_equal(str_distance(text, ""), 64);
    text[64] = 'x';
    text[65] = '\0';
    assert_int_equal(str_distance(text, text), 65); /* too long to be compared */
}

static void prints_hex(void **state)
{
    char hex[9];

    (void)state;
    str_hex("\x00\x0f\xa5\xff", 4, hex);
    assert_string_equal(hex, "000fa5ff");
    str_hex(NULL, 0, hex);
    assert_string_equal(hex, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_text),
        cmocka_unit_test(reads_whole_numbers),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(escapes_what_a_terminal_obeys),
        cmocka_unit_test(measures_near_misses),
        cmocka_unit_test(prints_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

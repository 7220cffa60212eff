/* Tables stand aligned whatever is in them, and nothing in them reaches the terminal as a command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"

static void measures_width(void **state)
{
    static const struct {
        const char *what, *text;
        size_t want;
    } rows[] = {
        { "nothing", "", 0 },
        { "ASCII", "assign", 6 },
        { "umlaut", "Z\xc3\xbcrich", 6 },
        { "a combining mark", "Zu\xcc\x88rich", 6 },
        { "kanji", "\xe6\x9d\xb1\xe4\xba\xac", 4 },
        { "half-width kana", "\xef\xbd\xb1", 1 },
        { "an emoji", "\xf0\x9f\x93\xb1", 2 },
        { "a lost byte", "a\xff", 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t got = table_width(rows[i].text);

        if (got != rows[i].want)
            fail_msg("%s: %zu instead of %zu", rows[i].what, got, rows[i].want);
    }
}

static void assert_table(const struct table *table, bool is_coloured, const char *want)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    table_print(table, is_coloured, &out);
    assert_false(out.is_failed);
    assert_string_equal(out.data, want);
    buf_release(&out);
}

static void aligns(void **state)
{
    struct table table;

    (void)state;
    table_init(&table, "name|>count|why");
    table_add(&table, "\xe6\x9d\xb1\xe4\xba\xac");
    table_add_int(&table, 12345678);
    table_add(&table, "working");
    table_add(&table, "assign");
    table_add_int(&table, -1);
    table_add(&table, NULL);
    assert_int_equal(table_rows(&table), 2);
    assert_table(&table, false,
                 "name       count  why\n"
                 "\xe6\x9d\xb1\xe4\xba\xac    12345678  working\n"
                 "assign        -1  -\n");
    assert_table(&table, true,
                 "\033[1mname       count  why\033[0m\n"
                 "\xe6\x9d\xb1\xe4\xba\xac    12345678  working\n"
                 "assign        -1  -\n");
    table_release(&table);
}

static void escapes(void **state)
{
    struct table table;
    struct buf out;

    (void)state;
    table_init(&table, "serial|text");
    table_add(&table, "\033[2Jx\ny");
    table_add(&table, "");
    buf_init(&out, 4096);
    table_print(&table, false, &out);
    assert_null(strchr(out.data, '\033'));
    assert_int_equal(strcspn(out.data, "\n") + 1 + strcspn(strchr(out.data, '\n') + 1, "\n") + 1, out.len);
    buf_release(&out);
    table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_width),
        cmocka_unit_test(aligns),
        cmocka_unit_test(escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

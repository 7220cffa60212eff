#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "base/err.h"

static void fills_every_member(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(err_set(&err, ERR_IO, ENOENT, "cannot read %s", "x"), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.text, "cannot read x: No such file or directory");
    assert_int_equal(err_prefix(&err, "batch %d", 7), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.text, "batch 7: cannot read x: No such file or directory");
    err_reset(&err);
    assert_int_equal(err.code, ERR_NONE);
    assert_int_equal(err.sys, 0);
    assert_string_equal(err.text, "");
}

static void takes_its_own_text_as_an_argument(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    err_set(&err, ERR_JSON, 0, "byte 5");
    err_set(&err, ERR_MSG_MALFORMED, 0, "no JSON: %s", err.text);
    assert_string_equal(err.text, "no JSON: byte 5");
}

static void cuts_what_is_too_long(void **state)
{
    struct err err = ERR_INIT;
    char text[2 * ERR_TEXT_MAX];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_set(&err, ERR_IO, EIO, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    err_prefix(&err, "ab");
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    assert_memory_equal(err.text, "ab: xxx", 7);
    err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    for (size_t len = ERR_TEXT_MAX - 8; len < ERR_TEXT_MAX + 2; len++) { /* each way to meet the end */
        err_set(&err, ERR_IO, EIO, "%.*s", (int)len, text);
        assert_true(strlen(err.text) < ERR_TEXT_MAX);
        err_set(&err, ERR_IO, 0, "tail");
        err_prefix(&err, "%.*s", (int)len, text);
        assert_true(strlen(err.text) < ERR_TEXT_MAX);
    }
}

static void every_row_of_the_table_is_sound(void **state)
{
    (void)state;
    for (int code = 0; code < ERR_CODE_COUNT; code++) {
        const char *wire = err_wire((enum err_code)code), *advice = err_advice((enum err_code)code);

        if (strspn(wire, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(wire) || wire[0] == '\0' ||
            strlen(wire) > 40)
            fail_msg("wire name '%s'", wire);
        if (err_from_wire(wire) != (enum err_code)code)
            fail_msg("'%s' stands twice", wire);
        if (advice[0] == '\0' || strchr(advice, '\n') != NULL)
            fail_msg("advice of '%s'", wire);
    }
    assert_int_equal(err_from_wire("no such error"), ERR_CODE_COUNT);
    assert_string_equal(err_wire((enum err_code) - 1), "bug");
    assert_string_equal(err_wire(ERR_CODE_COUNT), "bug");
}

static void gives_the_exit_status_of_each_class(void **state)
{
    static const struct {
        enum err_code code;
        int want;
    } rows[] = {
        { ERR_NONE, 0 },      { ERR_USAGE, 64 },      { ERR_JSON, 65 },    { ERR_REDIS_UNREACHABLE, 69 },
        { ERR_BUG, 70 },      { ERR_REDIS_OOM, 75 },  { ERR_CONFIRM, 77 }, { ERR_SETTINGS, 78 },
        { ERR_DUPLICATE, 1 }, { ERR_CODE_COUNT, 70 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (err_exit_status(rows[i].code) != rows[i].want)
            fail_msg("%s: %d", err_wire(rows[i].code), err_exit_status(rows[i].code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_every_member),
        cmocka_unit_test(takes_its_own_text_as_an_argument),
        cmocka_unit_test(cuts_what_is_too_long),
        cmocka_unit_test(every_row_of_the_table_is_sound),
        cmocka_unit_test(gives_the_exit_status_of_each_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void appends_each_kind(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    assert_string_equal(buf.data, "");
    buf_add(&buf, NULL, 0);
    buf_add(&buf, "a\0b", 3);
    buf_add_str(&buf, "cd");
    buf_add_char(&buf, '-');
    buf_addf(&buf, "%s=%d", "x", 5);
    assert_int_equal(buf.len, 9);
    assert_memory_equal(buf.data, "a\0bcd-x=5", 10);
    buf_truncate(&buf, 1);
    buf_truncate(&buf, 500);
    assert_string_equal(buf.data, "a");
    buf_release(&buf);
    assert_string_equal(buf.data, "");
    assert_int_equal(buf.max_bytes, 1000);
}

static void prints_numbers(void **state)
{
    static const struct {
        int64_t number;
        const char *want;
    } rows[] = {
        { 0, "0" },
        { -1, "-1" },
        { 1234567890123, "1234567890123" },
        { INT64_MAX, "9223372036854775807" },
        { INT64_MIN, "-9223372036854775808" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf buf;

        buf_init(&buf, 100);
        buf_add_int(&buf, rows[i].number);
        assert_string_equal(buf.data, rows[i].want);
        buf_release(&buf);
    }
}

static void holds_its_limit(void **state)
{
    struct err err = ERR_INIT;
    struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    assert_int_equal(buf_add_str(&buf, "12345"), 0);
    assert_int_equal(buf_check(&buf, "the text", &err), 0);
    assert_int_equal(err.code, ERR_NONE);
    assert_int_equal(buf_add_char(&buf, '6'), -1);
    assert_string_equal(buf.data, "12345");
    buf_truncate(&buf, 0);
    assert_int_equal(buf_add_char(&buf, '1'), -1); /* once failed it stays so */
    assert_int_equal(buf_check(&buf, "the text", &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_string_equal(err.text, "the text is larger than 5 bytes");
    buf_reset(&buf);
    assert_int_equal(buf_addf(&buf, "%06d", 1), -1);
    buf_reset(&buf);
    assert_int_equal(buf_addf(&buf, "%05d", 1), 0);
    assert_string_equal(buf.data, "00001");
    buf_release(&buf);
    buf_init(&buf, 0);
    assert_int_equal(buf_add(&buf, "", 0), 0);
    assert_int_equal(buf_add_char(&buf, 'x'), -1);
    buf_release(&buf);
}

static void refuses_what_no_memory_holds(void **state)
{
    struct err err = ERR_INIT;
    struct buf buf;

    (void)state;
    buf_init(&buf, SIZE_MAX);
    assert_int_equal(buf_add_str(&buf, "kept"), 0);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX - 4), -1);
    assert_string_equal(buf.data, "kept");
    assert_int_equal(buf_check(&buf, "it", &err), -1);
    assert_int_equal(err.code, ERR_NOMEM);
    buf_release(&buf);
}

static void hands_its_bytes_over(void **state)
{
    struct buf buf;
    char *text;

    (void)state;
    buf_init(&buf, 100000);
    text = buf_detach(&buf);
    assert_string_equal(text, "");
    free(text);
    for (int i = 0; i < 10000; i++)
        buf_add_str(&buf, "0123456789");
    text = buf_detach(&buf);
    assert_int_equal(strlen(text), 100000);
    free(text);
    assert_int_equal(buf.len, 0);
    buf_add_str(&buf, "again");
    assert_string_equal(buf.data, "again");
    buf_release(&buf);
}

static void keeps_its_memory_over_a_reset(void **state)
{
    struct buf buf;
    char *before;

    (void)state;
    buf_init(&buf, 1000);
    buf_add_str(&buf, "hello");
    before = buf.data;
    buf_reset(&buf);
    assert_string_equal(buf.data, "");
    buf_add_str(&buf, "world");
    assert_ptr_equal(buf.data, before);
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_each_kind),    cmocka_unit_test(prints_numbers),
        cmocka_unit_test(holds_its_limit),      cmocka_unit_test(refuses_what_no_memory_holds),
        cmocka_unit_test(hands_its_bytes_over), cmocka_unit_test(keeps_its_memory_over_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

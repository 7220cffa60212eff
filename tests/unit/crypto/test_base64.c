#include "harness/check.h"

#include <string.h>

#include "crypto/base64.h"

/* RFC 4648, section 10. */
static void goes_both_ways(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } rows[] = {
        { "", 0, "" },
        { "f", 1, "Zg==" },
        { "fo", 2, "Zm8=" },
        { "foo", 3, "Zm9v" },
        { "foob", 4, "Zm9vYg==" },
        { "fooba", 5, "Zm9vYmE=" },
        { "foobar", 6, "Zm9vYmFy" },
        { "\xfb\xff\xbf", 3, "+/+/" },
        { "\0\0", 2, "AAA=" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct buf text, bytes;

        buf_init(&text, 64);
        buf_init(&bytes, 64);
        base64_encode(&text, rows[i].bytes, rows[i].len);
        if (strcmp(text.data, rows[i].text) != 0)
            fail_msg("%s: printed as %s", rows[i].text, text.data);
        if (base64_decode(&bytes, rows[i].text, strlen(rows[i].text), &err) != 0 ||
            bytes.len != rows[i].len || memcmp(bytes.data, rows[i].bytes, rows[i].len) != 0)
            fail_msg("%s: read as %zu bytes, %s", rows[i].text, bytes.len, err.text);
        buf_release(&text);
        buf_release(&bytes);
    }
}

static void refuses_other_forms(void **state)
{
    static const struct {
        const char *what, *text;
    } rows[] = {
        { "no padding", "Zg" },
        { "half of it", "Zg=" },
        { "too much of it", "Zg======" },
        { "padding within", "Zg==Zg==" },
        { "only padding", "====" },
        { "three of it", "Z===" },
        { "a blank", "Zm9 " },
        { "a line end", "Zm9v\nZm9v" },
        { "the URL alphabet", "-_-_" },
        { "unused bits", "Zh==" },
        { "unused bits of two", "Zm9=" },
        { "padding before a letter", "Zm=v" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct buf bytes;

        buf_init(&bytes, 64);
        buf_add_str(&bytes, "kept");
        if (base64_decode(&bytes, rows[i].text, strlen(rows[i].text), &err) == 0 ||
            err.code != ERR_ENCODING || strcmp(bytes.data, "kept") != 0)
            fail_msg("%s: code %s, buffer '%s'", rows[i].what, err_wire(err.code), bytes.data);
        buf_release(&bytes);
    }
}

static void goes_both_ways_for_urls(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } rows[] = {
        { "", 0, "" },        { "f", 1, "Zg" },        { "fo", 2, "Zm8" },
        { "foo", 3, "Zm9v" }, { "foob", 4, "Zm9vYg" }, { "\xfb\xff\xbf", 3, "-_-_" },
        { "\0\0", 2, "AAA" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct buf text, bytes;

        buf_init(&text, 64);
        buf_init(&bytes, 64);
        base64url_encode(&text, rows[i].bytes, rows[i].len);
        if (strcmp(text.data, rows[i].text) != 0)
            fail_msg("%s: printed as %s", rows[i].text, text.data);
        if (base64url_decode(&bytes, rows[i].text, strlen(rows[i].text), &err) != 0 ||
            bytes.len != rows[i].len || memcmp(bytes.data, rows[i].bytes, rows[i].len) != 0)
            fail_msg("%s: read as %zu bytes, %s", rows[i].text, bytes.len, err.text);
        buf_release(&text);
        buf_release(&bytes);
    }
}

static void refuses_other_forms_for_urls(void **state)
{
    static const char *const rows[] = { "Z", "Zm9vZ", "Zg==", "Zm8=", "Zh", "Zm9", "+/+/", "Zm 9", "Zm9v\n" };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct buf bytes;

        buf_init(&bytes, 64);
        if (base64url_decode(&bytes, rows[i], strlen(rows[i]), &err) == 0 || err.code != ERR_ENCODING ||
            bytes.len != 0)
            fail_msg("%s: code %s, %zu bytes", rows[i], err_wire(err.code), bytes.len);
        buf_release(&bytes);
    }
}

static void keeps_the_limit(void **state)
{
    struct err err = ERR_INIT;
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 5);
    assert_int_equal(base64_decode(&bytes, "Zm9vYmFy", 8, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(bytes.len, 0);
    buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_both_ways),          cmocka_unit_test(refuses_other_forms),
        cmocka_unit_test(goes_both_ways_for_urls), cmocka_unit_test(refuses_other_forms_for_urls),
        cmocka_unit_test(keeps_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

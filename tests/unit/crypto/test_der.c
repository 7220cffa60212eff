#include "harness/check.h"

#include <string.h>

#include "crypto/der.h"

#define COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))
#define BYTES(bytes) bytes, sizeof(bytes) - 1

static void takes_an_element(void **state)
{
    static const struct {
        const char *what, *bytes;
        size_t len;
        unsigned char tag;
        long want; /* the content's length; -1: not taken */
        size_t left;
    } rows[] = {
        { "nothing", BYTES(""), DER_INTEGER, -1, 0 },
        { "a tag alone", BYTES("\x02"), DER_INTEGER, -1, 1 },
        { "an empty one", BYTES("\x02\x00"), DER_INTEGER, 0, 0 },
        { "one byte", BYTES("\x02\x01\x05"), DER_INTEGER, 1, 0 },
        { "and more behind", BYTES("\x02\x01\x05\x30\x00"), DER_INTEGER, 1, 2 },
        { "another tag", BYTES("\x04\x01\x05"), DER_INTEGER, -1, 3 },
        { "shorter than it says", BYTES("\x02\x02\x05"), DER_INTEGER, -1, 3 },
        { "an indefinite length", BYTES("\x30\x80\x00\x00"), DER_SEQUENCE, -1, 4 },
        { "a length of no byte", BYTES("\x30\x81"), DER_SEQUENCE, -1, 2 },
        { "half a length", BYTES("\x30\x82\x01"), DER_SEQUENCE, -1, 3 },
        { "a length in too many bytes", BYTES("\x02\x81\x01\x05"), DER_INTEGER, -1, 4 },
        { "and in three for two", BYTES("\x02\x82\x00\x81"), DER_INTEGER, -1, 4 },
        { "a length of 4 bytes", BYTES("\x30\x84\xff\xff\xff\xff"), DER_SEQUENCE, -1, 6 },
        { "of 127 bytes", BYTES("\x30\xff\xff\xff"), DER_SEQUENCE, -1, 4 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct der der = { (const unsigned char *)rows[i].bytes, rows[i].len }, content = { NULL, 0 };
        bool is_taken = der_take(&der, rows[i].tag, &content);

        if (is_taken != (rows[i].want >= 0) || der.len != rows[i].left ||
            (is_taken && content.len != (size_t)rows[i].want))
            fail_msg("%s: taken %d, %zu left", rows[i].what, is_taken, der.len);
    }
}

static void takes_long_ones(void **state)
{
    static const size_t lengths[] = { 127, 128, 255, 256, 65535 };
    static unsigned char bytes[65535 + 4];

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t len = lengths[i], head = len < 128 ? 2 : len < 256 ? 3 : 4;
        struct der der = { bytes, head + len }, content = { NULL, 0 };

        bytes[0] = DER_OCTET_STRING;
        bytes[1] = (unsigned char)(head == 2 ? len : head == 3 ? 0x81 : 0x82);
        bytes[2] = (unsigned char)(head == 3 ? len : len >> 8);
        bytes[3] = (unsigned char)len;
        if (!der_take(&der, DER_OCTET_STRING, &content) || content.len != len || content.at != bytes + head ||
            der.len != 0)
            fail_msg("%zu bytes", len);
        der = (struct der){ bytes, head + len - 1 };
        if (der_take(&der, DER_OCTET_STRING, &content))
            fail_msg("%zu bytes are taken of one less", len);
    }
}

static void expects_bytes(void **state)
{
    static const unsigned char bytes[] = { 0x02, 0x01, 0x05, 0x02, 0x00 };
    struct der der = { bytes, sizeof(bytes) };

    (void)state;
    assert_false(der_expect(&der, DER_INTEGER, "\x06", 1));
    assert_false(der_expect(&der, DER_INTEGER, "\x05\x02", 2));
    assert_false(der_expect(&der, DER_OID, "\x05", 1));
    assert_int_equal(der.len, sizeof(bytes));
    assert_true(der_expect(&der, DER_INTEGER, "\x05", 1));
    assert_true(der_expect(&der, DER_INTEGER, "", 0));
    assert_int_equal(der.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_an_element),
        cmocka_unit_test(takes_long_ones),
        cmocka_unit_test(expects_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "crypto/pem.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define HIDDEN      "hunter2"

static const struct pem_form forms[] = { { "THING", false },
                                         { "OTHER THING", false },
                                         { "PARAMETERS", true } };

static int read_one(const char *text, size_t len, struct secret **der_r, struct err *err)
{
    return pem_read_one(text, len, forms, COUNT(forms), "thing", ERR_KEY, der_r, err);
}

static void goes_both_ways(void **state)
{
    static const size_t lengths[] = { 1, 47, 48, 49, 96, 97, 1000, SECRET_MAX_BYTES };
    unsigned char *bytes = malloc(SECRET_MAX_BYTES);

    (void)state;
    for (size_t i = 0; i < SECRET_MAX_BYTES; i++)
        bytes[i] = (unsigned char)(i * 7);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct secret *der = NULL;
        struct err err = ERR_INIT;
        struct buf text;

        buf_init(&text, 2 * SECRET_MAX_BYTES);
        pem_print(&text, "OTHER THING", bytes, lengths[i]);
        for (const char *line = text.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
            if (end - line > 64)
                fail_msg("%zu bytes: a line of %ld characters", lengths[i], (long)(end - line));
        if (read_one(text.data, text.len, &der, &err) != 1)
            fail_msg("%zu bytes: %s", lengths[i], err.text);
        assert_int_equal(secret_len(der), lengths[i]);
        assert_memory_equal(secret_text(der), bytes, lengths[i]);
        secret_free(der);
        buf_release(&text);
    }
    free(bytes);
}

/* Lines as RFC 7468 shows them. */
static void prints_lines_of_64(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 1024);
    pem_print(&text, "THING", "012345678901234567890123456789012345678901234567X", 49);
    assert_string_equal(text.data, "-----BEGIN THING-----\n"
                                   "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\n"
                                   "WA==\n-----END THING-----\n");
    buf_release(&text);
}

#define BLOCK(label, base64) "-----BEGIN " label "-----\n" base64 "\n-----END " label "-----\n"

static void takes_one_block(void **state)
{
    static const struct {
        const char *what, *text;
        int want;
        const char *why;
    } rows[] = {
        { "one", BLOCK("THING", "AAEC"), 0, "" },
        { "of the other kind", BLOCK("OTHER THING", "AAEC"), 1, "" },
        { "behind what is passed over", BLOCK("PARAMETERS", "AA==") BLOCK("THING", "AAEC"), 0, "" },
        { "blanks around it", "\n \t\r\n" BLOCK("THING", " A\tA\r\nE\nC ") "\n\n", 0, "" },
        { "no last line end", "-----BEGIN THING-----\nAAEC\n-----END THING-----", 0, "" },
        { "nothing", "", -1, "the text is empty" },
        { "blanks", " \n", -1, "does not begin with the block of one" },
        { "only what is passed over", BLOCK("PARAMETERS", "AA=="), -1, "does not begin with the block" },
        { "another label", BLOCK("THINGS", "AAEC"), -1, "does not begin with the block of one" },
        { "words before it", HIDDEN "\n" BLOCK("THING", "AAEC"), -1, "does not begin with the block of one" },
        { "words behind it", BLOCK("THING", "AAEC") HIDDEN, -1, "something follows the block" },
        { "words behind BEGIN", "-----BEGIN THING-----" HIDDEN "\n-----END THING-----\n", -1,
          "does not begin" },
        { "words behind END", "-----BEGIN THING-----\nAAEC\n-----END THING-----" HIDDEN, -1, "not whole" },
        { "two", BLOCK("THING", "AAEC") BLOCK("THING", "AAEC"), -1, "something follows the block" },
        { "no END", "-----BEGIN THING-----\nAAEC\n", -1, "the block is not whole" },
        { "another END", "-----BEGIN THING-----\nAAEC\n-----END OTHER THING-----\n", -1, "not whole" },
        { "a dash within", BLOCK("THING", "AA-C"), -1, "the block is not whole" },
        { "no base64", BLOCK("THING", HIDDEN "!"), -1, "the block is no base64" },
        { "no padding", BLOCK("THING", "AA"), -1, "the block is no base64" },
        { "a header", BLOCK("THING", "Comment: " HIDDEN "\n\nAAEC"), -1, "the block is no base64" },
        { "encrypted", BLOCK("THING", "Proc-Type: 4,ENCRYPTED\n\nAAEC"), -1, "the key is encrypted" },
        { "encrypted otherwise", BLOCK("ENCRYPTED PRIVATE KEY", "AAEC"), -1, "the key is encrypted" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].text);
        char *exact = malloc(len > 0 ? len : 1); /* no NUL behind it: a sanitizer sees what is read there */
        struct secret *der = NULL;
        struct err err = ERR_INIT;
        int got;

        memcpy(exact, rows[i].text, len);
        got = read_one(exact, len, &der, &err);
        if (got != rows[i].want ||
            (got < 0 && (err.code != ERR_KEY || !str_starts(err.text, "no thing: "))) ||
            strstr(err.text, rows[i].why) == NULL || strstr(err.text, HIDDEN) != NULL)
            fail_msg("%s: %d, %s: %s", rows[i].what, got, err_wire(err.code), err.text);
        if (got >= 0 && (secret_len(der) != 3 || memcmp(secret_text(der), "\0\1\2", 3) != 0))
            fail_msg("%s: other bytes", rows[i].what);
        secret_free(der);
        free(exact);
    }
}

static void keeps_the_limits(void **state)
{
    size_t len = 2 * SECRET_MAX_BYTES + 1;
    unsigned char *bytes = calloc(1, len);
    struct secret *der = NULL;
    struct err err = ERR_INIT;
    struct buf text;

    (void)state;
    memset(bytes, ' ', len);
    assert_int_equal(read_one((const char *)bytes, len, &der, &err), -1);
    assert_non_null(strstr(err.text, "more than 131072 bytes"));
    buf_init(&text, 2 * SECRET_MAX_BYTES);
    for (size_t more = 1; more < 5; more++) {
        buf_reset(&text);
        err_reset(&err);
        pem_print(&text, "THING", bytes, SECRET_MAX_BYTES + more);
        assert_int_equal(read_one(text.data, text.len, &der, &err), -1);
        assert_int_equal(err.code, ERR_KEY);
        assert_non_null(strstr(err.text, "the block holds more than 65536 bytes"));
    }
    assert_null(der);
    buf_release(&text);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_both_ways),
        cmocka_unit_test(prints_lines_of_64),
        cmocka_unit_test(takes_one_block),
        cmocka_unit_test(keeps_the_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

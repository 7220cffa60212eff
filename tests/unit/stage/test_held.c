#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "stage/held.h"

/* text, and blanks up to size bytes. */
static char *padded(const char *text, size_t size)
{
    char *body = malloc(size + 1);

    assert_non_null(body);
    memset(body, ' ', size);
    memcpy(body, text, strlen(text));
    body[size] = '\0';
    return body;
}

static void keeps_the_beginning_of_what_is_too_large(void **state)
{
    static const char batch[] = "{\"version\":1,\"run\":\"r1\",\"batch\":2,\"batches\":3,\"devices\":["
                                "{\"serial\":\"C02ABCDEFGHJ\",\"country\":\"DE\"}]}";
    static const char message[] = "{\"version\":1,\"uid\":\"u\",\"run\":\"r1\",\"n\":7,\"devices\":[]}";
    static const struct {
        const char *what, *text;
        bool is_ingest;
        size_t size;
        enum held_kind kind;
        enum err_code code;
        size_t kept;
    } rows[] = {
        { "a batch", batch, true, 4096, HELD_DEVICES, ERR_NONE, 4096 },
        { "a batch of 1 MiB", batch, true, INGEST_MAX_BYTES, HELD_DEVICES, ERR_NONE, INGEST_MAX_BYTES },
        { "a byte more", batch, true, INGEST_MAX_BYTES + 1, HELD_BAD, ERR_MSG_TOO_LARGE, HELD_SHOWN_BYTES },
        { "24 MB", batch, true, 24000000, HELD_BAD, ERR_MSG_TOO_LARGE, HELD_SHOWN_BYTES },
        { "a message above its limit", message, false, MESSAGE_MAX_BYTES + 1, HELD_BAD, ERR_LIMIT,
          MESSAGE_MAX_BYTES + 1 },
        { "a message of 24 MB", message, false, 24000000, HELD_BAD, ERR_LIMIT, HELD_SHOWN_BYTES },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *body = padded(rows[i].text, rows[i].size), sha256[SHA256_HEX];
        struct stream_entry entry = { .id = "1-1", .body = body, .len = rows[i].size, .deliveries = 1 };
        struct err err = ERR_INIT;
        struct held *held = held_new(&entry, rows[i].is_ingest ? sha256_hex : NULL, false, &err);

        if (held == NULL || held->kind != rows[i].kind || held->why.code != rows[i].code)
            fail_msg("%s: %s", rows[i].what, held != NULL ? held->why.text : err.text);
        if (held->raw_len != rows[i].kept || strlen(held->raw) != rows[i].kept ||
            memcmp(held->raw, body, rows[i].kept) != 0)
            fail_msg("%s: %zu bytes are kept", rows[i].what, held->raw_len);
        if ((strstr(held->why.text, "the first 65536 bytes are kept") != NULL) !=
            (rows[i].kept < rows[i].size))
            fail_msg("%s: %s", rows[i].what, held->why.text);
        sha256_hex(body, rows[i].size, sha256);
        if (rows[i].is_ingest) { /* which run waits for it, and which batch it is, is told all the same */
            assert_string_equal(held->run, "r1");
            assert_int_equal(held->ingest.batch, 2);
            assert_string_equal(held->sha256, sha256);
        } else {
            assert_int_equal(held->counted, 7);
        }
        held_free(held);
        free(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keeps_the_beginning_of_what_is_too_large) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

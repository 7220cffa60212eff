#include "harness/check.h"

#include <string.h>

#include "crypto/sha256.h"

/* FIPS 180-4's examples, and the empty message. */
static void gives_known_answers(void **state)
{
    static const struct {
        const char *what, *message, *want;
    } rows[] = {
        { "nothing", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char hex[SHA256_HEX], piecewise[SHA256_HEX];
        struct sha256 sha;

        sha256_hex(rows[i].message, strlen(rows[i].message), hex);
        sha256_init(&sha);
        for (const char *at = rows[i].message; *at != '\0'; at++)
            sha256_add(&sha, at, 1);
        sha256_add(&sha, NULL, 0);
        sha256_end_hex(&sha, piecewise);
        if (strcmp(hex, rows[i].want) != 0 || strcmp(piecewise, rows[i].want) != 0)
            fail_msg("%s: at once %s, piece by piece %s", rows[i].what, hex, piecewise);
    }
}

static void takes_only_hex_of_a_hash(void **state)
{
    static const struct {
        const char *what, *text;
        bool want;
    } rows[] = {
        { "none", NULL, false },
        { "empty", "", false },
        { "a hash", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", true },
        { "upper case", "E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false },
        { "a digit short", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85", false },
        { "a digit more", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550", false },
        { "another letter", "g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false },
    };
    unsigned char back[SHA256_BYTES], straight[SHA256_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (sha256_is_hex(rows[i].text) != rows[i].want)
            fail_msg("%s: taken %d", rows[i].what, !rows[i].want);
    sha256("", 0, straight);
    assert_true(sha256_from_hex(rows[2].text, back));
    assert_memory_equal(back, straight, SHA256_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_known_answers),
        cmocka_unit_test(takes_only_hex_of_a_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/ec_key.h"
#include "harness/keys.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct ec_key *key_of(const char *pem)
{
    struct err err = ERR_INIT;
    struct ec_key *key = NULL;

    if (ec_key_read(pem, strlen(pem), &key, &err) != 0)
        fail_msg("%s", err.text);
    return key;
}

static void reads_every_form(void **state)
{
    static const char params[] =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    static const struct {
        const char *what, *before, *pem;
    } rows[] = {
        { "PKCS#8", "", key_rfc_pkcs8 },
        { "SEC1", "", key_rfc_sec1 },
        { "SEC1 behind its parameters", params, key_rfc_sec1 },
        { "blanks before it", "\r\n \t\n", key_rfc_sec1 },
        { "no public key in it", "", key_no_public },
        { "the public key compressed", "", key_compressed },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct secret *pem = NULL;
        struct err err = ERR_INIT;
        struct ec_key *key = NULL;
        struct buf text, public;

        buf_init(&text, 2048);
        buf_init(&public, 2048);
        buf_addf(&text, "%s%s", rows[i].before, rows[i].pem);
        if (ec_key_read(text.data, text.len, &key, &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        assert_int_equal(ec_key_print(key, &pem, &err), 0);
        if (strcmp(secret_text(pem), key_rfc_pkcs8) != 0)
            fail_msg("%s: it is another key", rows[i].what);
        ec_public_print(&public, ec_key_public(key));
        assert_string_equal(public.data, key_rfc_public);
        secret_free(pem);
        ec_key_free(key);
        buf_release(&text);
        buf_release(&public);
    }
}

static void takes_windows_line_ends(void **state)
{
    struct err err = ERR_INIT;
    struct ec_key *key = NULL;
    struct buf text;

    (void)state;
    buf_init(&text, 2048);
    for (const char *at = key_rfc_pkcs8; *at != '\0'; at++) {
        if (*at == '\n')
            buf_add_char(&text, '\r');
        buf_add_char(&text, *at);
    }
    assert_int_equal(ec_key_read(text.data, text.len, &key, &err), 0);
    ec_key_free(key);
    buf_release(&text);
}

static void refuses_and_says_why(void **state)
{
    static const struct {
        const char *what, *pem, *more, *want;
    } rows[] = {
        { "nothing", "", "", "the text is empty" },
        { "words", "hunter2", "", "does not begin with the block of one" },
        { "a public key", key_rfc_public, "", "does not begin with the block of one" },
        { "words before it", "hunter2\n", key_rfc_sec1, "does not begin with the block of one" },
        { "words behind it", key_rfc_sec1, "hunter2", "something follows the block" },
        { "two keys", key_rfc_sec1, key_rfc_pkcs8, "something follows the block" },
        { "half a block", "-----BEGIN PRIVATE KEY-----\nMIGH\n", "", "the block is not whole" },
        { "another end", "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END EC PRIVATE KEY-----\n", "",
          "the block is not whole" },
        { "no base64", "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n", "",
          "no base64" },
        { "an empty block", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "", "not the form" },
        { "RSA in PKCS#8", key_rsa_pkcs8, "", "it is a key of another kind" },
        { "RSA in PKCS#1", key_rsa_pkcs1, "", "does not begin with the block of one" },
        { "Ed25519", key_ed25519, "", "it is a key of another kind" },
        { "P-384 in PKCS#8", key_p384_pkcs8, "", "it is on another curve" },
        { "P-384 in SEC1", key_p384_sec1, "", "it is on another curve" },
        { "a curve of its own", key_explicit_curve, "", "it is on another curve" },
        { "no curve", key_no_curve, "", "does not say on which curve" },
        { "31 bytes", key_short_number, "", "not 32 bytes" },
        { "PKCS#8 in the label of SEC1",
          "-----BEGIN EC PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n"
          "-----END EC PRIVATE KEY-----\n",
          "", "not the form" },
        { "a byte behind", key_trailing, "", "not the form" },
        { "the number 0", key_zero, "", "its number is out of range" },
        { "the order", key_order, "", "its number is out of range" },
        { "another's public key", key_others_public, "", "the public key beside it is another's" },
        { "encrypted PKCS#8", key_encrypted_pkcs8, "", "the key is encrypted; give it decrypted" },
        { "encrypted SEC1", key_encrypted_sec1, "", "the key is encrypted; give it decrypted" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct ec_key *key = NULL;
        struct buf text;

        buf_init(&text, 8192);
        buf_addf(&text, "%s%s", rows[i].pem, rows[i].more);
        if (ec_key_read(text.data, text.len, &key, &err) != -1 || key != NULL)
            fail_msg("%s: it was taken", rows[i].what);
        if (err.code != ERR_KEY || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: the input is in the message", rows[i].what);
        buf_release(&text);
    }
}

/* Each shorter text of a key, and each with one character changed, is refused or is the same key. */
static void survives_damage(void **state)
{
    size_t len = strlen(key_rfc_pkcs8);
    char *text = malloc(len); /* exactly as long: a sanitizer sees what is read behind it */

    (void)state;
    assert_non_null(text);
    for (size_t cut = 0; cut < len; cut++) {
        struct err err = ERR_INIT;
        struct ec_key *key = NULL;

        memcpy(text, key_rfc_pkcs8, len);
        if (ec_key_read(text, cut, &key, &err) == 0 && cut < len - 1) /* the last is a line end */
            fail_msg("%zu bytes of it are taken", cut);
        ec_key_free(key);
        key = NULL;
        text[cut] ^= 1;
        (void)!ec_key_read(text, len, &key, &err);
        ec_key_free(key);
    }
    free(text);
}

static void refuses_public_keys(void **state)
{
    static const struct {
        const char *what, *pem, *want;
    } rows[] = {
        { "a private one", key_rfc_pkcs8, "does not begin with the block of one" },
        { "compressed", key_compressed_public, "or its point is compressed" },
        { "off the curve", key_off_curve, "its point is not on the curve" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct ec_public public;

        if (ec_public_read(rows[i].pem, strlen(rows[i].pem), &public, &err) != -1 || err.code != ERR_KEY ||
            strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

static void signs_what_the_public_half_accepts(void **state)
{
    struct ec_key *key = key_of(key_rfc_pkcs8), *other = NULL;
    struct err err = ERR_INIT;
    struct ec_public public;

    (void)state;
    assert_int_equal(ec_key_new(&other, &err), 0);
    assert_int_equal(ec_public_read(key_rfc_public, strlen(key_rfc_public), &public, &err), 0);
    assert_memory_equal(&public, ec_key_public(key), sizeof(public));
    /* Often enough that r or s begins with a zero byte now and then: one in 128. */
    for (int i = 0; i < 400; i++) {
        unsigned char signature[EC_SIGNATURE_BYTES];

        assert_int_equal(ec_key_sign(key, "message", 7, signature, &err), 0);
        assert_true(ec_public_accepts(&public, "message", 7, signature));
        if (i > 0)
            continue;
        assert_false(ec_public_accepts(&public, "Message", 7, signature));
        assert_false(ec_public_accepts(&public, "message", 6, signature));
        assert_false(ec_public_accepts(ec_key_public(other), "message", 7, signature));
        signature[63] ^= 1;
        assert_false(ec_public_accepts(&public, "message", 7, signature));
    }
    ec_key_free(key);
    ec_key_free(other);
}

static void refuses_signatures_out_of_range(void **state)
{
    unsigned char signature[EC_SIGNATURE_BYTES] = { 0 };
    struct ec_key *key = key_of(key_rfc_pkcs8);

    (void)state;
    assert_false(ec_public_accepts(ec_key_public(key), "message", 7, signature)); /* CVE-2022-21449 */
    memset(signature, 0xff, sizeof(signature));
    assert_false(ec_public_accepts(ec_key_public(key), "message", 7, signature));
    ec_key_free(key);
}

static void makes_new_keys(void **state)
{
    struct secret *one_pem = NULL, *two_pem = NULL;
    struct ec_key *one = NULL, *two = NULL, *again;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(ec_key_new(&one, &err), 0);
    assert_int_equal(ec_key_new(&two, &err), 0);
    assert_int_equal(ec_key_print(one, &one_pem, &err), 0);
    assert_int_equal(ec_key_print(two, &two_pem, &err), 0);
    assert_string_not_equal(secret_text(one_pem), secret_text(two_pem));
    again = key_of(secret_text(one_pem));
    assert_memory_equal(ec_key_public(one), ec_key_public(again), sizeof(struct ec_public));
    secret_free(one_pem);
    secret_free(two_pem);
    ec_key_free(one);
    ec_key_free(two);
    ec_key_free(again);
    ec_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form),
        cmocka_unit_test(takes_windows_line_ends),
        cmocka_unit_test(refuses_and_says_why),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(refuses_public_keys),
        cmocka_unit_test(signs_what_the_public_half_accepts),
        cmocka_unit_test(refuses_signatures_out_of_range),
        cmocka_unit_test(makes_new_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

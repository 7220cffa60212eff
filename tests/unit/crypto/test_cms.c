#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "crypto/cms.h"
#include "harness/keys.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TOKEN                                                                                                \
    "{\"consumer_key\":\"CK_"                                                                                \
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000\","                     \
    "\"consumer_secret\":\"CS_test\",\"access_token\":\"AT_test\",\"access_secret\":\"AS_test\","            \
    "\"access_token_expiry\":\"2027-11-24T08:17:00Z\"}"

static struct secret *key;

static int copy_key(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    return secret_copy(key_rsa, strlen(key_rsa), &key, &err);
}

static int drop_key(void **state)
{
    (void)state;
    secret_free(key);
    return 0;
}

/* A file of the corpus, which openssl cms made (tests/e2e/test_openssl.sh makes others of the kind each
 * time). */
static void read_file(const char *name, struct buf *out)
{
    struct err err = ERR_INIT;
    char path[512];

    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/cms/%s", TEST_TOP, name);
    buf_init(out, 1 << 20);
    if (fsio_read(path, out, &err) != 0)
        fail_msg("%s", err.text);
}

static void opens_every_form(void **state)
{
    static const struct {
        const char *file;
        bool has_certificate;
        const char *want;
    } rows[] = {
        { "smime", true, TOKEN },  /* headers, base64 of BER with indefinite lengths: Apple's form */
        { "crlf", true, TOKEN },   /* with the line ends of mail */
        { "folded", true, TOKEN }, /* with a header on two lines */
        { "ber", true, TOKEN },    /* the bytes themselves */
        { "der", true, TOKEN },    /* with definite lengths */
        { "pem", true, TOKEN },    /* -----BEGIN CMS----- */
        { "base64", true, TOKEN }, /* without headers */
        { "des3", true, TOKEN },   /* an older cipher */
        { "keyid", true, TOKEN },  /* which does not name the certificate: any of the key will do */
        { "two", true, TOKEN },    /* made for another certificate too */
        { "bare", true, "{\"consumer_key\":\"CK_bare\"}" }, /* JSON and nothing around it, AES-256 */
        { "smime", false, TOKEN },
        { "other", false, TOKEN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct secret *json = NULL;
        struct err err = ERR_INIT;
        struct buf file;

        read_file(rows[i].file, &file);
        if (cms_open_server_token(file.data, file.len, key,
                                  rows[i].has_certificate ? key_rsa_certificate : NULL, &json, &err) != 0)
            fail_msg("%s: %s", rows[i].file, err.text);
        if (strcmp(secret_text(json), rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].file, secret_text(json));
        secret_free(json);
        buf_release(&file);
    }
}

static void refuses_and_says_why(void **state)
{
    static const struct {
        const char *file;
        bool has_certificate;
        const char *want;
    } rows[] = {
        { "other", true, "was made for another certificate (serial number " },
        { "signed", true, "holds nothing that is encrypted for a certificate" },
        { "password", true, "was made for another certificate (serial number unknown)" },
        { "password", false, "this key does not decrypt it" },
        { "damaged", true, "this key does not decrypt it, or it was damaged" },
        { "damaged_key", true,
          "no server token (.p7m): " } /* libcrypto 3.2 gives another key, earlier ones none */,
        { "nothing", true, "there is nothing in it" },
        { "nojson", true, "what is in it is no JSON object" },
        { "badjson", true, "what is in it is no JSON object" },
        { "noend", true, "has a BEGIN MESSAGE without its END" },
        { "cut", true, "has not the form of a CMS message" },
        { "trailing", true, "has not the form of a CMS message" },
        { "nested", true, "has not the form of a CMS message" },
        { "nested_strings", true, "has not the form of a CMS message" },
        { "long_length", true, "has not the form of a CMS message" },
        { "text", true, "it is neither DER nor base64" },
        { "headers_alone", true, "it is neither DER nor base64" },
        { "headers_unended", true, "it is neither DER nor base64" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct secret *json = NULL;
        struct err err = ERR_INIT;
        struct buf file;

        read_file(rows[i].file, &file);
        if (cms_open_server_token(file.data, file.len, key,
                                  rows[i].has_certificate ? key_rsa_certificate : NULL, &json, &err) != -1 ||
            json != NULL)
            fail_msg("%s: it was opened", rows[i].file);
        if (err.code != ERR_P7M || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].file, err_wire(err.code), err.text);
        if (strstr(err.text, "CS_test") != NULL || strstr(err.text, "hello") != NULL)
            fail_msg("%s: what is in it is in the message", rows[i].file);
        buf_release(&file);
    }
}

static void refuses_keys_and_sizes(void **state)
{
    static const struct {
        const char *what, *pem, *certificate;
        size_t len; /* of the file, of zeros */
        enum err_code code;
        const char *want;
    } rows[] = {
        { "the other form of the key", key_rsa_2048_pkcs1, key_rsa_certificate, 0, ERR_P7M,
          "the file is empty" },
        { "a file too large", key_rsa, key_rsa_certificate, P7M_MAX_BYTES + 1, ERR_P7M,
          "more than 65536 bytes" },
        { "a file of zeros", key_rsa, NULL, P7M_MAX_BYTES, ERR_P7M, "neither DER nor base64" },
        { "a small key", key_rsa_pkcs8, NULL, 1, ERR_KEY,
          "RSA private key of 2048 to 8192 bits: it has 512" },
        { "a key of a curve", key_rfc_pkcs8, NULL, 1, ERR_KEY, "it is a key of another kind" },
        { "a key in SEC1", key_rfc_sec1, NULL, 1, ERR_KEY, "does not begin with the block of one" },
        { "an encrypted key", key_encrypted_pkcs8, NULL, 1, ERR_KEY, "the key is encrypted" },
        { "no key", "hunter2", NULL, 1, ERR_KEY, "does not begin with the block of one" },
        { "another's certificate", key_rsa, key_rsa_other_certificate, 1, ERR_KEY, "is that of another key" },
        { "a key for a certificate", key_rsa, key_rsa, 1, ERR_KEY,
          "no certificate: the text does not begin" },
        { "no certificate", key_rsa, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 1,
          ERR_KEY, "no certificate: the block has not the form of one" },
    };
    char *zeros = calloc(1, P7M_MAX_BYTES + 1);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct secret *pem = NULL, *json = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(secret_copy(rows[i].pem, strlen(rows[i].pem), &pem, &err), 0);
        if (cms_open_server_token(zeros, rows[i].len, pem, rows[i].certificate, &json, &err) != -1 ||
            err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL ||
            strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        secret_free(pem);
    }
    free(zeros);
}

/* Each shorter file is refused, as a sanitizer sees it: exactly as long as it is. */
static void survives_cuts(void **state)
{
    struct buf file;

    (void)state;
    read_file("ber", &file);
    for (size_t len = 0; len < file.len; len += 7) {
        struct secret *json = NULL;
        struct err err = ERR_INIT;
        char *cut = malloc(len > 0 ? len : 1);

        memcpy(cut, file.data, len);
        if (cms_open_server_token(cut, len, key, key_rsa_certificate, &json, &err) != -1 ||
            err.code != ERR_P7M)
            fail_msg("%zu bytes of it: %s: %s", len, err_wire(err.code), err.text);
        free(cut);
    }
    buf_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_every_form),
        cmocka_unit_test(refuses_and_says_why),
        cmocka_unit_test(refuses_keys_and_sizes),
        cmocka_unit_test(survives_cuts),
    };

    return cmocka_run_group_tests(tests, copy_key, drop_key);
}

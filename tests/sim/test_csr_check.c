/* Requests made by libcrypto, good ones and such as are wrong in one point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "csr_check.h"

#define CSR_BYTES 16384

static EVP_PKEY *rsa, *ec, *other;

static int make_keys(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    other = EVP_EC_gen("P-256");
    return rsa && ec && other ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(other);
    return 0;
}

/* A request that names key and is signed by signer. */
static X509_REQ *make(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *digest)
{
    X509_REQ *request = X509_REQ_new();

    assert_non_null(request);
    assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC,
                                                (const unsigned char *)"unit", -1, -1, 0),
                     1);
    assert_true(X509_REQ_sign(request, signer, digest) > 0);
    return request;
}

/* The PEM of it, freed, into text[CSR_BYTES]. */
static void print(X509_REQ *request, char *text)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int len;

    assert_int_equal(PEM_write_bio_X509_REQ(bio, request), 1);
    len = BIO_read(bio, text, CSR_BYTES - 1);
    assert_in_range(len, 1, CSR_BYTES - 1);
    text[len] = '\0';
    BIO_free(bio);
    X509_REQ_free(request);
}

static void good_ones_tell_their_key(void **state)
{
    const struct {
        const char *what;
        EVP_PKEY *key;
        const EVP_MD *digest;
    } rows[] = {
        { "RSA", rsa, EVP_sha256() },
        { "P-256", ec, EVP_sha256() },
        { "RSA and SHA-512", rsa, EVP_sha512() },
        { "P-256 and SHA-384", other, EVP_sha384() },
    };
    char text[CSR_BYTES], keys[4][SHA256_HEX], why[CSR_WHY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print(make(rows[i].key, rows[i].key, rows[i].digest), text);
        if (!csr_check(text, strlen(text), keys[i], why))
            fail_msg("%s: %s", rows[i].what, why);
        assert_true(sha256_is_hex(keys[i]));
    }
    assert_string_equal(keys[0], keys[2]);
    assert_string_not_equal(keys[1], keys[3]);
}

static void wrong_keys_and_signatures_are_refused(void **state)
{
    EVP_PKEY *small = EVP_RSA_gen(1024), *large = EVP_EC_gen("P-384");
    const struct {
        const char *what;
        EVP_PKEY *key, *signer;
        const EVP_MD *digest;
        const char *want;
    } rows[] = {
        { "1024 bits", small, small, EVP_sha256(), "1024 bits" },
        { "P-384", large, large, EVP_sha256(), "P-256" },
        { "another signer", ec, other, EVP_sha256(), "its own key" },
        { "SHA-1", rsa, rsa, EVP_sha1(), "SHA1" },
    };
    char text[CSR_BYTES], key[SHA256_HEX], why[CSR_WHY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print(make(rows[i].key, rows[i].signer, rows[i].digest), text);
        if (csr_check(text, strlen(text), key, why) || !strstr(why, rows[i].want))
            fail_msg("%s: %s", rows[i].what, why);
    }
    EVP_PKEY_free(small);
    EVP_PKEY_free(large);
}

static void other_texts_are_refused(void **state)
{
    static const char encrypted[] = "-----BEGIN CERTIFICATE REQUEST-----\nProc-Type: 4,ENCRYPTED\n"
                                    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
                                    "-----END CERTIFICATE REQUEST-----\n";
    char text[CSR_BYTES], key[SHA256_HEX], why[CSR_WHY_MAX], spoilt[CSR_BYTES + 8];
    const struct {
        const char *what, *text, *want;
    } rows[] = {
        { "nothing", "", "begin" },
        { "words", "please", "begin" },
        { "the head alone", "-----BEGIN CERTIFICATE REQUEST-----\n", "PKCS#10" },
        { "a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "begin" },
        { "a password", encrypted, "PKCS#10" },
        { "more behind it", spoilt, "behind" },
    };

    (void)state;
    print(make(ec, ec, EVP_sha256()), text);
    snprintf(spoilt, sizeof(spoilt), "%sx", text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (csr_check(rows[i].text, strlen(rows[i].text), key, why) || !strstr(why, rows[i].want))
            fail_msg("%s: %s", rows[i].what, why);
    }
    assert_false(csr_check(text, CSR_MAX_BYTES + 1, key, why));
    assert_non_null(strstr(why, "larger"));
}

/* Any one byte of the request changed: its signature holds no longer, or it is none. */
static void altered_ones_are_refused(void **state)
{
    char text[CSR_BYTES], key[SHA256_HEX], why[CSR_WHY_MAX];
    X509_REQ *request = make(ec, ec, EVP_sha256());
    const unsigned char *at;
    unsigned char *der = NULL;
    int len = i2d_X509_REQ(request, &der);

    (void)state;
    X509_REQ_free(request);
    for (int i = 0; i < len; i++) {
        der[i] ^= 0x01;
        at = der;
        request = d2i_X509_REQ(NULL, &at, len);
        der[i] ^= 0x01;
        if (!request)
            continue;
        print(request, text);
        if (csr_check(text, strlen(text), key, why))
            fail_msg("byte %d of %d may be changed", i, len);
    }
    OPENSSL_free(der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_tell_their_key),
        cmocka_unit_test(wrong_keys_and_signatures_are_refused),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(altered_ones_are_refused),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}

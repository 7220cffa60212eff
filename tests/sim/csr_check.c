#include "csr_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192

/* libcrypto would ask for a password on the terminal where the PEM says that it has one. */
static int no_password(char *text, int size, int is_write, void *user)
{
    (void)text, (void)size, (void)is_write, (void)user;
    return -1;
}

static X509_REQ *read_pem(const char *pem, size_t len, char *why)
{
    static const char begin[] = "-----BEGIN CERTIFICATE REQUEST-----";
    BIO *bio = len <= CSR_MAX_BYTES ? BIO_new_mem_buf(pem, (int)len) : NULL;
    X509_REQ *request = NULL;
    char *rest = NULL;

    if (!bio) {
        snprintf(why, CSR_WHY_MAX, "it is larger than %d bytes", CSR_MAX_BYTES);
        return NULL;
    }
    if (len < strlen(begin) || strncmp(pem, begin, strlen(begin)) != 0)
        snprintf(why, CSR_WHY_MAX, "it does not begin with '%s'", begin);
    else
        request = PEM_read_bio_X509_REQ(bio, NULL, no_password, NULL);
    if (request) {
        long left = BIO_get_mem_data(bio, &rest);

        if (left > 0 && strspn(rest, " \r\n") != (size_t)left) {
            snprintf(why, CSR_WHY_MAX, "there is something behind the request");
            X509_REQ_free(request);
            request = NULL;
        }
    } else if (*why == '\0') {
        snprintf(why, CSR_WHY_MAX, "it is no PKCS#10 request in PEM");
    }
    BIO_free(bio);
    return request;
}

static bool is_good_key(EVP_PKEY *key, char *why)
{
    char group[32] = "";
    size_t len;

    if (EVP_PKEY_is_a(key, "RSA")) {
        int bits = EVP_PKEY_get_bits(key);

        if (bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS)
            return true;
        snprintf(why, CSR_WHY_MAX, "its RSA key has %d bits, not %d to %d", bits, RSA_MIN_BITS, RSA_MAX_BITS);
        return false;
    }
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
        strcmp(group, "prime256v1") == 0)
        return true;
    snprintf(why, CSR_WHY_MAX, "its key is neither RSA nor of P-256");
    return false;
}

static bool is_signed(X509_REQ *request, EVP_PKEY *key, char *why)
{
    int digest = NID_undef;

    OBJ_find_sigid_algs(X509_REQ_get_signature_nid(request), &digest, NULL);
    if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
        snprintf(why, CSR_WHY_MAX, "it is signed with %s, not with SHA-256, 384 or 512",
                 digest == NID_undef ? "an unknown digest" : OBJ_nid2sn(digest));
    else if (X509_REQ_verify(request, key) != 1)
        snprintf(why, CSR_WHY_MAX, "its signature is not by its own key");
    else
        return true;
    return false;
}

static bool hash_key(EVP_PKEY *key, char *key_sha256, char *why)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);

    if (len <= 0) {
        snprintf(why, CSR_WHY_MAX, "its key cannot be written as DER");
        return false;
    }
    sha256_hex(der, (size_t)len, key_sha256);
    OPENSSL_free(der);
    return true;
}

bool csr_check(const char *pem, size_t len, char key_sha256_r[SHA256_HEX], char why_r[CSR_WHY_MAX])
{
    X509_REQ *request;
    EVP_PKEY *key = NULL;
    bool is_good = false;

    *why_r = '\0';
    ERR_clear_error();
    request = read_pem(pem, len, why_r);
    if (request) {
        key = X509_REQ_get0_pubkey(request);
        if (!key)
            snprintf(why_r, CSR_WHY_MAX, "it has no key that can be read");
        is_good = key && is_good_key(key, why_r) && is_signed(request, key, why_r) &&
                  hash_key(key, key_sha256_r, why_r);
    }
    X509_REQ_free(request);
    ERR_clear_error();
    return is_good;
}

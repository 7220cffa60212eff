#include "crypto/rsa_key.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include "base/str.h"
#include "crypto/pem.h"
#include "crypto/rsa_load.h"

#define NEW_MAX_BITS 4096 /* more takes minutes to make */
#define DAYS_MAX     3650
#define FROM_MAX_MS  INT64_C(253000000000000) /* and DAYS_MAX behind it: before the year 10000 */
#define SERIAL_BYTES 16

static int no_memory(struct err *err)
{
    ERR_clear_error();
    return err_set(err, ERR_NOMEM, 0, "no memory for a key or what it signs");
}

int rsa_key_new(unsigned bits, struct secret **pem_r, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem()); /* wipes what it held */
    EVP_PKEY *key = NULL;
    char *text = NULL;
    long len = 0;
    int rc = -1;

    if (bits < RSA_KEY_MIN_BITS || bits > NEW_MAX_BITS) {
        err_set(err, ERR_KEY, 0, "an RSA key of %u bits: it is made with %d to %d", bits, RSA_KEY_MIN_BITS,
                NEW_MAX_BITS);
    } else {
        key = EVP_RSA_gen(bits);
        if (bio != NULL && key != NULL &&
            PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
            len = BIO_get_mem_data(bio, &text);
        rc = len > 0 ? secret_copy(text, (size_t)len, pem_r, err) : no_memory(err);
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    return rc;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name), characters = 0, step;
    uint32_t point;

    if (!str_is_utf8(name, len) || str_has_control(name))
        return false;
    for (const char *at = name; at < name + len; at += step, characters++) {
        step = str_utf8_next(at, (size_t)(name + len - at), &point);
        if (step == 0)
            return false;
    }
    return characters >= 1 && characters <= SUBJECT_MAX_CHARACTERS;
}

static int check_subject(const struct subject *subject, struct err *err)
{
    if (!is_name(subject->common_name))
        return err_set(err, ERR_CSR, 0, "a common name has 1 to %d characters, none a control character",
                       SUBJECT_MAX_CHARACTERS);
    if (subject->organization != NULL && !is_name(subject->organization))
        return err_set(err, ERR_CSR, 0,
                       "an organization's name has 1 to %d characters, none a control character",
                       SUBJECT_MAX_CHARACTERS);
    return 0;
}

static bool put_entry(X509_NAME *name, const char *field, const char *text)
{
    return text == NULL || X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)text,
                                                      -1, -1, 0) == 1;
}

/* NULL without memory. */
static X509_NAME *make_name(const struct subject *subject)
{
    X509_NAME *name = X509_NAME_new();

    if (name != NULL && put_entry(name, "O", subject->organization) &&
        put_entry(name, "CN", subject->common_name))
        return name;
    X509_NAME_free(name);
    return NULL;
}

/* Prints the DER of a request or certificate. */
static int print_der(const ASN1_ITEM *item, const void *thing, const char *label, struct buf *out,
                     struct err *err)
{
    size_t before = out->len;
    unsigned char *der = NULL;
    int len = ASN1_item_i2d(thing, &der, item);

    if (len <= 0)
        return no_memory(err);
    pem_print(out, label, der, (size_t)len);
    OPENSSL_free(der);
    if (out->is_failed)
        buf_truncate(out, before);
    return buf_check(out, label, err);
}

static int fail_own_key(struct err *err)
{
    ERR_clear_error();
    return err_set(err, ERR_KEY, 0, "no RSA private key: what it signs its own public half does not accept");
}

int csr_new(const struct secret *pem, const struct subject *subject, struct buf *out, struct err *err)
{
    X509_REQ *request = NULL;
    X509_NAME *name = NULL;
    EVP_PKEY *key = NULL;
    int rc = -1;

    if (check_subject(subject, err) != 0)
        goto out;
    key = rsa_load(pem, err);
    if (key == NULL)
        goto out;
    name = make_name(subject);
    request = X509_REQ_new();
    if (name == NULL || request == NULL || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_subject_name(request, name) != 1 || X509_REQ_set_pubkey(request, key) != 1)
        rc = no_memory(err);
    else if (X509_REQ_sign(request, key, EVP_sha256()) <= 0 || X509_REQ_verify(request, key) != 1)
        rc = fail_own_key(err);
    else
        rc = print_der(ASN1_ITEM_rptr(X509_REQ), request, "CERTIFICATE REQUEST", out, err);
out:
    X509_REQ_free(request);
    X509_NAME_free(name);
    EVP_PKEY_free(key);
    return rc;
}

/* A positive number that nobody else has. */
static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    ASN1_INTEGER *serial;
    BIGNUM *number;
    bool is_set;

    randombytes_buf(bytes, sizeof(bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    serial = number != NULL ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    is_set = serial != NULL && X509_set_serialNumber(certificate, serial) == 1;
    ASN1_INTEGER_free(serial);
    BN_free(number);
    return is_set;
}

static bool set_times(X509 *certificate, int64_t from_ms, unsigned days)
{
    time_t from = (time_t)(from_ms / 1000);
    ASN1_TIME *before = ASN1_TIME_adj(NULL, from, 0, 0), *after = ASN1_TIME_adj(NULL, from, (int)days, 0);
    bool is_set = before != NULL && after != NULL && X509_set1_notBefore(certificate, before) == 1 &&
                  X509_set1_notAfter(certificate, after) == 1;

    ASN1_TIME_free(before);
    ASN1_TIME_free(after);
    return is_set;
}

static bool set_extensions(X509 *certificate)
{
    static const struct {
        int nid;
        const char *value;
    } rows[] = {
        { NID_basic_constraints, "critical,CA:FALSE" },
        { NID_key_usage, "critical,digitalSignature,keyEncipherment" },
        { NID_subject_key_identifier, "hash" },
    };
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, rows[i].nid, rows[i].value);
        bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

        X509_EXTENSION_free(extension);
        if (!is_added)
            return false;
    }
    return true;
}

int certificate_new(const struct secret *pem, const struct subject *subject, int64_t from_ms, unsigned days,
                    struct buf *out, struct err *err)
{
    X509 *certificate = NULL;
    X509_NAME *name = NULL;
    EVP_PKEY *key = NULL;
    int rc = -1;

    if (sodium_init() < 0)
        return err_set(err, ERR_BUG, 0, "libsodium does not start");
    if (days < 1 || days > DAYS_MAX || from_ms < 0 || from_ms > FROM_MAX_MS)
        return err_set(err, ERR_CSR, 0, "a certificate for %u days: 1 to %d, from 1970 on", days, DAYS_MAX);
    if (check_subject(subject, err) != 0)
        goto out;
    key = rsa_load(pem, err);
    if (key == NULL)
        goto out;
    name = make_name(subject);
    certificate = X509_new();
    if (name == NULL || certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        !set_serial(certificate) || !set_times(certificate, from_ms, days) ||
        X509_set_subject_name(certificate, name) != 1 || X509_set_issuer_name(certificate, name) != 1 ||
        X509_set_pubkey(certificate, key) != 1 || !set_extensions(certificate))
        rc = no_memory(err);
    else if (X509_sign(certificate, key, EVP_sha256()) <= 0 || X509_verify(certificate, key) != 1)
        rc = fail_own_key(err);
    else
        rc = print_der(ASN1_ITEM_rptr(X509), certificate, "CERTIFICATE", out, err);
out:
    X509_free(certificate);
    X509_NAME_free(name);
    EVP_PKEY_free(key);
    return rc;
}

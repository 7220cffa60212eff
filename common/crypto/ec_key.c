#include "crypto/ec_key.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "crypto/der.h"
#include "crypto/p256.h"
#include "crypto/pem.h"

struct ec_key {
    struct secret *scalar; /* EC_SCALAR_BYTES, the highest first */
    struct ec_public public;
};

static const unsigned char oid_ec_public_key[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const unsigned char oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const unsigned char version_0[] = { 0 }, version_1[] = { 1 };

/* PKCS#8 around SEC1 with the public key in it: what "openssl genpkey" writes. */
static const unsigned char pkcs8_prefix[] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06,
                                              0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                              0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
                                              0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const unsigned char pkcs8_middle[] = { 0xa1, 0x44, 0x03, 0x42, 0x00 };
static const unsigned char public_prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                               0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                               0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

#define PRIVATE_WHAT    "P-256 private key"
#define PUBLIC_WHAT     "P-256 public key"
#define PRIVATE_PEM_MAX 512
#define DER_MAX         (sizeof(pkcs8_prefix) + EC_SCALAR_BYTES + sizeof(pkcs8_middle) + EC_POINT_BYTES)

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, 0, "no memory for a key");
}

/* 0 and the key; -1 without memory; 1 where the number is out of range. */
static int make(const unsigned char *scalar, struct ec_key **key_r, struct err *err)
{
    struct ec_key *key = calloc(1, sizeof(*key));
    int is_in_range;

    if (key == NULL)
        return no_memory(err);
    is_in_range = p256_public_of(scalar, key->public.point);
    if (is_in_range == 1 && secret_copy(scalar, EC_SCALAR_BYTES, &key->scalar, err) == 0) {
        *key_r = key;
        return 0;
    }
    free(key);
    return is_in_range == 1 ? -1 : is_in_range == 0 ? 1 : no_memory(err);
}

/* What the three optional places of a private key hold. */
struct found {
    struct der scalar, stated;
    bool has_curve, has_stated;
};

/* ECPrivateKey ::= SEQUENCE { 1, OCTET STRING, [0] curve OPTIONAL, [1] public key OPTIONAL } */
static const char *read_sec1(struct der der, struct found *found)
{
    struct der sequence, wrapped;

    if (!der_take(&der, DER_SEQUENCE, &sequence) || der.len > 0 ||
        !der_expect(&sequence, DER_INTEGER, version_1, sizeof(version_1)) ||
        !der_take(&sequence, DER_OCTET_STRING, &found->scalar))
        return "the block has not the form of one";
    if (der_take(&sequence, DER_CONTEXT_0, &wrapped)) {
        if (!der_expect(&wrapped, DER_OID, oid_p256, sizeof(oid_p256)) || wrapped.len > 0)
            return "it is on another curve";
        found->has_curve = true;
    }
    if (der_take(&sequence, DER_CONTEXT_1, &wrapped)) {
        if (!der_take(&wrapped, DER_BIT_STRING, &found->stated) || wrapped.len > 0)
            return "the block has not the form of one";
        found->has_stated = true;
    }
    if (sequence.len > 0)
        return "the block has not the form of one";
    if (!found->has_curve)
        return "it does not say on which curve it is";
    if (found->scalar.len != EC_SCALAR_BYTES)
        return "its number has not 32 bytes";
    return NULL;
}

/* PrivateKeyInfo ::= SEQUENCE { 0 or 1, SEQUENCE { ecPublicKey, curve }, OCTET STRING, [0] attributes
 * OPTIONAL, [1] public key OPTIONAL } */
static const char *read_pkcs8(struct der der, struct found *found)
{
    struct der sequence, algorithm, inner;

    if (!der_take(&der, DER_SEQUENCE, &sequence) || der.len > 0 ||
        (!der_expect(&sequence, DER_INTEGER, version_0, sizeof(version_0)) &&
         !der_expect(&sequence, DER_INTEGER, version_1, sizeof(version_1))) ||
        !der_take(&sequence, DER_SEQUENCE, &algorithm))
        return "the block has not the form of one";
    if (!der_expect(&algorithm, DER_OID, oid_ec_public_key, sizeof(oid_ec_public_key)))
        return "it is a key of another kind";
    if (!der_expect(&algorithm, DER_OID, oid_p256, sizeof(oid_p256)) || algorithm.len > 0)
        return "it is on another curve";
    if (!der_take(&sequence, DER_OCTET_STRING, &inner))
        return "the block has not the form of one";
    found->has_curve = true;
    return read_sec1(inner, found);
}

/* The public key that a private one states may be left out, whole, or compressed to x and the parity of y. */
static bool is_public_of(const struct ec_key *key, const struct found *found)
{
    const unsigned char *stated = found->stated.at, *own = key->public.point;
    size_t len = found->stated.len;

    if (!found->has_stated)
        return true;
    if (len < 2 || stated[0] != 0) /* unused bits of the BIT STRING */
        return false;
    if (len == 1 + EC_POINT_BYTES)
        return memcmp(stated + 1, own, EC_POINT_BYTES) == 0;
    return len == 2 + EC_SCALAR_BYTES && stated[1] == 2 + (own[EC_POINT_BYTES - 1] & 1) &&
           memcmp(stated + 2, own + 1, EC_SCALAR_BYTES) == 0;
}

/* A key, once what the block holds has its form. */
static int make_found(const struct found *found, struct ec_key **key_r, struct err *err)
{
    struct ec_key *key = NULL;
    int rc = make(found->scalar.at, &key, err);

    if (rc < 0)
        return -1;
    if (rc == 1)
        return err_set(err, ERR_KEY, 0, "no " PRIVATE_WHAT ": its number is out of range");
    if (!is_public_of(key, found)) {
        ec_key_free(key);
        return err_set(err, ERR_KEY, 0, "no " PRIVATE_WHAT ": the public key beside it is another's");
    }
    *key_r = key;
    return 0;
}

int ec_key_read(const char *pem, size_t len, struct ec_key **key_r, struct err *err)
{
    static const struct pem_form forms[] = { { "PRIVATE KEY", false },
                                             { "EC PRIVATE KEY", false },
                                             { "EC PARAMETERS", true } };
    struct found found = { 0 };
    struct secret *block = NULL;
    struct der der;
    const char *why;
    int form, rc;

    form =
        pem_read_one(pem, len, forms, sizeof(forms) / sizeof(forms[0]), PRIVATE_WHAT, ERR_KEY, &block, err);
    if (form < 0)
        return -1;
    der = (struct der){ (const unsigned char *)secret_text(block), secret_len(block) };
    why = form == 0 ? read_pkcs8(der, &found) : read_sec1(der, &found);
    if (why != NULL)
        rc = err_set(err, ERR_KEY, 0, "no " PRIVATE_WHAT ": %s", why);
    else
        rc = make_found(&found, key_r, err);
    secret_free(block);
    return rc;
}

int ec_key_new(struct ec_key **key_r, struct err *err)
{
    unsigned char scalar[EC_SCALAR_BYTES];
    int rc;

    if (sodium_init() < 0)
        return err_set(err, ERR_BUG, 0, "libsodium does not start");
    do {
        randombytes_buf(scalar, sizeof(scalar));
        rc = make(scalar, key_r, err);
    } while (rc == 1); /* one of 2^32 is not below the order */
    sodium_memzero(scalar, sizeof(scalar));
    return rc;
}

void ec_key_free(struct ec_key *key)
{
    if (key == NULL)
        return;
    secret_free(key->scalar);
    free(key);
}

int ec_key_print(const struct ec_key *key, struct secret **pem_r, struct err *err)
{
    unsigned char der[DER_MAX], *at = der;
    struct buf pem;
    int rc;

    memcpy(at, pkcs8_prefix, sizeof(pkcs8_prefix));
    at += sizeof(pkcs8_prefix);
    memcpy(at, secret_text(key->scalar), EC_SCALAR_BYTES);
    at += EC_SCALAR_BYTES;
    memcpy(at, pkcs8_middle, sizeof(pkcs8_middle));
    at += sizeof(pkcs8_middle);
    memcpy(at, key->public.point, EC_POINT_BYTES);
    buf_init(&pem, PRIVATE_PEM_MAX);
    buf_reserve(&pem, PRIVATE_PEM_MAX); /* once, so that no copy is left behind */
    pem_print(&pem, "PRIVATE KEY", der, sizeof(der));
    rc = buf_check(&pem, "the key", err);
    if (rc == 0)
        rc = secret_copy(pem.data, pem.len, pem_r, err);
    if (pem.cap > 0)
        sodium_memzero(pem.data, pem.cap);
    buf_release(&pem);
    sodium_memzero(der, sizeof(der));
    return rc;
}

const struct ec_public *ec_key_public(const struct ec_key *key)
{
    return &key->public;
}

int ec_key_sign(const struct ec_key *key, const void *message, size_t len,
                unsigned char signature_r[EC_SIGNATURE_BYTES], struct err *err)
{
    if (p256_sign((const unsigned char *)secret_text(key->scalar), key->public.point, message, len,
                  signature_r) != 0)
        return err_set(err, ERR_BUG, 0, "libcrypto does not sign with a P-256 key");
    return 0;
}

int ec_public_read(const char *pem, size_t len, struct ec_public *public_r, struct err *err)
{
    static const struct pem_form form = { "PUBLIC KEY", false };
    const unsigned char *at;
    struct secret *der = NULL;
    int rc = -1;

    if (pem_read_one(pem, len, &form, 1, PUBLIC_WHAT, ERR_KEY, &der, err) < 0)
        return -1;
    at = (const unsigned char *)secret_text(der);
    if (secret_len(der) != sizeof(public_prefix) + EC_POINT_BYTES ||
        memcmp(at, public_prefix, sizeof(public_prefix)) != 0)
        err_set(err, ERR_KEY, 0,
                "no " PUBLIC_WHAT ": it is of another kind or curve, or its point is compressed");
    else if (!p256_is_on_curve(at + sizeof(public_prefix)))
        err_set(err, ERR_KEY, 0, "no " PUBLIC_WHAT ": its point is not on the curve");
    else
        rc = 0;
    if (rc == 0)
        memcpy(public_r->point, at + sizeof(public_prefix), EC_POINT_BYTES);
    secret_free(der);
    return rc;
}

void ec_public_print(struct buf *out, const struct ec_public *public)
{
    unsigned char der[sizeof(public_prefix) + EC_POINT_BYTES];

    memcpy(der, public_prefix, sizeof(public_prefix));
    memcpy(der + sizeof(public_prefix), public->point, EC_POINT_BYTES);
    pem_print(out, "PUBLIC KEY", der, sizeof(der));
}

bool ec_public_accepts(const struct ec_public *public, const void *message, size_t len,
                       const unsigned char signature[EC_SIGNATURE_BYTES])
{
    return p256_accepts(public->point, message, len, signature);
}

#include "crypto/rsa_load.h"

#include <stdbool.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <sodium.h>

#include "crypto/der.h"
#include "crypto/pem.h"
#include "crypto/rsa_key.h"

#define WHAT    "RSA private key"
#define NUMBERS 8

/* RFC 8017, A.1.2, in the order that they stand in. */
static const char *const names[NUMBERS] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

static const unsigned char oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const unsigned char version_0[] = { 0 };

/* RSAPrivateKey ::= SEQUENCE { 0, n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p } */
static bool read_pkcs1(struct der der, struct der numbers_r[NUMBERS])
{
    struct der sequence;

    if (!der_take(&der, DER_SEQUENCE, &sequence) || der.len > 0 ||
        !der_expect(&sequence, DER_INTEGER, version_0, sizeof(version_0)))
        return false;
    for (size_t i = 0; i < NUMBERS; i++) {
        struct der *number = &numbers_r[i];

        /* positive: none of a key's numbers is 0 or below */
        if (!der_take(&sequence, DER_INTEGER, number) || number->len == 0 || (number->at[0] & 0x80) != 0)
            return false;
    }
    return sequence.len == 0;
}

/* PrivateKeyInfo ::= SEQUENCE { 0, SEQUENCE { rsaEncryption, NULL }, OCTET STRING, [0] attributes OPTIONAL }
 */
static const char *read_pkcs8(struct der der, struct der numbers_r[NUMBERS])
{
    struct der sequence, algorithm, inner;

    if (!der_take(&der, DER_SEQUENCE, &sequence) || der.len > 0 ||
        !der_expect(&sequence, DER_INTEGER, version_0, sizeof(version_0)) ||
        !der_take(&sequence, DER_SEQUENCE, &algorithm))
        return "the block has not the form of one";
    if (!der_expect(&algorithm, DER_OID, oid_rsa, sizeof(oid_rsa)))
        return "it is a key of another kind";
    if (!der_take(&sequence, DER_OCTET_STRING, &inner) || !read_pkcs1(inner, numbers_r))
        return "the block has not the form of one";
    return NULL;
}

/* libcrypto takes numbers in the machine's own order of bytes. room has as many bytes as the DER. */
static EVP_PKEY *make_key(const struct der numbers[NUMBERS], unsigned char *room)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM params[NUMBERS + 1];
    EVP_PKEY *key = NULL;

    for (size_t i = 0; i < NUMBERS; i++) {
        size_t len = numbers[i].len;

        for (size_t at = 0; at < len; at++)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            room[at] = numbers[i].at[len - 1 - at];
#else
            room[at] = numbers[i].at[at];
#endif
        params[i] = OSSL_PARAM_construct_BN(names[i], room, len);
        room += len;
    }
    params[NUMBERS] = OSSL_PARAM_construct_end();
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return key;
}

static EVP_PKEY *load(const struct der numbers[NUMBERS], size_t room_len, struct err *err)
{
    unsigned char *room;
    EVP_PKEY *key;
    int bits;

    /* Before any arithmetic: the modulus alone says how much there would be. */
    if (numbers[0].len > RSA_KEY_MAX_BITS / 8 + 1) {
        err_set(err, ERR_KEY, 0, "no " WHAT ": it has more than %d bits", RSA_KEY_MAX_BITS);
        return NULL;
    }
    room = sodium_malloc(room_len);
    if (room == NULL) {
        err_set(err, ERR_NOMEM, 0, "no memory for a key");
        return NULL;
    }
    key = make_key(numbers, room);
    sodium_free(room); /* wipes */
    if (key == NULL) {
        err_set(err, ERR_KEY, 0, "no " WHAT ": libcrypto does not take its numbers");
        return NULL;
    }
    bits = EVP_PKEY_get_bits(key);
    if (bits >= RSA_KEY_MIN_BITS && bits <= RSA_KEY_MAX_BITS)
        return key;
    err_set(err, ERR_KEY, 0, "no " WHAT " of %d to %d bits: it has %d", RSA_KEY_MIN_BITS, RSA_KEY_MAX_BITS,
            bits);
    EVP_PKEY_free(key);
    return NULL;
}

EVP_PKEY *rsa_load(const struct secret *pem, struct err *err)
{
    static const struct pem_form forms[] = { { "PRIVATE KEY", false }, { "RSA PRIVATE KEY", false } };
    struct der der, numbers[NUMBERS];
    struct secret *block = NULL;
    const char *why = NULL;
    EVP_PKEY *key = NULL;
    int form;

    form = pem_read_one(secret_text(pem), secret_len(pem), forms, sizeof(forms) / sizeof(forms[0]), WHAT,
                        ERR_KEY, &block, err);
    if (form < 0)
        return NULL;
    der = (struct der){ (const unsigned char *)secret_text(block), secret_len(block) };
    if (form == 0)
        why = read_pkcs8(der, numbers);
    else if (!read_pkcs1(der, numbers))
        why = "the block has not the form of one";
    if (why != NULL)
        err_set(err, ERR_KEY, 0, "no " WHAT ": %s", why);
    else
        key = load(numbers, secret_len(block), err);
    secret_free(block);
    return key;
}

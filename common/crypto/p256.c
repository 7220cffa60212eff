/* libcrypto's high-level interface of 3.0; the low-level one for keys is deprecated there. */
#include "crypto/p256.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#define DER_MAX 80 /* of a signature: at most 72 */

int p256_public_of(const unsigned char scalar[P256_SCALAR_BYTES], unsigned char point_r[P256_POINT_BYTES])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
    BIGNUM *number = BN_secure_new();
    int rc = -1;

    if (point != NULL && number != NULL && BN_bin2bn(scalar, P256_SCALAR_BYTES, number) != NULL) {
        BN_set_flags(number, BN_FLG_CONSTTIME);
        if (BN_is_zero(number) || BN_cmp(number, EC_GROUP_get0_order(group)) >= 0)
            rc = 0;
        else if (EC_POINT_mul(group, point, number, NULL, NULL, NULL) == 1 &&
                 EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, point_r, P256_POINT_BYTES,
                                    NULL) == P256_POINT_BYTES)
            rc = 1;
    }
    BN_clear_free(number);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    ERR_clear_error();
    return rc;
}

bool p256_is_on_curve(const unsigned char bytes[P256_POINT_BYTES])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
    bool is_on_it = bytes[0] == POINT_CONVERSION_UNCOMPRESSED && point != NULL &&
                    EC_POINT_oct2point(group, point, bytes, P256_POINT_BYTES, NULL) == 1; /* it checks */

    EC_POINT_free(point);
    EC_GROUP_free(group);
    ERR_clear_error();
    return is_on_it;
}

/* scalar NULL: a public key. NULL without memory, or where the point is none. */
static EVP_PKEY *make_key(const unsigned char *scalar, const unsigned char *point)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    unsigned char native[P256_SCALAR_BYTES], public[P256_POINT_BYTES];
    char curve[] = SN_X9_62_prime256v1;
    BIGNUM *number = scalar != NULL ? BN_secure_new() : NULL;
    OSSL_PARAM params[4], *at = params;
    EVP_PKEY *key = NULL;

    memcpy(public, point, sizeof(public));
    *at++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
    *at++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public, sizeof(public));
    if (number != NULL && BN_bin2bn(scalar, P256_SCALAR_BYTES, number) != NULL &&
        BN_bn2nativepad(number, native, sizeof(native)) > 0)
        *at++ = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof(native));
    *at = OSSL_PARAM_construct_end();
    if (context != NULL && (scalar == NULL) == (number == NULL) && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) !=
            1)
        key = NULL;
    OPENSSL_cleanse(native, sizeof(native));
    BN_clear_free(number);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* DER to r and s. */
static int split(const unsigned char *der, size_t len, unsigned char signature_r[P256_SIGNATURE_BYTES])
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    int rc = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature_r, 32) == 32 &&
                     BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature_r + 32, 32) == 32
                 ? 0
                 : -1;

    ECDSA_SIG_free(pair);
    return rc;
}

/* r and s to DER; its length, 0 without memory. */
static size_t join(const unsigned char signature[P256_SIGNATURE_BYTES], unsigned char der_r[DER_MAX])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
    int len = 0;

    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* they are the pair's now */
        len = i2d_ECDSA_SIG(pair, &der_r);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

int p256_sign(const unsigned char scalar[P256_SCALAR_BYTES], const unsigned char point[P256_POINT_BYTES],
              const void *message, size_t len, unsigned char signature_r[P256_SIGNATURE_BYTES])
{
    EVP_PKEY *key = make_key(scalar, point);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[DER_MAX];
    size_t der_len = sizeof(der);
    int rc = -1;

    if (key != NULL && context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, der, &der_len, message, len) == 1)
        rc = split(der, der_len, signature_r);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key); /* wipes the private number */
    ERR_clear_error();
    return rc;
}

bool p256_accepts(const unsigned char point[P256_POINT_BYTES], const void *message, size_t len,
                  const unsigned char signature[P256_SIGNATURE_BYTES])
{
    EVP_PKEY *key = make_key(NULL, point);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[DER_MAX];
    size_t der_len = join(signature, der);
    bool is_good = key != NULL && context != NULL && der_len > 0 &&
                   EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                   EVP_DigestVerify(context, der, der_len, message, len) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_good;
}

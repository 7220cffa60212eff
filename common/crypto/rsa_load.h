/** rsa_load.h - an RSA key as libcrypto takes it. Private to the layer: callers use rsa_key.h and cms.h. */
#ifndef CRYPTO_RSA_LOAD_H
#define CRYPTO_RSA_LOAD_H

#include <openssl/evp.h>

#include "crypto/secret.h"

/**
 * Reads PEM "PRIVATE KEY" (PKCS#8) or "RSA PRIVATE KEY" (PKCS#1). The numbers are taken from the DER here and
 * not by libcrypto's decoder, which frees its copy of it unwiped.
 *
 * @return the key, freed with EVP_PKEY_free, which wipes; NULL with ERR_KEY (none, encrypted, not RSA, of
 * less than RSA_KEY_MIN_BITS or more than RSA_KEY_MAX_BITS), ERR_NOMEM
 */
EVP_PKEY *rsa_load(const struct secret *pem, struct err *err) __attribute__((nonnull(1, 2)));

#endif

/**
 * verifier.h - checks a signature with a public key alone. Pure.
 * Source: RFC 8032 (Ed25519); RFC 8410 (the key's form).
 */
#ifndef CRYPTO_VERIFIER_H
#define CRYPTO_VERIFIER_H

#include <stdbool.h>

#include "base/err.h"
#include "crypto/sha256.h"

struct verifier {
    char keyid[SHA256_HEX]; /* as in signer.h */
    unsigned char ed25519[32];
};

/** Reads a public key as PEM, NUL-terminated. -1 with ERR_SIGNER. */
int verifier_from_pem(const char *pem, struct verifier *verifier_r, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

bool verifier_accepts(const struct verifier *verifier, const void *message, size_t len, const void *signature,
                      size_t signature_len) __attribute__((nonnull(1)));

#endif

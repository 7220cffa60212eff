/**
 * rsa_key.h - the RSA key that Apple's server token is encrypted for, and what proves that it is ours: a
 * PKCS#10 request or a self-signed certificate. The key is PEM PKCS#8 text in guarded memory; libcrypto sees
 * its numbers for the time of one call, and wipes them. Pure but for chance: times are passed in. Source: RFC
 * 8017; RFC 2986 (requests); RFC 5280 (certificates).
 */
#ifndef CRYPTO_RSA_KEY_H
#define CRYPTO_RSA_KEY_H

#include "base/buf.h"
#include "crypto/secret.h"

#define RSA_KEY_MIN_BITS       2048
#define RSA_KEY_MAX_BITS       8192
#define SUBJECT_MAX_CHARACTERS 64 /* RFC 5280, appendix A.1: ub-common-name, ub-organization-name */

/** Makes a key of so many bits (RSA_KEY_MIN_BITS to 4096): PEM, freed with secret_free. -1 with ERR_KEY,
 * ERR_NOMEM. */
int rsa_key_new(unsigned bits, struct secret **pem_r, struct err *err)
    __attribute__((nonnull(2, 3), warn_unused_result));

/* Who asks, or whose certificate it is: UTF-8 without control characters, 1 to SUBJECT_MAX_CHARACTERS each.
 */
struct subject {
    const char *common_name;
    const char *organization; /* NULL: none */
};

/**
 * Appends a PKCS#10 request as PEM, signed by its own key with SHA-256.
 *
 * @param key  PEM "PRIVATE KEY" or "RSA PRIVATE KEY" of RSA_KEY_MIN_BITS to RSA_KEY_MAX_BITS, not encrypted
 *
 * @return 0; -1 with ERR_KEY (no such key), ERR_CSR (no such subject), ERR_LIMIT (out is full), ERR_NOMEM
 */
int csr_new(const struct secret *key, const struct subject *subject, struct buf *out, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

/**
 * Appends a self-signed certificate as PEM, for upload as the server's: no CA, for encrypting keys.
 *
 * @param from_ms  since when it holds, Unix milliseconds; to the second
 * @param days     for how long, 1 to 3650; Apple's server token wants 2 years
 *
 * @return as csr_new
 */
int certificate_new(const struct secret *key, const struct subject *subject, int64_t from_ms, unsigned days,
                    struct buf *out, struct err *err)
    __attribute__((nonnull(1, 2, 5, 6), warn_unused_result));

#endif

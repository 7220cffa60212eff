/**
 * ec_key.h - keys on the curve P-256: the private one that signs what proves who we are (ES256), and the
 * public one that checks it. Signatures are r and s, 32 bytes each, as JWS wants them, not the DER of X.509.
 *
 * The private key lies in guarded memory, as 32 bytes; libcrypto sees it for the time of one signature.
 * Keys are read by a few lines of our own (der.h), so that a file with a curve of its own making never gets
 * as far as arithmetic. Source: RFC 5915 (SEC1's form), RFC 5208 and 5958 (PKCS#8), RFC 5480 (public keys),
 * RFC 7518, section 3.4.
 */
#ifndef CRYPTO_EC_KEY_H
#define CRYPTO_EC_KEY_H

#include <stdbool.h>

#include "base/buf.h"
#include "crypto/secret.h"

#define EC_SCALAR_BYTES    32
#define EC_POINT_BYTES     65 /* 0x04, x, y */
#define EC_SIGNATURE_BYTES 64 /* r, s */

/* A public key: a point that is known to lie on the curve. */
struct ec_public {
    unsigned char point[EC_POINT_BYTES];
};

struct ec_key; /* a private key; immutable, so threads may share it */

/**
 * Reads a private key: one block "PRIVATE KEY" (PKCS#8) or "EC PRIVATE KEY" (SEC1, an "EC PARAMETERS" block
 * may stand before it), nothing else.
 *
 * @param pem    borrowed; may be wiped afterwards
 * @param key_r  out: freed with ec_key_free
 *
 * @return 0; -1 with ERR_KEY (another kind of key or curve, encrypted, a public key that belongs to another
 *         private one, not as above: the text says which, never quoting the input), ERR_NOMEM
 */
int ec_key_read(const char *pem, size_t len, struct ec_key **key_r, struct err *err)
    __attribute__((nonnull(1, 3, 4), warn_unused_result));
/** Makes a new one. -1 with ERR_NOMEM. */
int ec_key_new(struct ec_key **key_r, struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));
/** Wipes and frees; NULL is taken. */
void ec_key_free(struct ec_key *key);

/** The private key as PEM PKCS#8, freed with secret_free. -1 with ERR_NOMEM. */
int ec_key_print(const struct ec_key *key, struct secret **pem_r, struct err *err)
    __attribute__((nonnull(1, 2, 3), warn_unused_result));
/** Its public half; borrowed. */
const struct ec_public *ec_key_public(const struct ec_key *key) __attribute__((nonnull(1), returns_nonnull));

/** Signs the SHA-256 of the message into signature_r. -1 with ERR_NOMEM or ERR_BUG. */
int ec_key_sign(const struct ec_key *key, const void *message, size_t len,
                unsigned char signature_r[EC_SIGNATURE_BYTES], struct err *err)
    __attribute__((nonnull(1, 4, 5), warn_unused_result));

/** Reads a block "PUBLIC KEY" (SubjectPublicKeyInfo, the point not compressed). -1 with ERR_KEY or ERR_NOMEM.
 */
int ec_public_read(const char *pem, size_t len, struct ec_public *public_r, struct err *err)
    __attribute__((nonnull(1, 3, 4), warn_unused_result));
/** Appends it as PEM. Errors stand in out. */
void ec_public_print(struct buf *out, const struct ec_public *public) __attribute__((nonnull(1, 2)));

/** Whether the signature is this key's for the SHA-256 of the message. */
bool ec_public_accepts(const struct ec_public *public, const void *message, size_t len,
                       const unsigned char signature[EC_SIGNATURE_BYTES])
    __attribute__((nonnull(1, 4), warn_unused_result));

#endif

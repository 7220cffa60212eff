/**
 * p256.h - the arithmetic of P-256 as libcrypto does it, on plain bytes. Private to the layer: callers use
 * ec_key.h. Source: FIPS 186-5, section 6; SEC 1, section 2.3 (points as bytes).
 */
#ifndef CRYPTO_P256_H
#define CRYPTO_P256_H

#include <stdbool.h>
#include <stddef.h>

#define P256_SCALAR_BYTES    32
#define P256_POINT_BYTES     65 /* 0x04, x, y */
#define P256_SIGNATURE_BYTES 64 /* r, s */

/** 1 and the public point of a private number; 0 where it is not within 1..n-1; -1 without memory. */
int p256_public_of(const unsigned char scalar[P256_SCALAR_BYTES], unsigned char point_r[P256_POINT_BYTES])
    __attribute__((nonnull(1, 2), warn_unused_result));
bool p256_is_on_curve(const unsigned char point[P256_POINT_BYTES]) __attribute__((nonnull(1)));

/** ECDSA over SHA-256 of the message. 0, or -1 where libcrypto fails. */
int p256_sign(const unsigned char scalar[P256_SCALAR_BYTES], const unsigned char point[P256_POINT_BYTES],
              const void *message, size_t len, unsigned char signature_r[P256_SIGNATURE_BYTES])
    __attribute__((nonnull(1, 2, 5), warn_unused_result));
bool p256_accepts(const unsigned char point[P256_POINT_BYTES], const void *message, size_t len,
                  const unsigned char signature[P256_SIGNATURE_BYTES]) __attribute__((nonnull(1, 4)));

#endif

/**
 * sha256.h - SHA-256, at once and piece by piece, as bytes and as lower-case hex. libsodium does the work.
 * Source: FIPS 180-4, section 6.2.
 */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#define SHA256_BYTES 32
#define SHA256_HEX   65 /* 64 digits and the NUL */

/* A hash under way; the caller's storage, nothing to release. The inside is libsodium's state. */
struct sha256 {
    _Alignas(16) unsigned char state[128];
};

void sha256_init(struct sha256 *sha) __attribute__((nonnull(1)));
void sha256_add(struct sha256 *sha, const void *data, size_t len) __attribute__((nonnull(1)));
/** The hash of all that was added; sha must be initialised again before it is used again. */
void sha256_end(struct sha256 *sha, unsigned char hash_r[SHA256_BYTES]) __attribute__((nonnull(1, 2)));
/** The same as 64 digits and a NUL. */
void sha256_end_hex(struct sha256 *sha, char hex_r[SHA256_HEX]) __attribute__((nonnull(1, 2)));

void sha256(const void *data, size_t len, unsigned char hash_r[SHA256_BYTES]) __attribute__((nonnull(3)));
void sha256_hex(const void *data, size_t len, char hex_r[SHA256_HEX]) __attribute__((nonnull(3)));

/** True for exactly 64 lower-case hex digits. NULL-safe. */
bool sha256_is_hex(const char *text);
/** 64 lower-case hex digits to bytes; false where text is none of that (hash_r untouched). */
bool sha256_from_hex(const char *text, unsigned char hash_r[SHA256_BYTES]) __attribute__((nonnull(2)));

#endif

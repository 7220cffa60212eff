/**
 * seal.h - values sealed for a place that others read, such as Redis: XChaCha20-Poly1305 under
 * secrets.seal_key, bound to the name that they are kept under, so that one cannot be put in another's place.
 * Pure but for chance.
 *
 * The text is base64 of: the version (one byte, 1), a random nonce (24), the encrypted value with its tag (16
 * more than the value). What is authenticated besides: the version and the name. A nonce of 192 bits may be
 * drawn at random for any number of values.
 * Another version gets another first byte, and unseal goes on to take this one.
 * Source: draft-irtf-cfrg-xchacha-03; RFC 8439, section 2.8. libsodium does the work.
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/buf.h"
#include "crypto/secret.h"

#define SEAL_KEY_BYTES      32
#define SEAL_MAX_BYTES      32768 /* of a value */
#define SEAL_NAME_MAX       512
#define SEAL_TEXT_MAX_BYTES 43748 /* of the text of the largest value */

struct seal_key; /* immutable, so threads may share it */

/**
 * Reads the key: base64 of 32 bytes, as `openssl rand -base64 32` makes them.
 *
 * @param text   borrowed
 * @param key_r  out: freed with seal_key_free
 *
 * @return 0; -1 with ERR_SECRET (not that; or 32 equal bytes, which nobody drew), ERR_NOMEM
 */
int seal_key_new(const struct secret *text, struct seal_key **key_r, struct err *err)
    __attribute__((nonnull(1, 2, 3), warn_unused_result));
/** Wipes and frees; NULL is taken. */
void seal_key_free(struct seal_key *key);

/**
 * Appends the sealed text of len bytes.
 *
 * @param name  where the value will be kept, such as a Redis key: 1 to SEAL_NAME_MAX bytes
 *
 * @return 0; -1 with ERR_LIMIT (a value or name too long, or out's own limit), ERR_NOMEM. On failure out is
 * as it was, but for its mark.
 */
int seal(const struct seal_key *key, const char *name, const void *value, size_t len, struct buf *out,
         struct err *err) __attribute__((nonnull(1, 2, 5, 6), warn_unused_result));

/**
 * Opens what seal made under the same key and name.
 *
 * @param value_r  out: freed with secret_free
 *
 * @return 0; -1 with ERR_SEAL (another key, another name, altered, cut, a version that we do not know, no
 * sealed text at all), ERR_NOMEM. The first three cannot be told apart, and the text says so.
 */
int unseal(const struct seal_key *key, const char *name, const char *text, size_t len,
           struct secret **value_r, struct err *err)
    __attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result));

#endif

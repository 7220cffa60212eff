/**
 * jwt.h - JSON Web Tokens in the compact form, signed with ES256: made, read, verified. Pure: times are
 * passed in and out as numbers, and whether a token has expired is the caller's question.
 *
 * Nothing is believed of a token's header but after jwt_verify_es256, and of that nothing chooses how it is
 * verified: the algorithm is ES256 or the token is refused.
 * Source: RFC 7519; RFC 7515, sections 3.1, 4.1.11, 5 and 7.1; RFC 7518, section 3.4; RFC 8725 (what to
 * refuse).
 */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H

#include "base/json.h"
#include "crypto/ec_key.h"

#define JWT_MAX_BYTES  16384 /* of a whole token: it has to fit a header of HTTP */
#define JWT_KEY_ID_MAX 256   /* bytes of a kid */

/**
 * Makes a token with the header {"alg":"ES256","kid":...,"typ":"JWT"}.
 *
 * @param key_id   the kid, UTF-8 of 1 to JWT_KEY_ID_MAX bytes; NULL: the header has none
 * @param claims   one JSON object, taken as it is
 * @param token_r  out: the token's text, freed with secret_free
 *
 * @return 0; -1 with ERR_JWT (no such key id, claims that are no object or too long), ERR_NOMEM, ERR_BUG
 */
int jwt_sign_es256(const struct ec_key *key, const char *key_id, const char *claims, size_t len,
                   struct secret **token_r, struct err *err)
    __attribute__((nonnull(1, 3, 5, 6), warn_unused_result));

struct jwt; /* a token that was read */

/**
 * Takes a token apart, verifying nothing: three parts of base64url, the first two JSON objects.
 *
 * @param token  borrowed; it must live as long as *jwt_r
 * @param jwt_r  out: freed with jwt_free
 *
 * @return 0; -1 with ERR_JWT (the text names the part and never quotes it), ERR_NOMEM
 */
int jwt_read(const char *token, size_t len, struct jwt **jwt_r, struct err *err)
    __attribute__((nonnull(1, 3, 4), warn_unused_result));
void jwt_free(struct jwt *jwt);

/** The header's kid; NULL where it has none. Borrowed; not to be believed, only to choose the key by. */
const char *jwt_key_id(const struct jwt *jwt) __attribute__((nonnull(1)));
/** The claims, an object. Borrowed; not to be believed before jwt_verify_es256. */
const struct json *jwt_claims(const struct jwt *jwt) __attribute__((nonnull(1), returns_nonnull));

/**
 * Whether the token was signed by this key with ES256.
 *
 * @return 0; -1 with ERR_JWT: another algorithm ("none" too), a "crit" header, a signature of another length
 * or of another key or text
 */
int jwt_verify_es256(const struct jwt *jwt, const struct ec_public *public, struct err *err)
    __attribute__((nonnull(1, 2, 3), warn_unused_result));

/**
 * Reads when a token of anybody's expires, verifying nothing: what the one who gave it to us says.
 *
 * @param exp_ms_r  out: its `exp` as Unix milliseconds, 0 to the end of the year 9999
 *
 * @return 1 and *exp_ms_r; 0 where it is no JWT (of any algorithm) or one without `exp`; -1 with ERR_JWT
 * where `exp` is no time, or ERR_NOMEM. *exp_ms_r is untouched but for 1.
 */
int jwt_expiry(const char *token, size_t len, int64_t *exp_ms_r, struct err *err)
    __attribute__((nonnull(1, 3, 4), warn_unused_result));

#endif

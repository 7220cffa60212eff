/**
 * server_token.h - what an opened server token (cms.h) says, read where it lies: a JSON tree would leave
 * copies of its secrets in memory that nobody wipes. Pure. Source: APPLE_API.md, 2.1:
 * {"consumer_key","consumer_secret","access_token","access_secret","access_token_expiry"}.
 */
#ifndef CRYPTO_SERVER_TOKEN_H
#define CRYPTO_SERVER_TOKEN_H

#include <stdint.h>

#include "crypto/secret.h"

#define SERVER_TOKEN_VALUE_MAX 256 /* bytes of each member */

/* What of a token is no secret: OAuth 1.0a sends the consumer key in the clear (RFC 5849, section 3.1). */
struct server_token {
    char consumer_key[SERVER_TOKEN_VALUE_MAX + 1]; /* whose it is: a renewed token has the same */
    int64_t expires_ms;                            /* access_token_expiry, Unix milliseconds */
};

/**
 * Reads a token and checks that it is whole: the five members are there once each, strings of 1 to
 * SERVER_TOKEN_VALUE_MAX printable ASCII characters without quotes or backslashes; others are passed over.
 *
 * @return 0; -1 with ERR_P7M: the text names the member that is missing or not as above, and no value
 */
int server_token_read(const struct secret *json, struct server_token *token_r, struct err *err)
    __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif

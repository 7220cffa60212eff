/**
 * issuer.h - one exchange with the issuer of ABM tokens: a JWT signed by the account's key (ES256) for a
 * token with a life of its own. Not through the limiter: the issuer is another server with limits of its own.
 *
 * Neither JWT nor token stands in an error, also where the answer repeats them.
 * Source: config/contract/abm-v2.openapi.yaml, issueToken.
 */
#ifndef ABM_ISSUER_H
#define ABM_ISSUER_H

#include "crypto/ec_key.h"
#include "domain/settings.h"
#include "http/http.h"

#define ISSUER_SKEW_MS 60000 /* a clock off by more is named as the cause of a refusal */

struct issued_token {
    struct secret *text; /* the caller frees it */
    int64_t expires_ms;  /* Unix time: the token's own exp, or expiresAt where it has none */
};

/**
 * Asks for a token now. One request, whose time-out is the transport's.
 *
 * @param now_ms    Unix time: the JWT's iat, and what the answer's Date is compared with
 * @param issued_r  out
 *
 * @return 0; -1 with ERR_ISSUER_AWAY (not reached, no answer, 429, 5xx), ERR_ISSUER_KEY (it refuses the key),
 *         ERR_ISSUER_CLOCK (it refuses the JWT, or the token has ended already, and the clocks are more than
 *         ISSUER_SKEW_MS apart: the text tells by how much), ERR_ISSUER_CONTRACT, ERR_JWT, ERR_NOMEM, ERR_BUG
 */
int issuer_exchange(const struct issuer_settings *issuer, const struct ec_key *key,
                    const struct http_transport *transport, int64_t now_ms, struct issued_token *issued_r,
                    struct err *err) __attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result));

#endif

/**
 * issuer.h - the simulated issuer of ABM tokens: it knows public keys by their key id, verifies the JWT that
 * asks for a token, and makes tokens that are JWTs themselves, signed by a key of its own. It takes only what
 * it has made, and only until its time is over, it is ended by a test, or its key is revoked with it.
 *
 * Source: config/contract/abm-v2.openapi.yaml, issueToken; RFC 7519, section 4.1.
 */
#ifndef SIM_ISSUER_H
#define SIM_ISSUER_H

#include "crypto/jwt.h"

#define ISSUER_KEYS_MAX    32
#define ISSUER_TOKENS_KEPT 256 /* of which it knows; older ones are good no longer */
#define ISSUER_ID_MAX      128
#define ISSUER_JWT_LIFE_S  1200 /* exp is at most so much after iat */
#define ISSUER_SKEW_S      60   /* by which iat may be ahead of the issuer's clock */
#define ISSUER_WHY_MAX     200

struct issuer_key {
    char kid[JWT_KEY_ID_MAX + 1];
    struct ec_public public;
    bool is_revoked;
    uint64_t exchanges;
};

struct issuer_token {
    char *text;
    int64_t exp_ms; /* Unix time */
    size_t key;     /* that asked for it */
    bool is_ended;
};

struct issuer {
    struct issuer_key keys[ISSUER_KEYS_MAX];
    size_t key_count;                  /* 0: there is no issuer, and nothing here refuses a token */
    char issuer_id[ISSUER_ID_MAX + 1]; /* what iss must be; "": any */
    int64_t token_life_s;              /* no token lives longer; 0: as long as was asked for */
    struct ec_key *own;                /* signs the tokens; NULL before the first key */
    struct issuer_token tokens[ISSUER_TOKENS_KEPT]; /* the oldest first */
    size_t token_count;
    uint64_t made;
};

/* Why a JWT was refused; each is also the end of the answer's code. */
enum issuer_refusal {
    ISSUER_TAKEN,
    ISSUER_BROKEN, /* it is no JWT as the contract has it: a violation */
    ISSUER_KEY_UNKNOWN,
    ISSUER_KEY_REVOKED,
    ISSUER_SIGNATURE,
    ISSUER_OTHER_ISSUER,
    ISSUER_CLOCK_SKEW, /* iat is ahead of this clock */
    ISSUER_JWT_EXPIRED,
};

void issuer_release(struct issuer *issuer) __attribute__((nonnull(1)));

/** Knows this key from now on, in place of one of the same id. pem: a public key. ERR_KEY, ERR_LIMIT,
 * ERR_NOMEM. */
int issuer_add_key(struct issuer *issuer, const char *kid, const char *pem, size_t len, struct err *err)
    __attribute__((nonnull(1, 2, 3, 5)));
/** No JWT of that key is taken from now on, and with ends_tokens none of its tokens. ERR_NOT_FOUND. */
int issuer_revoke(struct issuer *issuer, const char *kid, bool ends_tokens, struct err *err)
    __attribute__((nonnull(1, 2, 4)));
/** Every token that was issued until now has expired. */
void issuer_end_tokens(struct issuer *issuer) __attribute__((nonnull(1)));

/**
 * Verifies the JWT of a request: its form, alg, kid, signature, iss, aud, iat and exp, in this order.
 *
 * @param key_r  out, where it is taken: the number of its key
 * @param why_r  out, where it is not: what is wrong, which never quotes it
 */
enum issuer_refusal issuer_verify(const struct issuer *issuer, const char *jwt, int64_t now_ms, size_t *key_r,
                                  char why_r[ISSUER_WHY_MAX]) __attribute__((nonnull(1, 2, 4, 5)));
/** The code of the answer; NULL for ISSUER_TAKEN. */
const char *issuer_code(enum issuer_refusal refusal);

/** A token for that key, of at most life_s seconds. Valid until the next; NULL with ERR_NOMEM or ERR_BUG. */
const struct issuer_token *issuer_issue(struct issuer *issuer, size_t key, int64_t life_s, int64_t now_ms,
                                        struct err *err) __attribute__((nonnull(1, 5)));
/** Whether a token of a request is one of these and good now; else *why_r says why not (static). */
bool issuer_accepts(const struct issuer *issuer, const char *token, int64_t now_ms, const char **why_r)
    __attribute__((nonnull(1, 2, 4)));

/** {"issuer_id", "token_life_s", "keys": [{"kid", "is_revoked", "exchanges"}], "tokens": [{"token", "kid",
 * "expires_at", "is_ended"}]}: also the tokens, for a test that looks for them where they must not be. */
void issuer_print(const struct issuer *issuer, struct buf *out) __attribute__((nonnull(1, 2)));

#endif

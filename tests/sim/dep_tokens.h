/**
 * dep_tokens.h - the DEP tokens of the simulated organization. A token's state comes from its time, unless a
 * test says otherwise: so that a token may also be listed as ACTIVE whose time is over.
 */
#ifndef SIM_DEP_TOKENS_H
#define SIM_DEP_TOKENS_H

#include "base/json.h"
#include "crypto/sha256.h"

#define DEP_TOKENS_MAX 1000
#define DEP_TEXT_MAX   128

enum dep_state { DEP_BY_TIME, DEP_ACTIVE, DEP_REVOKED, DEP_EXPIRED };

struct dep_token {
    char id[32];
    char token[DEP_TEXT_MAX], organization[DEP_TEXT_MAX];
    char environment[DEP_TEXT_MAX]; /* "": none is said */
    int64_t expires_ms;             /* Unix time */
    enum dep_state state;
    char key_sha256[SHA256_HEX]; /* of the CSR's key (SubjectPublicKeyInfo in DER); "": not imported */
};

struct dep_tokens {
    struct dep_token *at; /* malloc'd, the oldest first */
    size_t count;
    uint64_t made; /* numbers the ids */
};

void dep_tokens_release(struct dep_tokens *tokens) __attribute__((nonnull(1)));
/** One, for a year, of the environment "production". ERR_NOMEM. */
int dep_tokens_init(struct dep_tokens *tokens, int64_t now_ms, struct err *err)
    __attribute__((nonnull(1, 3)));

/**
 * Replaces all by a list of {"id", "token", "expires_at" (ISO 8601) or "expires_in_s", "status",
 * "organization", "environment"}, each of which may be absent. All or none.
 *
 * @return 0; -1 with ERR_JSON_SHAPE (names the member), ERR_LIMIT (more than DEP_TOKENS_MAX), ERR_NOMEM
 */
int dep_tokens_replace(struct dep_tokens *tokens, const struct json *list, int64_t now_ms, struct err *err)
    __attribute__((nonnull(1, 4)));
/** Changes the members that are there of the token that "id" names. ERR_NOT_FOUND, ERR_JSON_SHAPE. */
int dep_tokens_change(struct dep_tokens *tokens, const struct json *change, int64_t now_ms, struct err *err)
    __attribute__((nonnull(1, 4)));

/** The one that was issued for this key, whatever its environment; NULL: none. */
const struct dep_token *dep_tokens_of_key(const struct dep_tokens *tokens, const char *key_sha256)
    __attribute__((nonnull(1, 2)));
/**
 * A new token for that environment, bound to the key. The same key and environment in the same order get the
 * same token in each run.
 *
 * @return it, valid until the next change of tokens; NULL with ERR_LIMIT or ERR_NOMEM
 */
const struct dep_token *dep_tokens_issue(struct dep_tokens *tokens, const char *key_sha256,
                                         const char *environment, int64_t now_ms, struct err *err)
    __attribute__((nonnull(1, 2, 3, 5)));

/** As the contract has it: {"id", "type", "attributes"}. */
void dep_token_print(const struct dep_token *token, const char *name, int64_t now_ms, struct json_out *out)
    __attribute__((nonnull(1, 4)));
/** For tests: {"count", "tokens": [{"id", "token", "status", ..., "key_sha256" or null}]}. */
void dep_tokens_print(const struct dep_tokens *tokens, int64_t now_ms, struct buf *out)
    __attribute__((nonnull(1, 3)));

#endif

/**
 * vault_tokens.h - the tokens of the Vault stand-in, with their leases: a token ends when its lease does,
 * unless it is renewed before, and whatever the renewals at the end of its longest life. Pure.
 */
#ifndef HARNESS_VAULT_TOKENS_H
#define HARNESS_VAULT_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

#define VAULT_TOKENS_MAX 1024
#define VAULT_TOKEN_MAX  128

struct vault_token {
    char text[VAULT_TOKEN_MAX], accessor[40];
    const char *from; /* "auth/approle/login"; static */
    int64_t issued_ms;
    int64_t lease_s;    /* 0: it never ends (a root token) */
    int64_t ends_ms;    /* of the lease */
    int64_t at_most_ms; /* no renewal goes beyond it; 0: no such limit */
};

struct vault_tokens {
    struct vault_token at[VAULT_TOKENS_MAX]; /* of which count, the oldest first */
    size_t count;
    uint64_t made;
};

/** A further one, its text made here (text NULL) or given. The oldest goes where there are too many. */
struct vault_token *vault_tokens_add(struct vault_tokens *tokens, const char *text, const char *from,
                                     int64_t lease_s, int64_t max_lease_s, int64_t now_ms)
    __attribute__((nonnull(1, 3)));
/** NULL: unknown, revoked, or its lease is over. */
struct vault_token *vault_tokens_find(struct vault_tokens *tokens, const char *text, int64_t now_ms)
    __attribute__((nonnull(1)));
/** A new lease from now on, of lease_s (0: as the first one had), as far as its longest life goes. */
void vault_token_renew(struct vault_token *token, int64_t lease_s, int64_t now_ms)
    __attribute__((nonnull(1)));
void vault_tokens_revoke(struct vault_tokens *tokens, struct vault_token *token)
    __attribute__((nonnull(1, 2)));
/** All that have a lease. */
void vault_tokens_revoke_leased(struct vault_tokens *tokens) __attribute__((nonnull(1)));

/** The "auth" of a login's or a renewal's answer. */
void vault_token_print_auth(const struct vault_token *token, int64_t now_ms, struct json_out *out)
    __attribute__((nonnull(1, 3)));
/** The "data" of lookup-self. */
void vault_token_print_data(const struct vault_token *token, int64_t now_ms, struct json_out *out)
    __attribute__((nonnull(1, 3)));

#endif

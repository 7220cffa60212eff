/**
 * vault_answer.h - what Vault's answers say. Pure, and hostile input: what stands at the address may be
 * anything. They are read where they lie (base/json_raw.h), so that no copy of a secret is left, and what is
 * taken from them is decoded in place: the text is changed.
 *
 * Source: the HTTP API of Vault and OpenBao: KV version 2, /auth/approle/login, /auth/kubernetes/login,
 * /auth/token/lookup-self and renew-self.
 */
#ifndef SECRETS_VAULT_ANSWER_H
#define SECRETS_VAULT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define VAULT_TOKEN_MAX_BYTES 16384
#define VAULT_LEASE_MAX_S     (INT64_C(100) * 365 * 86400)

/* Text within an answer, not NUL-terminated. */
struct vault_piece {
    const char *at;
    size_t len;
};

/* How long a token is good for. */
struct vault_lease {
    int64_t seconds; /* 0: for ever */
    bool is_renewable;
};

/**
 * A field of a secret's last version.
 *
 * @return 0; -1 with ERR_VAULT_MISSING (no such field, not text, empty, more than SECRET_MAX_BYTES; the
 *         version is deleted) or ERR_VAULT_ANSWER (no answer of the engine's version 2)
 */
int vault_answer_value(char *body, size_t len, const char *field, struct vault_piece *value_r,
                       int64_t *version_r, struct err *err) __attribute__((nonnull(1, 3, 4, 5, 6)));

/** The token of a login, or of a renewal, and its lease. -1: ERR_VAULT_ANSWER. */
int vault_answer_auth(char *body, size_t len, struct vault_piece *token_r, struct vault_lease *lease_r,
                      struct err *err) __attribute__((nonnull(1, 3, 4, 5)));

/** The lease of the token that asked (lookup-self). -1: ERR_VAULT_ANSWER. */
int vault_answer_lookup(const char *body, size_t len, struct vault_lease *lease_r, struct err *err)
    __attribute__((nonnull(1, 3, 4)));

/** The first of the errors that a refusal names; length 0: it names none. */
struct vault_piece vault_answer_words(char *body, size_t len) __attribute__((nonnull(1)));

#endif

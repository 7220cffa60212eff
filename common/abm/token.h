/**
 * token.h - the ABM token as the header of each request: read from its reference (crypto/secret.h) when first
 * needed, and again when it has changed there; or the one that all workers share (shared_token.h). Never in
 * an error or a log.
 */
#ifndef ABM_TOKEN_H
#define ABM_TOKEN_H

#include <stdbool.h>

#include "base/err.h"

struct secret;
struct shared_token;

struct token {
    const char *reference; /* borrowed */
    bool allow_mount_mode;
    struct secret *secret;       /* NULL: not needed yet */
    struct shared_token *shared; /* in place of a reference; owned */
    char *bearer;                /* "Bearer ..." */
    char *former;                /* the one before, which requests under way still carry */
    unsigned version;            /* raised each time it changes */
};

void token_init(struct token *token, const char *reference, bool allow_mount_mode);
/** The token is the shared one; takes it over. */
void token_init_shared(struct token *token, struct shared_token *shared);
void token_release(struct token *token);

/** Makes token->bearer the present one. A file that cannot be read again leaves the one in hand. ERR_SECRET*,
 * ERR_NOMEM; of a shared one, what shared_token_get says. */
int token_load(struct token *token, struct err *err);
/** Before each request: is the token one that token_load would have to look after? A reference's is not. */
bool token_is_due(const struct token *token);
/** ABM has refused the present one: the next token_load asks where it comes from, though it did not long ago.
 */
void token_distrust(struct token *token) __attribute__((nonnull(1)));

/**
 * Puts '*' over each place of text[len] where the token, or the one before it, stands: an API, or what stands
 * before it, that repeats a request in its answer must not carry it into logs, Redis and evidence. A token of
 * less than 8 bytes is left: it is none that could be kept secret.
 */
void token_mask(const struct token *token, char *text, size_t len) __attribute__((nonnull(1)));

#endif

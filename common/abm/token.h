/**
 * token.h - the ABM token as the header of each request. Read from its reference (env:, file:) when first
 * needed, and again when its file has changed; never in an error or a log.
 */
#ifndef ABM_TOKEN_H
#define ABM_TOKEN_H

#include <stdbool.h>

#include "base/err.h"

struct secret;

struct token {
    const char *reference; /* borrowed */
    bool allow_mount_mode;
    struct secret *secret; /* NULL: not needed yet */
    char *bearer;          /* "Bearer ..." */
    unsigned version;      /* raised each time it changes */
};

void token_init(struct token *token, const char *reference, bool allow_mount_mode);
void token_release(struct token *token);

/** Makes token->bearer the present one. A file that cannot be read again leaves the one in hand. ERR_SECRET*,
 * ERR_NOMEM. */
int token_load(struct token *token, struct err *err);

#endif

#include "abm/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "crypto/secret.h"

#define MASKED_MIN 8

void token_init(struct token *token, const char *reference, bool allow_mount_mode)
{
    memset(token, 0, sizeof(*token));
    token->reference = reference;
    token->allow_mount_mode = allow_mount_mode;
}

static void wipe(char *bearer)
{
    if (bearer != NULL)
        explicit_bzero(bearer, strlen(bearer));
    free(bearer);
}

void token_release(struct token *token)
{
    wipe(token->bearer);
    secret_free(token->secret);
    memset(token, 0, sizeof(*token));
}

/* Whether a header can carry it (RFC 6750: visible ASCII); the text of the error shows nothing of it. */
static int check_text(const struct token *token, const char *text, size_t len, struct err *err)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f)
            return err_set(err, ERR_SECRET, 0, "api.token (%s): byte %zu of %zu cannot stand in a token",
                           token->reference, i + 1, len);
    return 0;
}

static int set_bearer(struct token *token, struct err *err)
{
    const char *text = secret_text(token->secret);
    char *bearer = NULL;

    if (check_text(token, text, secret_len(token->secret), err) != 0)
        return -1;
    if (asprintf(&bearer, "Bearer %s", text) < 0)
        return err_set(err, ERR_NOMEM, 0, "no memory for the token");
    wipe(token->bearer);
    token->bearer = bearer;
    token->version++;
    return 0;
}

int token_load(struct token *token, struct err *err)
{
    struct err ignored = ERR_INIT;

    if (token->secret == NULL) {
        if (secret_resolve(token->reference, token->allow_mount_mode, &token->secret, err) != 0)
            return err_prefix(err, "api.token");
        return set_bearer(token, err);
    }
    if (token->bearer == NULL)
        return set_bearer(token, err);
    /* Caught while the file is being replaced: the token in hand is good until ABM says otherwise. */
    if (secret_refresh(token->secret, &ignored) != 1)
        return 0;
    return set_bearer(token, err);
}

void token_distrust(struct token *token)
{
    if (token->secret != NULL)
        secret_distrust(token->secret);
}

void token_mask(const struct token *token, char *text, size_t len)
{
    const char *secret = token->secret != NULL ? secret_text(token->secret) : NULL;
    size_t secret_bytes = secret != NULL ? secret_len(token->secret) : 0;
    char *at = text;

    if (text == NULL || secret_bytes < MASKED_MIN)
        return;
    while ((at = memmem(at, (size_t)(text + len - at), secret, secret_bytes)) != NULL) {
        memset(at, '*', secret_bytes);
        at += secret_bytes;
    }
}

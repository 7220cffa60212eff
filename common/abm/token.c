#include "abm/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abm/shared_token.h"
#include "base/str.h"
#include "crypto/secret.h"

#define MASKED_MIN 8
#define SCHEME     "Bearer "

void token_init(struct token *token, const char *reference, bool allow_mount_mode)
{
    memset(token, 0, sizeof(*token));
    token->reference = reference;
    token->allow_mount_mode = allow_mount_mode;
}

void token_init_shared(struct token *token, struct shared_token *shared)
{
    memset(token, 0, sizeof(*token));
    token->reference = "api.issuer";
    token->shared = shared;
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
    wipe(token->former);
    secret_free(token->secret);
    shared_token_free(token->shared);
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

static int set_bearer(struct token *token, const struct secret *secret, struct err *err)
{
    const char *text = secret_text(secret);
    char *bearer = NULL;

    if (check_text(token, text, secret_len(secret), err) != 0)
        return -1;
    if (asprintf(&bearer, SCHEME "%s", text) < 0)
        return err_set(err, ERR_NOMEM, 0, "no memory for the token");
    wipe(token->former);
    token->former = token->bearer;
    token->bearer = bearer;
    token->version++;
    return 0;
}

static int load_shared(struct token *token, struct err *err)
{
    int rc = shared_token_get(token->shared, err);

    if (rc < 0)
        return err_prefix(err, "api.issuer");
    return rc == 0 && token->bearer != NULL ? 0 : set_bearer(token, shared_token_text(token->shared), err);
}

int token_load(struct token *token, struct err *err)
{
    struct err ignored = ERR_INIT;

    if (token->shared != NULL)
        return load_shared(token, err);
    if (token->secret == NULL) {
        if (secret_resolve(token->reference, token->allow_mount_mode, &token->secret, err) != 0)
            return err_prefix(err, "api.token");
        return set_bearer(token, token->secret, err);
    }
    if (token->bearer == NULL)
        return set_bearer(token, token->secret, err);
    /* Caught while the file is being replaced: the token in hand is good until ABM says otherwise. */
    if (secret_refresh(token->secret, &ignored) != 1)
        return 0;
    return set_bearer(token, token->secret, err);
}

bool token_is_due(const struct token *token)
{
    return token->shared != NULL && shared_token_is_due(token->shared);
}

void token_distrust(struct token *token)
{
    if (token->shared != NULL)
        shared_token_distrust(token->shared);
    else if (token->secret != NULL)
        secret_distrust(token->secret);
}

static void mask(const char *bearer, char *text, size_t len)
{
    const char *secret = bearer != NULL ? bearer + strlen(SCHEME) : "";
    size_t secret_bytes = strlen(secret);
    char *at = text;

    if (text == NULL || secret_bytes < MASKED_MIN)
        return;
    while ((at = memmem(at, (size_t)(text + len - at), secret, secret_bytes)) != NULL) {
        memset(at, '*', secret_bytes);
        at += secret_bytes;
    }
}

void token_mask(const struct token *token, char *text, size_t len)
{
    mask(token->bearer, text, len);
    mask(token->former, text, len);
}

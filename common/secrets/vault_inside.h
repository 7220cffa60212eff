/** vault_inside.h - the client's parts: vault.c asks and reads, vault_auth.c logs in and renews. Private. */
#ifndef SECRETS_VAULT_INSIDE_H
#define SECRETS_VAULT_INSIDE_H

#include "base/buf.h"
#include "crypto/secret.h"
#include "secrets/vault.h"
#include "secrets/vault_answer.h"

#define VAULT_AGAIN_MS 10000 /* after a renewal that failed */

struct vault_client {
    struct vault_settings settings;
    struct http *http; /* NULL: the settings have a transport */
    struct http_transport transport;
    struct secret *token;        /* NULL: not logged in */
    struct vault_lease lease;    /* of the token */
    int64_t got_ms, renew_ms;    /* when it was asked for; when it is to be renewed */
    int64_t first_lease_s;       /* of the login: a renewal that gives much less is near the most there is */
    struct http_request request; /* the last one, with its answer */
    bool is_given;
    const struct secret *sent[2]; /* with it: the token, what a login is made with; borrowed, NULL: none */
};

/* One request: what is sent. */
struct vault_ask {
    const char *method;
    const char *path;                /* "/v1/..." */
    const struct buf *body;          /* JSON; NULL: none */
    const struct secret *token;      /* NULL: none */
    const struct secret *credential; /* that the body holds; NULL: none */
};

int64_t vault_now_ms(const struct vault_client *vault);

/**
 * Sends it, and once more where the connection died before an answer came. Its answer is in vault->request,
 * until the next one or vault_forget.
 *
 * @return 0: a status of 200 to 299, 400, 403 or 404; -1: ERR_VAULT_AWAY, _TLS, _ANSWER, or ERR_NOMEM
 */
int vault_send(struct vault_client *vault, const struct vault_ask *ask, struct err *err);
void vault_forget(struct vault_client *vault);

/** "403: permission denied" of the last answer into text[len]: without words that hold a secret that was
 * sent. Changes the answer. */
void vault_words(struct vault_client *vault, char *text, size_t len);

/** Logs in where there is no token, or it has run out, and renews it in time. *is_new_r: by a login now. */
int vault_authenticate(struct vault_client *vault, bool *is_new_r, struct err *err);
/** Vault does not take the token any more. */
void vault_drop_token(struct vault_client *vault);

#endif

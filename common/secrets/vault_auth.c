/* vault_auth.c - how the client of Vault gets its own token, and keeps it alive. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "http/url.h"
#include "secrets/vault_inside.h"

#define CREDENTIAL_MAX_BYTES 16384
#define PATH_MAX_BYTES       1024
#define RENEW_LEAST_MS       1000

static const char *mount_of(const struct vault_settings *settings)
{
    if (settings->mount != NULL)
        return settings->mount;
    return settings->auth == VAULT_AUTH_APPROLE ? "approle" : "kubernetes";
}

/* "/v1/auth/approle/login"; a mount may have several segments. */
static int login_path(const struct vault_settings *settings, struct buf *path, struct err *err)
{
    char segment[PATH_MAX_BYTES];
    const char *at = mount_of(settings);

    buf_add_str(path, "/v1/auth");
    while (*at != '\0') {
        size_t len = strcspn(at, "/");

        snprintf(segment, sizeof(segment), "%.*s", (int)(len < sizeof(segment) ? len : 0), at);
        if (len > 0)
            url_add_segment(path, segment);
        at += len + (at[len] == '/');
    }
    buf_add_str(path, "/login");
    return buf_check(path, "secrets.vault.mount", err);
}

/* What is sent for a login, as JSON or a header carries it: visible ASCII. */
static int resolve_credential(const struct vault_settings *settings, const char *name, const char *reference,
                              struct secret **secret_r, struct err *err)
{
    struct secret *secret;

    if (reference == NULL)
        return err_set(err, ERR_VAULT_LOGIN, 0, "secrets.vault.%s is not set", name);
    if (secret_resolve(reference, settings->allow_mount_mode, &secret, err) != 0)
        return err_prefix(err, "secrets.vault.%s", name);
    for (size_t i = 0; i < secret_len(secret); i++) {
        char c = secret_text(secret)[i];

        if (c > ' ' && c <= '~' && secret_len(secret) <= CREDENTIAL_MAX_BYTES)
            continue;
        err_set(err, ERR_SECRET, 0, "secrets.vault.%s (%s): byte %zu of %zu cannot stand in it", name,
                reference, i + 1, secret_len(secret));
        secret_free(secret);
        return -1;
    }
    *secret_r = secret;
    return 0;
}

static void keep_token(struct vault_client *vault, struct secret *token, const struct vault_lease *lease,
                       int64_t asked_ms)
{
    int64_t part_ms = lease->seconds * 1000 / 3 * 2;

    if (token != vault->token)
        secret_free(vault->token);
    vault->token = token;
    vault->lease = *lease;
    vault->got_ms = asked_ms;
    vault->renew_ms = asked_ms + (part_ms > RENEW_LEAST_MS ? part_ms : RENEW_LEAST_MS);
}

/* The answer of a login or a renewal, in vault->request. */
static int take_auth(struct vault_client *vault, int64_t asked_ms, struct err *err)
{
    struct buf *answer = &vault->request.answer;
    struct vault_lease lease;
    struct vault_piece text;
    struct secret *token;

    if (vault_answer_auth(answer->data, answer->len, &text, &lease, err) != 0 ||
        secret_copy(text.at, text.len, &token, err) != 0)
        return -1;
    keep_token(vault, token, &lease, asked_ms);
    return 0;
}

/* {"role_id": ID, "secret_id": SECRET} and the like, in one piece of memory from the first byte on. */
static int make_login(struct buf *body, const char *name, const char *value, const char *secret_name,
                      const struct secret *secret, struct err *err)
{
    struct json_out out;

    if (buf_reserve(body, body->max_bytes) != 0)
        return err_set(err, ERR_NOMEM, 0, "no memory for a login at Vault");
    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_add_string(&out, name, value);
    json_add_string(&out, secret_name, secret_text(secret));
    json_end(&out, '}');
    return buf_check(body, "a login at Vault", err);
}

static int send_login(struct vault_client *vault, const char *path, const struct buf *body,
                      const struct secret *secret, struct err *err)
{
    struct vault_ask ask = { .method = "POST", .path = path, .body = body, .credential = secret };
    int64_t asked_ms = vault_now_ms(vault);
    char words[512];
    int rc = vault_send(vault, &ask, err);

    if (rc == 0 && vault->request.status != 200) {
        vault_words(vault, words, sizeof(words));
        rc = err_set(err, ERR_VAULT_LOGIN, 0, "Vault refuses the login at auth/%s (%s)",
                     mount_of(&vault->settings), words);
    } else if (rc == 0) {
        rc = take_auth(vault, asked_ms, err);
    }
    vault_forget(vault);
    return rc;
}

static int log_in_by_post(struct vault_client *vault, struct err *err)
{
    const struct vault_settings *settings = &vault->settings;
    bool is_approle = settings->auth == VAULT_AUTH_APPROLE;
    const char *name = is_approle ? "role_id" : "role", *secret_name = is_approle ? "secret_id" : "jwt";
    const char *value = is_approle ? settings->role_id : settings->role;
    struct buf path, body;
    struct secret *secret;
    int rc;

    if (value == NULL)
        return err_set(err, ERR_VAULT_LOGIN, 0, "secrets.vault.%s is not set", name);
    if (resolve_credential(settings, secret_name, is_approle ? settings->secret_id : settings->jwt, &secret,
                           err) != 0)
        return -1;
    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&body, 2 * secret_len(secret) + 6 * strlen(value) + 64); /* both as JSON, and their names */
    rc = login_path(settings, &path, err);
    if (rc == 0)
        rc = make_login(&body, name, value, secret_name, secret, err);
    if (rc == 0)
        rc = send_login(vault, path.data, &body, secret, err);
    if (body.len > 0)
        explicit_bzero(body.data, body.len);
    buf_release(&body);
    buf_release(&path);
    secret_free(secret);
    return rc;
}

/* A token from the settings. How long it is good for Vault says, where the token may ask: one that may not is
 * taken as it is, and what it may read shows. */
static int take_given_token(struct vault_client *vault, struct err *err)
{
    struct vault_ask ask = { .method = "GET", .path = "/v1/auth/token/lookup-self" };
    struct buf *answer = &vault->request.answer;
    struct vault_lease lease = { 0 };
    int64_t asked_ms = vault_now_ms(vault);
    struct secret *token;
    int rc;

    if (resolve_credential(&vault->settings, "token", vault->settings.token, &token, err) != 0)
        return -1;
    ask.token = token;
    rc = vault_send(vault, &ask, err);
    if (rc == 0 && vault->request.status == 200)
        rc = vault_answer_lookup(answer->data, answer->len, &lease, err);
    vault_forget(vault);
    if (rc != 0) {
        secret_free(token);
        return -1;
    }
    keep_token(vault, token, &lease, asked_ms);
    return 0;
}

static int log_in(struct vault_client *vault, struct err *err)
{
    int rc =
        vault->settings.auth == VAULT_AUTH_TOKEN ? take_given_token(vault, err) : log_in_by_post(vault, err);

    if (rc == 0)
        vault->first_lease_s = vault->lease.seconds;
    return rc;
}

/* 1: renewed; 0: Vault will not, or not for long; -1. */
static int renew(struct vault_client *vault, struct err *err)
{
    struct vault_ask ask = { .method = "POST", .path = "/v1/auth/token/renew-self", .token = vault->token };
    int64_t asked_ms = vault_now_ms(vault);
    struct buf body;
    int rc;

    buf_init(&body, 16);
    buf_add_str(&body, "{}");
    ask.body = &body;
    rc = buf_check(&body, "a renewal", err);
    if (rc == 0)
        rc = vault_send(vault, &ask, err);
    if (rc == 0 && vault->request.status == 200)
        rc = take_auth(vault, asked_ms, err) == 0 ? 1 : -1;
    vault_forget(vault);
    buf_release(&body);
    /* The end that the role sets is near: a new login begins a new lease. */
    return rc == 1 && vault->lease.seconds * 3 < vault->first_lease_s ? 0 : rc;
}

int vault_tend(struct vault_client *vault, struct err *err)
{
    int64_t now_ms = vault_now_ms(vault);
    int rc = 0;

    if (vault->token == NULL || vault->lease.seconds == 0 || now_ms < vault->renew_ms)
        return 0;
    if (vault->lease.is_renewable)
        rc = renew(vault, err);
    if (rc == 0)
        rc = log_in(vault, err);
    if (rc < 0)
        vault->renew_ms = now_ms + VAULT_AGAIN_MS;
    return rc < 0 ? -1 : 0;
}

void vault_log_out(struct vault_client *vault)
{
    struct vault_ask ask = { .method = "POST", .path = "/v1/auth/token/revoke-self", .token = vault->token };
    struct err ignored = ERR_INIT;
    struct buf body;

    if (vault->token == NULL || vault->settings.auth == VAULT_AUTH_TOKEN)
        return;
    buf_init(&body, 16);
    buf_add_str(&body, "{}");
    ask.body = &body;
    if (!body.is_failed)
        (void)vault_send(vault, &ask, &ignored);
    vault_forget(vault);
    buf_release(&body);
    vault_drop_token(vault);
}

void vault_drop_token(struct vault_client *vault)
{
    secret_free(vault->token);
    vault->token = NULL;
}

int vault_authenticate(struct vault_client *vault, bool *is_new_r, struct err *err)
{
    struct err ignored = ERR_INIT; /* while the token in hand is good, it serves */
    bool is_over =
        vault->lease.seconds > 0 && vault_now_ms(vault) >= vault->got_ms + vault->lease.seconds * 1000;

    *is_new_r = false;
    if (vault->token != NULL && !is_over && vault_tend(vault, &ignored) == 0)
        return 0;
    if (vault->token != NULL && !is_over)
        return 0;
    *is_new_r = true;
    return log_in(vault, err);
}

#include "secrets/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "secrets/vault_inside.h"
#include "secrets/vault_place.h"

#define ANSWER_MAX_BYTES (1u << 20)
#define URL_MAX_BYTES    8192
#define WORDS_SHOWN      100

int64_t vault_now_ms(const struct vault_client *vault)
{
    return vault->settings.now_ms != NULL ? vault->settings.now_ms(vault->settings.clock) : clock_boot_ms();
}

int vault_new(const struct vault_settings *settings, struct vault_client **vault_r, struct err *err)
{
    struct vault_client *vault = calloc(1, sizeof(*vault));
    struct http_settings http = {
        .user_agent = settings->user_agent,
        .ca_file = settings->ca_file,
        .timeout_ms = settings->timeout_ms,
        .concurrency = 1,
        .max_body_bytes = ANSWER_MAX_BYTES,
    };

    if (vault == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the client of Vault");
    vault->settings = *settings;
    http_request_init(&vault->request);
    vault->request.is_secret = true;
    if (settings->transport != NULL) {
        vault->transport = *settings->transport;
    } else if (http_new(&http, &vault->http, err) != 0) {
        vault_free(vault);
        return -1;
    } else {
        vault->transport = http_transport(vault->http);
    }
    *vault_r = vault;
    return 0;
}

void vault_free(struct vault_client *vault)
{
    if (vault == NULL)
        return;
    http_request_release(&vault->request);
    http_free(vault->http);
    secret_free(vault->token);
    free(vault);
}

static enum http_next give(void *user, struct http_request **request_r, int64_t *wait_ms_r)
{
    struct vault_client *vault = user;

    (void)wait_ms_r;
    if (vault->is_given)
        return HTTP_NEXT_NONE;
    vault->is_given = true;
    *request_r = &vault->request;
    return HTTP_NEXT_SEND;
}

static void take(void *user, struct http_request *request)
{
    (void)user, (void)request; /* it stays in vault->request */
}

/* What a status means that is the same for all requests. */
static int judge_status(struct vault_client *vault, struct err *err)
{
    long status = vault->request.status;
    char words[512];

    if ((status >= 200 && status < 300) || status == 400 || status == 403 || status == 404)
        return 0;
    if (status >= 300 && status < 400)
        return err_set(
            err, ERR_VAULT_AWAY, 0,
            "Vault at %s answers %ld: a standby that sends elsewhere; name the active one, or what "
            "stands before them",
            vault->settings.address, status);
    vault_words(vault, words, sizeof(words));
    /* 412, 472, 473: a replica that is behind, or a standby of a replica; 429: too many requests. */
    if (status >= 500 || status == 412 || status == 429 || status == 472 || status == 473)
        return err_set(err, ERR_VAULT_AWAY, 0, "Vault at %s: %s", vault->settings.address, words);
    return err_set(err, ERR_VAULT_ANSWER, 0, "Vault at %s: %s", vault->settings.address, words);
}

static int judge(struct vault_client *vault, struct err *err)
{
    const struct http_request *request = &vault->request;
    enum err_code code = ERR_VAULT_AWAY;
    struct buf why;

    switch (request->result) {
    case HTTP_ANSWERED: return judge_status(vault, err);
    case HTTP_TLS_FAILED: code = ERR_VAULT_TLS; break;
    case HTTP_GARBLED:
    case HTTP_TOO_LARGE:
    case HTTP_NOT_SENT: code = ERR_VAULT_ANSWER; break;
    default: break;
    }
    buf_init(&why, 4 * sizeof(request->error));
    str_escape(&why, request->error, strlen(request->error), sizeof(request->error));
    err_set(err, code, 0, "Vault at %s: %s", vault->settings.address,
            request->result == HTTP_TOO_LARGE ? "an answer of more than 1 MiB" : why.data);
    buf_release(&why);
    return -1;
}

static size_t fill_headers(const struct vault_client *vault, const struct vault_ask *ask,
                           struct http_header headers[4])
{
    size_t count = 0;

    /* What an agent in between asks for, against requests that a browser was led to make. */
    headers[count++] = (struct http_header){ "X-Vault-Request", "true" };
    if (ask->token != NULL)
        headers[count++] = (struct http_header){ "X-Vault-Token", secret_text(ask->token) };
    if (vault->settings.name_space != NULL)
        headers[count++] = (struct http_header){ "X-Vault-Namespace", vault->settings.name_space };
    if (ask->body != NULL)
        headers[count++] = (struct http_header){ "Content-Type", "application/json" };
    return count;
}

static int run_once(struct vault_client *vault, struct err *err)
{
    struct http_hooks hooks = { .next = give, .done = take, .user = vault };

    vault->is_given = false;
    return vault->transport.run(vault->transport.ctx, &hooks, err);
}

int vault_send(struct vault_client *vault, const struct vault_ask *ask, struct err *err)
{
    struct http_request *request = &vault->request;
    struct http_header headers[4];
    struct buf url;
    int rc;

    buf_init(&url, URL_MAX_BYTES);
    buf_addf(&url, "%s%s", vault->settings.address, ask->path);
    rc = buf_check(&url, "the URL of a request to Vault", err);
    if (rc == 0) {
        http_request_reset(request);
        request->method = ask->method;
        request->url = url.data;
        request->headers = headers;
        request->header_count = fill_headers(vault, ask, headers);
        request->body = ask->body != NULL ? ask->body->data : NULL;
        request->body_len = ask->body != NULL ? ask->body->len : 0;
        vault->sent[0] = ask->token;
        vault->sent[1] = ask->credential;
        rc = run_once(vault, err);
    }
    if (rc == 0 && request->result == HTTP_CUT)
        rc = run_once(vault, err);
    request->url = NULL;
    request->headers = NULL;
    request->header_count = 0;
    request->body = NULL;
    request->body_len = 0;
    buf_release(&url);
    return rc == 0 ? judge(vault, err) : -1;
}

void vault_forget(struct vault_client *vault)
{
    http_request_reset(&vault->request);
    vault->sent[0] = vault->sent[1] = NULL;
}

static bool holds(struct vault_piece words, const struct secret *secret)
{
    return secret != NULL && memmem(words.at, words.len, secret_text(secret), secret_len(secret)) != NULL;
}

void vault_words(struct vault_client *vault, char *text, size_t len)
{
    struct buf *answer = &vault->request.answer, shown;
    struct vault_piece words = vault_answer_words(answer->data, answer->len);
    bool is_shown = words.len > 0 && !holds(words, vault->sent[0]) && !holds(words, vault->sent[1]);

    buf_init(&shown, 8 * WORDS_SHOWN);
    if (is_shown)
        str_escape(&shown, words.at, words.len, WORDS_SHOWN);
    snprintf(text, len, "%ld%s%s", vault->request.status, is_shown ? ": " : "", is_shown ? shown.data : "");
    buf_release(&shown);
}

static int fail_read(struct vault_client *vault, struct err *err)
{
    char words[512];

    vault_words(vault, words, sizeof(words));
    if (vault->request.status == 404)
        return err_set(err, ERR_VAULT_MISSING, 0, "Vault has no such secret, or no engine there (%s)", words);
    if (vault->request.status == 403)
        return err_set(err, ERR_VAULT_DENIED, 0, "Vault lets this role or token not read it (%s)", words);
    return err_set(err, ERR_VAULT_ANSWER, 0, "Vault answers %s", words);
}

/* The answer of a read is in vault->request. */
static int take_value(struct vault_client *vault, const char *field, struct secret **value_r,
                      int64_t *version_r, struct err *err)
{
    struct buf *answer = &vault->request.answer;
    struct vault_piece value;
    int64_t version;

    if (vault->request.status == 404) { /* a deleted version says so */
        struct err why = ERR_INIT;

        if (vault_answer_value(answer->data, answer->len, field, &value, &version, &why) != 0 &&
            why.code == ERR_VAULT_MISSING)
            return err_set(err, why.code, 0, "%s", why.text);
    }
    if (vault->request.status != 200)
        return fail_read(vault, err);
    if (vault_answer_value(answer->data, answer->len, field, &value, &version, err) != 0 ||
        secret_copy(value.at, value.len, value_r, err) != 0)
        return -1;
    *version_r = version;
    return 0;
}

static int read_at(struct vault_client *vault, const char *path, const char *field, struct secret **value_r,
                   int64_t *version_r, struct err *err)
{
    struct vault_ask ask = { .method = "GET", .path = path };
    bool is_new;
    int rc;

    for (;;) {
        if (vault_authenticate(vault, &is_new, err) != 0)
            return -1;
        ask.token = vault->token;
        if (vault_send(vault, &ask, err) != 0) {
            rc = -1;
            break;
        }
        /* Revoked, or ended early? A token that was just got tells that the path is what is not allowed. */
        if (vault->request.status == 403 && !is_new) {
            vault_drop_token(vault);
            continue;
        }
        rc = take_value(vault, field, value_r, version_r, err);
        break;
    }
    vault_forget(vault);
    return rc;
}

int vault_read(struct vault_client *vault, const char *target, struct secret **value_r, int64_t *version_r,
               struct err *err)
{
    const char *field;
    struct buf path;
    int rc;

    buf_init(&path, URL_MAX_BYTES);
    rc = vault_place_read(target, &path, &field, err);
    if (rc == 0)
        rc = read_at(vault, path.data, field, value_r, version_r, err);
    buf_release(&path);
    return rc;
}

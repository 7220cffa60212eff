#include "harness/vault_api.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define LEASE_MAX_S INT64_C(31536000)
#define DENIED      "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"

int vault_answer_error(struct buf *body, int status, const char *text)
{
    struct json_out out;

    buf_reset(body);
    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "errors", '[');
    if (*text != '\0')
        json_add_string(&out, NULL, text);
    json_end(&out, ']');
    json_end(&out, '}');
    return status;
}

void vault_begin(struct json_out *out, struct buf *body)
{
    json_out_init(out, body);
    json_begin(out, NULL, '{');
    json_add_string(out, "request_id", "stand-in");
    json_add_string(out, "lease_id", "");
    json_add_bool(out, "renewable", false);
    json_add_int(out, "lease_duration", 0);
}

void vault_end(struct json_out *out)
{
    json_add_null(out, "wrap_info");
    json_add_null(out, "warnings");
    json_end(out, '}');
}

void vault_release(struct vault *vault)
{
    vault_store_release(&vault->store);
}

static bool is_post(const struct vault_request *request)
{
    return strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0;
}

static int refuse(struct vault *vault, struct buf *body, int status, const char *text)
{
    vault->counts.refused++;
    return vault_answer_error(body, status, text);
}

static int health(struct vault *vault, const struct vault_request *request, int64_t now_ms, struct buf *body)
{
    struct json_out out;

    vault->counts.health++;
    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_add_bool(&out, "initialized", true);
    json_add_bool(&out, "sealed", vault->is_sealed);
    json_add_bool(&out, "standby", vault->is_standby || vault->is_sealed);
    json_add_int(&out, "server_time_utc", now_ms / 1000);
    json_add_string(&out, "version", "0.0.0-stand-in");
    json_end(&out, '}');
    if (vault->is_sealed)
        return 503;
    return vault->is_standby && !request->is_standby_ok ? 429 : 200;
}

static int answer_auth(const struct vault_token *token, int64_t now_ms, struct buf *body)
{
    struct json_out out;

    vault_begin(&out, body);
    json_add_null(&out, "data");
    vault_token_print_auth(token, now_ms, &out);
    vault_end(&out);
    return 200;
}

static int log_in(struct vault *vault, const char *from, int64_t now_ms, struct buf *body)
{
    vault->counts.logins++;
    return answer_auth(
        vault_tokens_add(&vault->tokens, NULL, from, vault->lease_s, vault->max_lease_s, now_ms), now_ms,
        body);
}

static int log_in_by_approle(struct vault *vault, const struct json *doc, int64_t now_ms, struct buf *body)
{
    const char *role = json_string(json_get(doc, "role_id"));
    const char *secret = json_string(json_get(doc, "secret_id"));

    if (!role || !*role)
        return refuse(vault, body, 400, "missing role_id");
    if (!secret || vault->role_id[0] == '\0' || strcmp(role, vault->role_id) != 0 ||
        strcmp(secret, vault->secret_id) != 0)
        return refuse(vault, body, 400, "invalid role or secret ID");
    return log_in(vault, "auth/approle/login", now_ms, body);
}

static int log_in_by_kubernetes(struct vault *vault, const struct json *doc, int64_t now_ms, struct buf *body)
{
    const char *role = json_string(json_get(doc, "role"));
    const char *jwt = json_string(json_get(doc, "jwt"));

    if (!role || !*role)
        return refuse(vault, body, 400, "missing role");
    if (!jwt || !*jwt)
        return refuse(vault, body, 400, "missing jwt");
    if (strcmp(role, vault->kubernetes_role) != 0)
        return refuse(vault, body, 400, "invalid role name");
    if (strcmp(jwt, vault->kubernetes_jwt) != 0)
        return refuse(vault, body, 403, "permission denied");
    return log_in(vault, "auth/kubernetes/login", now_ms, body);
}

/* 1 where path is a login, whose answer is then made. */
static int try_login(struct vault *vault, const struct vault_request *request, const char *path,
                     int64_t now_ms, struct buf *body, int *status_r)
{
    char approle[VAULT_NAME_MAX + 16], kubernetes[VAULT_NAME_MAX + 16];
    struct err err = ERR_INIT;
    struct json *doc;

    snprintf(approle, sizeof(approle), "auth/%s/login", vault->approle_mount);
    snprintf(kubernetes, sizeof(kubernetes), "auth/%s/login", vault->kubernetes_mount);
    if (strcmp(path, approle) != 0 && strcmp(path, kubernetes) != 0)
        return 0;
    if (!is_post(request)) {
        *status_r = vault_answer_error(body, 405, "1 error occurred:\n\t* unsupported operation\n\n");
    } else if (json_parse(request->body ? request->body : "", request->body_len, &doc, &err) != 0) {
        *status_r = refuse(vault, body, 400, "error parsing JSON");
    } else {
        *status_r = strcmp(path, approle) == 0 ? log_in_by_approle(vault, doc, now_ms, body)
                                               : log_in_by_kubernetes(vault, doc, now_ms, body);
        json_free(doc);
    }
    return 1;
}

/* "increment": 3600, "3600" or "1h". 0: none is said. */
static int64_t read_increment(const struct vault_request *request)
{
    struct err err = ERR_INIT;
    const struct json *value;
    int64_t seconds = 0, ms = 0;
    struct json *doc;

    if (request->body_len == 0 || json_parse(request->body, request->body_len, &doc, &err) != 0)
        return 0;
    value = json_get(doc, "increment");
    if (!json_int(value, &seconds) && json_string(value) &&
        !str_to_int(json_string(value), 0, LEASE_MAX_S, &seconds) &&
        str_to_duration_ms(json_string(value), &ms))
        seconds = ms / 1000;
    json_free(doc);
    return seconds < 0 ? 0 : seconds < LEASE_MAX_S ? seconds : LEASE_MAX_S;
}

/* auth/token/WORD-self. */
static int of_token(struct vault *vault, const struct vault_request *request, const char *word,
                    struct vault_token *token, int64_t now_ms, struct buf *body)
{
    struct json_out out;

    if (strcmp(word, "lookup") == 0 && strcmp(request->method, "GET") == 0) {
        vault_begin(&out, body);
        vault_token_print_data(token, now_ms, &out);
        json_add_null(&out, "auth");
        vault_end(&out);
        return 200;
    }
    if (strcmp(word, "renew") == 0 && is_post(request)) {
        if (token->lease_s == 0)
            return refuse(vault, body, 400, "lease is not renewable");
        vault_token_renew(token, read_increment(request), now_ms);
        vault->counts.renewals++;
        return answer_auth(token, now_ms, body);
    }
    if (strcmp(word, "revoke") == 0 && is_post(request)) {
        vault_tokens_revoke(&vault->tokens, token);
        return 204;
    }
    return vault_answer_error(body, 405, "1 error occurred:\n\t* unsupported operation\n\n");
}

/* What follows prefix in path; NULL where it does not begin so. */
static const char *behind(const char *path, const char *mount, const char *word)
{
    size_t mount_len = strlen(mount), word_len = strlen(word);

    if (strncmp(path, mount, mount_len) != 0 || strncmp(path + mount_len, word, word_len) != 0)
        return NULL;
    return path + mount_len + word_len;
}

static int dispatch(struct vault *vault, const struct vault_request *request, const char *path,
                    int64_t now_ms, struct buf *body)
{
    static const char *const words[] = { "lookup", "renew", "revoke" };
    struct vault_token *token = vault_tokens_find(&vault->tokens, request->token, now_ms);
    char self[32], text[VAULT_PATH_MAX + 64];

    if (!token)
        return refuse(vault, body, 403, request->token ? DENIED : "permission denied");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(self, sizeof(self), "auth/token/%s-self", words[i]);
        if (strcmp(path, self) == 0)
            return of_token(vault, request, words[i], token, now_ms, body);
    }
    if (behind(path, vault->mount, "/data/"))
        return vault_kv_data(vault, request, behind(path, vault->mount, "/data/"), now_ms, body);
    if (behind(path, vault->mount, "/metadata/"))
        return vault_kv_metadata(vault, request, behind(path, vault->mount, "/metadata/"), body);
    snprintf(text, sizeof(text), "no handler for route \"%.*s\". route entry not found.", VAULT_PATH_MAX,
             path);
    return vault_answer_error(body, 404, text);
}

/* "team/" and "team" are one. */
static bool is_namespace(const char *given, const char *want)
{
    size_t len = given ? strlen(given) : 0;

    while (len > 0 && given[len - 1] == '/')
        len--;
    return len == strlen(want) && (len == 0 || strncmp(given, want, len) == 0);
}

int vault_perform(struct vault *vault, const struct vault_request *request, int64_t now_ms, struct buf *body)
{
    const char *path = strncmp(request->path, "/v1/", 4) == 0 ? request->path + 4 : NULL;
    int status;

    if (path && strcmp(path, "sys/health") == 0)
        return health(vault, request, now_ms, body);
    vault->counts.requests++;
    if (!path)
        return vault_answer_error(body, 404, "");
    if (vault->is_sealed)
        return vault_answer_error(body, 503, "Vault is sealed");
    if (!is_namespace(request->name_space, vault->name_space))
        return refuse(vault, body, 403, "permission denied"); /* its tokens and logins are not this one's */
    if (try_login(vault, request, path, now_ms, body, &status) == 1)
        return status;
    return dispatch(vault, request, path, now_ms, body);
}

/* The Vault stand-in without its server: what it answers, and when leases end. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vault_api.h"

#define NOW_MS INT64_C(1800000000000)
#define ROOT   "root-token"

struct at {
    struct vault vault;
    struct buf body;
    int64_t now_ms;
};

static int start(void **state)
{
    struct at *at = calloc(1, sizeof(*at));

    if (!at)
        return -1;
    at->vault = (struct vault){
        .mount = "secret",
        .approle_mount = "approle",
        .kubernetes_mount = "k8s",
        .role_id = "role",
        .secret_id = "s3cret",
        .kubernetes_role = "pipeline",
        .kubernetes_jwt = "a.b.c",
        .lease_s = 100,
        .max_lease_s = 250,
    };
    at->now_ms = NOW_MS;
    vault_tokens_add(&at->vault.tokens, ROOT, "auth/token/root", 0, 0, NOW_MS);
    buf_init(&at->body, 1 << 22);
    *state = at;
    return 0;
}

static int stop(void **state)
{
    struct at *at = *state;

    vault_release(&at->vault);
    buf_release(&at->body);
    free(at);
    return 0;
}

static int ask_as(struct at *at, const char *token, const char *method, const char *path, const char *body)
{
    struct vault_request request = {
        .method = method, .path = path, .token = token, .body = body, .body_len = body ? strlen(body) : 0
    };
    char copy[600], *query;
    int status;

    snprintf(copy, sizeof(copy), "%s", path);
    query = strchr(copy, '?');
    if (query) {
        *query++ = '\0';
        request.path = copy;
        request.version = strncmp(query, "version=", 8) == 0 ? query + 8 : NULL;
        request.is_list = strcmp(query, "list=true") == 0;
        request.is_standby_ok = strcmp(query, "standbyok=true") == 0;
    }
    buf_reset(&at->body);
    status = vault_perform(&at->vault, &request, at->now_ms, &at->body);
    if (at->body.is_failed || (at->body.len == 0) != (status == 204))
        fail_msg("%s %s: %d with %zu bytes", method, path, status, at->body.len);
    return status;
}

static int ask(struct at *at, const char *method, const char *path, const char *body)
{
    return ask_as(at, ROOT, method, path, body);
}

static bool has(const struct at *at, const char *text)
{
    return at->body.len > 0 && strstr(at->body.data, text);
}

static void get_token(const struct at *at, char token[VAULT_TOKEN_MAX])
{
    struct err err = ERR_INIT;
    struct json *doc;
    const char *text;

    assert_int_equal(json_parse(at->body.data, at->body.len, &doc, &err), 0);
    text = json_string(json_get(json_get(doc, "auth"), "client_token"));
    assert_non_null(text);
    snprintf(token, VAULT_TOKEN_MAX, "%s", text);
    json_free(doc);
}

static void answers_as_the_real_one(void **state)
{
    static const struct {
        const char *what, *method, *path, *body;
        int want;
        const char *text;
    } rows[] = {
        { "nothing there", "GET", "/v1/secret/data/a", NULL, 404, "{\"errors\":[]}" },
        { "no metadata", "GET", "/v1/secret/metadata/a", NULL, 404, "{\"errors\":[]}" },
        { "an empty list", "LIST", "/v1/secret/metadata/", NULL, 404, "{\"errors\":[]}" },
        { "the first version", "POST", "/v1/secret/data/a/b", "{\"data\":{\"k\":\"one\"}}", 200,
          "\"version\":1}" },
        { "another, by PUT", "PUT", "/v1/secret/data/a/b", "{\"data\":{\"k\":\"two\"}}", 200,
          "\"version\":2}" },
        { "the last", "GET", "/v1/secret/data/a/b", NULL, 200, "\"data\":{\"data\":{\"k\":\"two\"}," },
        { "the first again", "GET", "/v1/secret/data/a/b?version=1", NULL, 200, "{\"k\":\"one\"}" },
        { "version 0 is the last", "GET", "/v1/secret/data/a/b?version=0", NULL, 200, "{\"k\":\"two\"}" },
        { "a version to come", "GET", "/v1/secret/data/a/b?version=3", NULL, 404, "{\"errors\":[]}" },
        { "no number", "GET", "/v1/secret/data/a/b?version=x", NULL, 400, "version" },
        { "an older one by cas", "POST", "/v1/secret/data/a/b", "{\"options\":{\"cas\":1},\"data\":{}}", 400,
          "check-and-set parameter did not match the current version" },
        { "the right cas", "POST", "/v1/secret/data/a/b", "{\"options\":{\"cas\":2},\"data\":{}}", 200,
          "\"version\":3}" },
        { "cas of a new one", "POST", "/v1/secret/data/n", "{\"options\":{\"cas\":0},\"data\":{}}", 200,
          "\"version\":1}" },
        { "cas of one that is there", "POST", "/v1/secret/data/n", "{\"options\":{\"cas\":0},\"data\":{}}",
          400, "check-and-set" },
        { "a cas that is none", "POST", "/v1/secret/data/n", "{\"options\":{\"cas\":\"1\"},\"data\":{}}", 400,
          "check-and-set" },
        { "no data", "POST", "/v1/secret/data/n", "{}", 400, "no data provided" },
        { "no JSON", "POST", "/v1/secret/data/n", "{", 400, "JSON" },
        { "metadata", "GET", "/v1/secret/metadata/a/b", NULL, 200, "\"current_version\":3" },
        { "of each version", "GET", "/v1/secret/metadata/a/b", NULL, 200,
          "\"versions\":{\"1\":{\"created_time\":" },
        { "the top", "LIST", "/v1/secret/metadata/", NULL, 200, "\"keys\":[\"a/\",\"n\"]" },
        { "a folder, by GET", "GET", "/v1/secret/metadata/a?list=true", NULL, 200, "\"keys\":[\"b\"]" },
        { "deleted", "DELETE", "/v1/secret/data/a/b", NULL, 204, NULL },
        { "what was deleted", "GET", "/v1/secret/data/a/b", NULL, 404,
          "\"data\":{\"data\":null,\"metadata\"" },
        { "others stay", "GET", "/v1/secret/data/a/b?version=2", NULL, 200, "{\"k\":\"two\"}" },
        { "all gone", "DELETE", "/v1/secret/metadata/a/b", NULL, 204, NULL },
        { "and are", "GET", "/v1/secret/data/a/b?version=2", NULL, 404, "{\"errors\":[]}" },
        { "patched", "PATCH", "/v1/secret/data/n", "{\"data\":{}}", 405, "unsupported operation" },
        { "a path that climbs", "GET", "/v1/secret/data/a/../b", NULL, 404, "errors" },
        { "an empty segment", "POST", "/v1/secret/data/a//b", "{\"data\":{}}", 404, "errors" },
        { "no path", "POST", "/v1/secret/data/", "{\"data\":{}}", 404, "errors" },
        { "another engine", "GET", "/v1/kv/data/a", NULL, 404, "no handler for route" },
        { "another API", "GET", "/v2/secret", NULL, 404, "errors" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got = ask(*state, rows[i].method, rows[i].path, rows[i].body);

        if (got != rows[i].want || (rows[i].text && !has(*state, rows[i].text)))
            fail_msg("%s: %d: %s", rows[i].what, got, ((struct at *)*state)->body.data);
    }
}

static void keeps_ten_versions(void **state)
{
    struct at *at = *state;
    char body[64];

    for (int i = 1; i <= 25; i++) {
        snprintf(body, sizeof(body), "{\"data\":{\"k\":%d}}", i);
        assert_int_equal(ask(at, "POST", "/v1/secret/data/a", body), 200);
    }
    assert_int_equal(ask(at, "GET", "/v1/secret/data/a?version=15", NULL), 404);
    assert_int_equal(ask(at, "GET", "/v1/secret/data/a?version=16", NULL), 200);
    assert_true(has(at, "{\"k\":16}"));
    assert_int_equal(ask(at, "GET", "/v1/secret/metadata/a", NULL), 200);
    assert_true(has(at, "\"oldest_version\":16"));
    assert_int_equal(at->vault.counts.writes, 25);
    assert_int_equal(at->vault.counts.reads, 1);
}

static void lists_by_folder(void **state)
{
    static const char *const paths[] = { "b", "a/z", "a/y/1", "a/y/2", "a-b", "a0", "a" };
    struct at *at = *state;
    char path[64];

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        snprintf(path, sizeof(path), "/v1/secret/data/%s", paths[i]);
        assert_int_equal(ask(at, "POST", path, "{\"data\":{}}"), 200);
    }
    assert_int_equal(ask(at, "LIST", "/v1/secret/metadata/", NULL), 200);
    assert_true(has(at, "\"keys\":[\"a\",\"a-b\",\"a/\",\"a0\",\"b\"]"));
    assert_int_equal(ask(at, "LIST", "/v1/secret/metadata/a/", NULL), 200);
    assert_true(has(at, "\"keys\":[\"y/\",\"z\"]"));
    assert_int_equal(ask(at, "DELETE", "/v1/secret/metadata/a/z", NULL), 204);
    assert_int_equal(ask(at, "LIST", "/v1/secret/metadata/a", NULL), 200);
    assert_true(has(at, "\"keys\":[\"y/\"]"));
}

static void logs_in(void **state)
{
    static const struct {
        const char *what, *method, *path, *body;
        int want;
        const char *text;
    } rows[] = {
        { "approle", "POST", "/v1/auth/approle/login", "{\"role_id\":\"role\",\"secret_id\":\"s3cret\"}", 200,
          "\"lease_duration\":100,\"renewable\":true" },
        { "another secret", "POST", "/v1/auth/approle/login", "{\"role_id\":\"role\",\"secret_id\":\"x\"}",
          400, "invalid role or secret ID" },
        { "no secret", "POST", "/v1/auth/approle/login", "{\"role_id\":\"role\"}", 400, "invalid role" },
        { "no role", "POST", "/v1/auth/approle/login", "{}", 400, "missing role_id" },
        { "no JSON", "POST", "/v1/auth/approle/login", "role", 400, "JSON" },
        { "by GET", "GET", "/v1/auth/approle/login", NULL, 405, "unsupported" },
        { "kubernetes", "POST", "/v1/auth/k8s/login", "{\"role\":\"pipeline\",\"jwt\":\"a.b.c\"}", 200,
          "\"client_token\":\"hvs." },
        { "another jwt", "POST", "/v1/auth/k8s/login", "{\"role\":\"pipeline\",\"jwt\":\"a.b.d\"}", 403,
          "permission denied" },
        { "another role", "POST", "/v1/auth/k8s/login", "{\"role\":\"x\",\"jwt\":\"a.b.c\"}", 400,
          "invalid role name" },
        { "no jwt", "POST", "/v1/auth/k8s/login", "{\"role\":\"pipeline\"}", 400, "missing jwt" },
        { "another mount", "POST", "/v1/auth/kubernetes/login", "{\"role\":\"pipeline\",\"jwt\":\"a.b.c\"}",
          403, "permission denied" },
    };
    struct at *at = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got = ask_as(at, NULL, rows[i].method, rows[i].path, rows[i].body);

        if (got != rows[i].want || !has(at, rows[i].text))
            fail_msg("%s: %d: %s", rows[i].what, got, at->body.data);
    }
    assert_int_equal(at->vault.counts.logins, 2);
    assert_int_equal(at->vault.counts.refused, 8);
    at->vault.role_id[0] = at->vault.secret_id[0] = '\0';
    assert_int_equal(
        ask_as(at, NULL, "POST", "/v1/auth/approle/login", "{\"role_id\":\"\",\"secret_id\":\"\"}"), 400);
}

static void log_in(struct at *at, char token[VAULT_TOKEN_MAX])
{
    assert_int_equal(
        ask_as(at, NULL, "POST", "/v1/auth/approle/login", "{\"role_id\":\"role\",\"secret_id\":\"s3cret\"}"),
        200);
    get_token(at, token);
}

static void leases_end_unless_renewed(void **state)
{
    char token[VAULT_TOKEN_MAX], other[VAULT_TOKEN_MAX];
    struct at *at = *state;

    log_in(at, token);
    log_in(at, other);
    assert_string_not_equal(token, other);
    at->now_ms = NOW_MS + 99999;
    assert_int_equal(ask_as(at, token, "POST", "/v1/auth/token/renew-self", "{}"), 200);
    assert_true(has(at, "\"lease_duration\":100"));
    assert_int_equal(ask_as(at, other, "GET", "/v1/auth/token/lookup-self", NULL), 200);
    assert_true(has(at, "\"ttl\":0"));
    at->now_ms = NOW_MS + 100000;
    assert_int_equal(ask_as(at, other, "GET", "/v1/auth/token/lookup-self", NULL), 403);
    assert_true(has(at, "invalid token"));
    assert_int_equal(ask_as(at, other, "POST", "/v1/auth/token/renew-self", "{}"), 403);
    assert_int_equal(ask_as(at, token, "GET", "/v1/auth/token/lookup-self", NULL), 200);
    assert_true(has(at, "\"explicit_max_ttl\":250,\"renewable\":true"));
    assert_int_equal(ask_as(at, token, "PUT", "/v1/auth/token/renew-self", "{\"increment\":\"1h\"}"), 200);
    assert_true(has(at, "\"lease_duration\":150")); /* no further than its longest life */
    assert_int_equal(ask_as(at, token, "PUT", "/v1/auth/token/renew-self", "{\"increment\":60}"), 200);
    assert_true(has(at, "\"lease_duration\":60"));
    at->now_ms = NOW_MS + 160000;
    assert_int_equal(ask_as(at, token, "GET", "/v1/secret/metadata/?list=true", NULL), 403);
    assert_int_equal(at->vault.counts.renewals, 3);
}

static void tokens_are_revoked(void **state)
{
    char token[VAULT_TOKEN_MAX], other[VAULT_TOKEN_MAX];
    struct at *at = *state;

    log_in(at, token);
    log_in(at, other);
    assert_int_equal(ask_as(at, token, "POST", "/v1/auth/token/revoke-self", NULL), 204);
    assert_int_equal(ask_as(at, token, "GET", "/v1/auth/token/lookup-self", NULL), 403);
    assert_int_equal(ask_as(at, other, "GET", "/v1/auth/token/lookup-self", NULL), 200);
    vault_tokens_revoke_leased(&at->vault.tokens);
    assert_int_equal(ask_as(at, other, "GET", "/v1/auth/token/lookup-self", NULL), 403);
    assert_int_equal(ask(at, "GET", "/v1/auth/token/lookup-self", NULL), 200); /* the root's */
    assert_true(has(at, "\"expire_time\":null"));
    assert_int_equal(ask(at, "POST", "/v1/auth/token/renew-self", "{}"), 400);
    assert_int_equal(ask_as(at, NULL, "GET", "/v1/auth/token/lookup-self", NULL), 403);
}

static void tokens_are_bounded(void **state)
{
    char first[VAULT_TOKEN_MAX], last[VAULT_TOKEN_MAX];
    struct at *at = *state;

    log_in(at, first);
    for (int i = 0; i < VAULT_TOKENS_MAX; i++)
        log_in(at, last);
    assert_int_equal(at->vault.tokens.count, VAULT_TOKENS_MAX);
    assert_int_equal(ask_as(at, first, "GET", "/v1/auth/token/lookup-self", NULL), 403);
    assert_int_equal(ask_as(at, last, "GET", "/v1/auth/token/lookup-self", NULL), 200);
}

static void tells_of_its_health(void **state)
{
    struct at *at = *state;

    assert_int_equal(ask_as(at, NULL, "GET", "/v1/sys/health", NULL), 200);
    assert_true(has(at, "\"sealed\":false,\"standby\":false"));
    at->vault.is_standby = true;
    assert_int_equal(ask_as(at, NULL, "GET", "/v1/sys/health", NULL), 429);
    assert_int_equal(ask_as(at, NULL, "GET", "/v1/sys/health?standbyok=true", NULL), 200);
    assert_int_equal(ask(at, "POST", "/v1/secret/data/a", "{\"data\":{}}"), 200);
    at->vault.is_sealed = true;
    assert_int_equal(ask_as(at, NULL, "GET", "/v1/sys/health", NULL), 503);
    assert_true(has(at, "\"sealed\":true"));
    assert_int_equal(ask(at, "GET", "/v1/secret/data/a", NULL), 503);
    assert_true(has(at, "Vault is sealed"));
    at->vault.is_sealed = false;
    assert_int_equal(ask(at, "GET", "/v1/secret/data/a", NULL), 200);
    assert_int_equal(at->vault.counts.health, 4);
}

static void has_one_namespace(void **state)
{
    static const struct {
        const char *want, *given;
        int status;
    } rows[] = {
        { "", NULL, 200 },
        { "", "", 200 },
        { "", "team", 403 },
        { "team/a", NULL, 403 },
        { "team/a", "team", 403 },
        { "team/a", "team/a", 200 },
        { "team/a", "team/a/", 200 },
    };
    struct at *at = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vault_request request = {
            .method = "GET", .path = "/v1/auth/token/lookup-self", .token = ROOT, .name_space = rows[i].given
        };
        int got;

        snprintf(at->vault.name_space, sizeof(at->vault.name_space), "%s", rows[i].want);
        buf_reset(&at->body);
        got = vault_perform(&at->vault, &request, NOW_MS, &at->body);
        if (got != rows[i].status)
            fail_msg("'%s' for '%s': %d", rows[i].given ? rows[i].given : "none", rows[i].want, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_as_the_real_one, start, stop),
        cmocka_unit_test_setup_teardown(keeps_ten_versions, start, stop),
        cmocka_unit_test_setup_teardown(lists_by_folder, start, stop),
        cmocka_unit_test_setup_teardown(logs_in, start, stop),
        cmocka_unit_test_setup_teardown(leases_end_unless_renewed, start, stop),
        cmocka_unit_test_setup_teardown(tokens_are_revoked, start, stop),
        cmocka_unit_test_setup_teardown(tokens_are_bounded, start, stop),
        cmocka_unit_test_setup_teardown(tells_of_its_health, start, stop),
        cmocka_unit_test_setup_teardown(has_one_namespace, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The Vault stand-in over HTTP and TLS: logins, leases that end, and what a test can do to it. */
#include "harness/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/str.h"
#include "harness/http_get.h"
#include "harness/proc.h"
#include "harness/vault_server.h"
#include "http/http.h"

#define AS_ROOT "X-Vault-Token: root\r\n"
#define SECRET  "/v1/secret/data/abm/dep"

static struct vault_server *vault;
static struct http_reply reply;
static struct err err;

static void check(int rc)
{
    if (rc < 0)
        fail_msg("%s", err.text);
}

static int start(void **state)
{
    static const struct vault_server_options options = {
        .root_token = "root",
        .role_id = "role",
        .secret_id = "s3cret",
        .kubernetes_role = "pipeline",
        .kubernetes_jwt = "a.b.c",
        .lease_s = 60,
    };

    (void)state;
    err_reset(&err);
    http_reply_init(&reply);
    if (vault_server_start(&options, &vault, &err) == 0)
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    vault_server_stop(vault);
    http_reply_release(&reply);
    return 0;
}

/* The status; 0: no whole answer came. */
static int ask(const char *method, const char *target, const char *headers, const char *body)
{
    err_reset(&err);
    return http_ask(vault_server_port(vault), method, target, headers, body, 20000, &reply, &err) == 0
               ? reply.status
               : 0;
}

static bool body_has(const char *text)
{
    return reply.body.len > 0 && strstr(reply.body.data, text);
}

/* The header that a login's token makes, into header[]. */
static void log_in(char header[VAULT_TOKEN_MAX + 32])
{
    char token[VAULT_TOKEN_MAX];

    assert_int_equal(
        ask("POST", "/v1/auth/approle/login", NULL, "{\"role_id\":\"role\",\"secret_id\":\"s3cret\"}"), 200);
    assert_true(vault_server_last_token(vault, token));
    assert_true(body_has(token));
    snprintf(header, VAULT_TOKEN_MAX + 32, "X-Vault-Token: %s\r\n", token);
}

static void keeps_secrets(void **state)
{
    int64_t version = 0;
    struct buf data;

    (void)state;
    assert_int_equal(ask("POST", SECRET, AS_ROOT, "{\"data\":{\"token\":\"one\"}}"), 200);
    check(vault_server_put(vault, "abm/dep", "{\"token\":\"two\"}", &err));
    assert_int_equal(ask("GET", SECRET, AS_ROOT, NULL), 200);
    assert_true(body_has("{\"token\":\"two\"}"));
    assert_int_equal(ask("GET", SECRET "?version=1", AS_ROOT, NULL), 200);
    assert_true(body_has("{\"token\":\"one\"}"));
    assert_int_equal(ask("GET", "/v1/secret/metadata/abm?list=true", "Authorization: Bearer root\r\n", NULL),
                     200);
    assert_int_equal(ask("LIST", "/v1/secret/metadata/abm", AS_ROOT, NULL), 200);
    assert_true(body_has("\"keys\":[\"dep\"]"));
    buf_init(&data, 1024);
    assert_true(vault_server_get(vault, "abm/dep", &data, &version));
    assert_string_equal(data.data, "{\"token\":\"two\"}");
    assert_int_equal(version, 2);
    assert_int_equal(ask("DELETE", SECRET, AS_ROOT, NULL), 204);
    assert_false(vault_server_get(vault, "abm/dep", &data, NULL));
    assert_int_equal(vault_server_counts(vault).writes, 1); /* by clients */
    assert_int_equal(vault_server_counts(vault).reads, 2);
    buf_release(&data);
}

static void leases_end(void **state)
{
    char header[VAULT_TOKEN_MAX + 32];

    (void)state;
    check(vault_server_put(vault, "abm/dep", "{}", &err));
    log_in(header);
    assert_int_equal(ask("GET", SECRET, header, NULL), 200);
    vault_server_advance(vault, 40000);
    assert_int_equal(ask("POST", "/v1/auth/token/renew-self", header, "{}"), 200);
    vault_server_advance(vault, 40000);
    assert_int_equal(ask("GET", SECRET, header, NULL), 200);
    vault_server_advance(vault, 40000);
    assert_int_equal(ask("GET", SECRET, header, NULL), 403);
    log_in(header);
    vault_server_revoke_all(vault);
    assert_int_equal(ask("GET", SECRET, header, NULL), 403);
    check(vault_server_set_approle(vault, "role", "another", &err));
    assert_int_equal(
        ask("POST", "/v1/auth/approle/login", NULL, "{\"role_id\":\"role\",\"secret_id\":\"s3cret\"}"), 400);
    check(vault_server_set_kubernetes(vault, "pipeline", "d.e.f", &err));
    assert_int_equal(
        ask("POST", "/v1/auth/kubernetes/login", NULL, "{\"role\":\"pipeline\",\"jwt\":\"d.e.f\"}"), 200);
}

static void seals(void **state)
{
    (void)state;
    vault_server_set_standby(vault, true);
    assert_int_equal(ask("GET", "/v1/sys/health", NULL, NULL), 429);
    assert_int_equal(ask("GET", "/v1/sys/health?standbyok=true", NULL, NULL), 200);
    vault_server_seal(vault, true);
    assert_int_equal(ask("GET", "/v1/sys/health", NULL, NULL), 503);
    assert_int_equal(ask("GET", "/v1/auth/token/lookup-self", AS_ROOT, NULL), 503);
    vault_server_seal(vault, false);
    assert_int_equal(ask("GET", "/v1/auth/token/lookup-self", AS_ROOT, NULL), 200);
}

static void goes_down_and_comes_back(void **state)
{
    char header[VAULT_TOKEN_MAX + 32];
    int port = vault_server_port(vault);

    (void)state;
    check(vault_server_put(vault, "abm/dep", "{}", &err));
    log_in(header);
    for (int i = 0; i < 3; i++) {
        vault_server_down(vault);
        vault_server_down(vault); /* twice is once */
        assert_int_equal(ask("GET", SECRET, header, NULL), 0);
        check(vault_server_up(vault, &err));
        check(vault_server_up(vault, &err));
        assert_int_equal(vault_server_port(vault), port);
        assert_int_equal(ask("GET", SECRET, header, NULL), 200);
    }
}

static void faults_befall_requests(void **state)
{
    (void)state;
    check(vault_server_put(vault, "abm/dep", "{}", &err));
    vault_server_set_fault(vault, &(struct vault_fault){ .status = 503, .times = 2 });
    assert_int_equal(ask("GET", "/v1/sys/health", NULL, NULL), 200);
    assert_int_equal(ask("GET", SECRET, AS_ROOT, NULL), 503);
    assert_true(body_has("{\"errors\":["));
    assert_int_equal(ask("GET", SECRET, AS_ROOT, NULL), 503);
    assert_int_equal(ask("GET", SECRET, AS_ROOT, NULL), 200);
    vault_server_set_fault(vault, &(struct vault_fault){ .path = "/v1/secret/", .status = 403 });
    assert_int_equal(ask("GET", "/v1/auth/token/lookup-self", AS_ROOT, NULL), 200);
    assert_int_equal(ask("GET", SECRET, AS_ROOT, NULL), 403);
    vault_server_set_fault(vault, &(struct vault_fault){ .is_cut = true, .times = 1 });
    assert_int_equal(ask("GET", SECRET, AS_ROOT, NULL), 0);
    assert_int_equal(ask("GET", SECRET, AS_ROOT, NULL), 200);
    vault_server_set_fault(vault, &(struct vault_fault){ .delay_ms = 20 });
    assert_int_equal(ask("GET", SECRET, AS_ROOT, NULL), 200);
    vault_server_set_fault(vault, NULL);
    assert_int_equal(vault_server_counts(vault).requests, 8);
}

static void *ask_slowly(void *user)
{
    struct http_reply none;
    struct err why = ERR_INIT;
    int rc;

    http_reply_init(&none);
    rc = http_ask(vault_server_port(vault), "GET", SECRET, AS_ROOT, NULL, 60000, &none, &why);
    http_reply_release(&none);
    return rc == 0 ? NULL : user;
}

static bool is_met(void *user)
{
    /* A request counts as it meets its fault, before the delay. */
    return vault_server_counts(user).requests > 0;
}

static void goes_down_while_somebody_waits(void **state)
{
    pthread_t thread;
    void *is_refused;

    (void)state;
    vault_server_set_fault(vault, &(struct vault_fault){ .delay_ms = 600000, .status = 503 });
    assert_int_equal(pthread_create(&thread, NULL, ask_slowly, vault), 0);
    assert_true(proc_until(is_met, vault, 20000));
    vault_server_down(vault);
    assert_int_equal(pthread_join(thread, &is_refused), 0);
    assert_non_null(is_refused);
}

static void tells_what_is_wrong_at_its_start(void **state)
{
    char text[VAULT_NAME_MAX + 1];
    struct vault_server *other;

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(vault_server_start(&(struct vault_server_options){ .role_id = text }, &other, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(vault_server_start(&(struct vault_server_options){ .address = "here" }, &other, &err),
                     -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_int_equal(
        vault_server_start(&(struct vault_server_options){ .port = vault_server_port(vault) }, &other, &err),
        -1);
    assert_int_equal(err.code, ERR_IO);
}

struct one {
    struct http_request *request;
    bool is_given;
};

static enum http_next next(void *user, struct http_request **request_r, int64_t *wait_ms_r)
{
    struct one *one = user;

    (void)wait_ms_r;
    if (one->is_given)
        return HTTP_NEXT_NONE;
    one->is_given = true;
    *request_r = one->request;
    return HTTP_NEXT_SEND;
}

static void done(void *user, struct http_request *request)
{
    (void)user, (void)request;
}

/* GET of sys/health; ca_file NULL: the system's. */
static void get_health(const struct vault_server *server, const char *ca_file, struct http_request *request)
{
    struct http_settings settings = {
        .timeout_ms = 20000, .concurrency = 1, .max_body_bytes = 1u << 20, .ca_file = ca_file
    };
    struct one one = { .request = request };
    struct http_hooks hooks = { .next = next, .done = done, .user = &one };
    struct http *http;
    char url[96];

    snprintf(url, sizeof(url), "%s/v1/sys/health", vault_server_url(server));
    request->method = "GET";
    request->url = url;
    check(http_new(&settings, &http, &err));
    check(http_run(http, &hooks, &err));
    http_free(http);
    request->url = NULL;
}

static void speaks_tls(void **state)
{
    char dir[64], certificate[96], key[96];
    const char *const argv[] = { "openssl",
                                 "req",
                                 "-x509",
                                 "-newkey",
                                 "ec",
                                 "-pkeyopt",
                                 "ec_paramgen_curve:P-256",
                                 "-nodes",
                                 "-subj",
                                 "/CN=unit",
                                 "-addext",
                                 "subjectAltName=IP:127.0.0.1",
                                 "-days",
                                 "2",
                                 "-keyout",
                                 key,
                                 "-out",
                                 certificate,
                                 NULL };
    struct buf certificate_pem, key_pem;
    struct http_request good, bad;
    struct vault_server *other;

    (void)state;
    check(proc_temp_dir("vault-tls", dir, sizeof(dir), &err));
    snprintf(certificate, sizeof(certificate), "%s/cert.pem", dir);
    snprintf(key, sizeof(key), "%s/key.pem", dir);
    assert_int_equal(
        proc_run(&(struct proc_options){ .argv = argv, .stderr_file = "/dev/null" }, 20000, &err), 0);
    buf_init(&certificate_pem, 65536);
    buf_init(&key_pem, 65536);
    check(fsio_read(certificate, &certificate_pem, &err));
    check(fsio_read(key, &key_pem, &err));
    check(vault_server_start(
        &(struct vault_server_options){ .certificate = certificate_pem.data, .key = key_pem.data }, &other,
        &err));
    http_request_init(&good);
    http_request_init(&bad);
    get_health(other, certificate, &good);
    get_health(other, NULL, &bad);
    assert_int_equal(good.result, HTTP_ANSWERED);
    assert_int_equal(good.status, 200);
    assert_int_equal(bad.result, HTTP_TLS_FAILED);
    http_request_release(&good);
    http_request_release(&bad);
    vault_server_stop(other);
    buf_release(&certificate_pem);
    buf_release(&key_pem);
    proc_remove_dir(dir);
}

static bool is_file(void *user)
{
    return access(user, R_OK) == 0;
}

static void runs_as_a_process(void **state)
{
    char dir[64], port_file[96];
    const char *const argv[] = {
        TEST_BIN "/../tests/vault-stand-in", "--root-token", "root", "--port-file", port_file, NULL
    };
    const char *const wrong[] = { TEST_BIN "/../tests/vault-stand-in", "--lease", "long", NULL };
    struct proc proc = { 0 };
    struct buf port;
    int64_t number;

    (void)state;
    check(proc_temp_dir("vault", dir, sizeof(dir), &err));
    snprintf(port_file, sizeof(port_file), "%s/port", dir);
    check(proc_spawn(&proc, &(struct proc_options){ .argv = argv, .stdout_file = "/dev/null" }, &err));
    assert_true(proc_until(is_file, port_file, 20000));
    buf_init(&port, 16);
    check(fsio_read(port_file, &port, &err));
    buf_truncate(&port, port.len - 1);
    assert_true(str_to_int(port.data, 1, 65535, &number));
    check(http_ask((int)number, "GET", "/v1/auth/token/lookup-self", AS_ROOT, NULL, 20000, &reply, &err));
    assert_int_equal(reply.status, 200);
    assert_int_equal(proc_stop(&proc, 20000), 0);
    assert_int_equal(
        proc_run(&(struct proc_options){ .argv = wrong, .stderr_file = "/dev/null" }, 20000, &err), 64);
    buf_release(&port);
    proc_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_as_a_process, start, stop),
        cmocka_unit_test_setup_teardown(keeps_secrets, start, stop),
        cmocka_unit_test_setup_teardown(leases_end, start, stop),
        cmocka_unit_test_setup_teardown(seals, start, stop),
        cmocka_unit_test_setup_teardown(goes_down_and_comes_back, start, stop),
        cmocka_unit_test_setup_teardown(faults_befall_requests, start, stop),
        cmocka_unit_test_setup_teardown(goes_down_while_somebody_waits, start, stop),
        cmocka_unit_test_setup_teardown(tells_what_is_wrong_at_its_start, start, stop),
        cmocka_unit_test_setup_teardown(speaks_tls, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * TLS to Redis is verified, always: against real servers whose certificate is good, unknown, or somebody
 * else's. Where the client library has no TLS, rediss:// is refused with what to do, and the rest is left
 * out.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "harness/engine.h"
#include "harness/redis_group.h"
#include "queue/redis.h"

#define SKIPPED 77

static char dir[64]; /* certificates */

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static const char *file(const char *name)
{
    static char slots[8][128];
    static unsigned turn;
    char *slot = slots[turn++ % 8];

    snprintf(slot, sizeof(slots[0]), "%s/%s", dir, name);
    return slot;
}

static void run(const char *const *argv)
{
    struct proc_options options = {
        .argv = argv, .dir = dir, .stdout_file = "/dev/null", .stderr_file = file("log")
    };
    struct err err = ERR_INIT;

    if (proc_run(&options, 20000, &err) != 0)
        fail_msg("%s %s failed: see %s (%s)", argv[0], argv[1], file("log"), err.text);
}

/* NAME.pem and NAME.key, signed by ca; subject_names: "subjectAltName=..." */
static void make_certificate(const char *name, const char *ca, const char *subject_names)
{
    char key[64], request[64], certificate[64], subject[64], ca_pem[64], ca_key[64];
    const char *const ask[] = { "openssl", "req",   "-newkey", "rsa:2048", "-nodes",  "-keyout",     key,
                                "-out",    request, "-subj",   subject,    "-addext", subject_names, NULL };
    const char *const sign[] = { "openssl",
                                 "x509",
                                 "-req",
                                 "-in",
                                 request,
                                 "-CA",
                                 ca_pem,
                                 "-CAkey",
                                 ca_key,
                                 "-CAcreateserial",
                                 "-days",
                                 "2",
                                 "-copy_extensions",
                                 "copy",
                                 "-out",
                                 certificate,
                                 NULL };

    snprintf(key, sizeof(key), "%s.key", name);
    snprintf(request, sizeof(request), "%s.csr", name);
    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(subject, sizeof(subject), "/CN=%s", name);
    snprintf(ca_pem, sizeof(ca_pem), "%s.pem", ca);
    snprintf(ca_key, sizeof(ca_key), "%s.key", ca);
    run(ask);
    run(sign);
}

static void make_authority(const char *name)
{
    char key[64], certificate[64], subject[64];
    const char *const argv[] = { "openssl", "req", "-x509", "-newkey",   "rsa:2048", "-nodes", "-days", "2",
                                 "-keyout", key,   "-out",  certificate, "-subj",    subject,  NULL };

    snprintf(key, sizeof(key), "%s.key", name);
    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(subject, sizeof(subject), "/CN=%s", name);
    run(argv);
}

static int make_certificates(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    must(proc_temp_dir("redis-tls", dir, sizeof(dir), &err), &err);
    make_authority("ca");
    make_authority("stranger");
    make_certificate("here", "ca", "subjectAltName=IP:127.0.0.1,DNS:localhost");
    make_certificate("other", "ca", "subjectAltName=DNS:other.example");
    make_certificate("client", "ca", "subjectAltName=DNS:client.example");
    make_certificate("intruder", "stranger", "subjectAltName=DNS:client.example");
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    proc_remove_dir(dir);
    return 0;
}

/* A server with a TLS port beside its plain one; returns that port. clients: of tls-auth-clients. */
static int start_server(struct redis_server *server, const char *certificate, const char *clients)
{
    char port_line[32], cert[160], key[160], ca[160], auth[64];
    const char *const config[] = { port_line, cert, key, ca, auth, NULL };
    struct err err = ERR_INIT;
    int port = proc_free_port(&err);

    snprintf(port_line, sizeof(port_line), "tls-port %d", port);
    snprintf(cert, sizeof(cert), "tls-cert-file %s/%s.pem", dir, certificate);
    snprintf(key, sizeof(key), "tls-key-file %s/%s.key", dir, certificate);
    snprintf(ca, sizeof(ca), "tls-ca-cert-file %s", file("ca.pem"));
    snprintf(auth, sizeof(auth), "tls-auth-clients %s", clients);
    must(redis_server_start_alone(server, config, &err), &err);
    return port;
}

/* Connects and asks something. */
static int try_connect(const struct redis_settings *settings, struct err *err)
{
    struct redis_reply *reply;
    struct redis *redis;
    int rc;

    if (redis_new(settings, &redis, err) != 0)
        return -1;
    rc = redis_connect(redis, err);
    if (rc == 0)
        rc = redis_callv(redis, &reply, err, "PING", NULL);
    if (rc == 0)
        redis_reply_free(reply);
    redis_free(redis);
    return rc;
}

static void takes_only_whom_it_can_name(void **state)
{
    static const struct {
        const char *what, *certificate, *clients, *host, *ca, *server_name, *own;
        enum err_code code;
        const char *want;
    } rows[] = {
        { "the address in the certificate", "here", "no", "127.0.0.1", "ca.pem", NULL, NULL, ERR_NONE, "" },
        { "the name in the certificate", "here", "no", "localhost", "ca.pem", NULL, NULL, ERR_NONE, "" },
        { "a valid certificate of another name", "other", "no", "127.0.0.1", "ca.pem", NULL, NULL,
          ERR_REDIS_CERTIFICATE, "the certificate for 127.0.0.1 is refused: IP address mismatch" },
        { "the same by a name", "other", "no", "localhost", "ca.pem", NULL, NULL, ERR_REDIS_CERTIFICATE,
          "the certificate for localhost is refused: hostname mismatch" },
        { "that other name, expected", "other", "no", "127.0.0.1", "ca.pem", "other.example", NULL, ERR_NONE,
          "" },
        { "a third name, expected", "other", "no", "127.0.0.1", "ca.pem", "third.example", NULL,
          ERR_REDIS_CERTIFICATE, "hostname mismatch" },
        { "an unknown authority", "here", "no", "127.0.0.1", "stranger.pem", NULL, NULL,
          ERR_REDIS_CERTIFICATE, "is refused: " },
        { "the system's authorities", "here", "no", "127.0.0.1", NULL, NULL, NULL, ERR_REDIS_CERTIFICATE,
          "is refused: " },
        { "no certificate where one is asked for", "here", "yes", "127.0.0.1", "ca.pem", NULL, NULL,
          ERR_REDIS_LOST, "redis.tls.cert_file" },
        { "one's own certificate", "here", "yes", "127.0.0.1", "ca.pem", NULL, "client", ERR_NONE, "" },
        { "one's own of a stranger", "here", "yes", "127.0.0.1", "ca.pem", NULL, "intruder", ERR_REDIS_LOST,
          "redis.tls.cert_file" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redis_settings settings = { .tls = { .server_name = rows[i].server_name } };
        struct redis_server server;
        struct err err = ERR_INIT;
        char url[64], cert[128], key[128];
        int rc;

        snprintf(url, sizeof(url), "rediss://%s:%d", rows[i].host,
                 start_server(&server, rows[i].certificate, rows[i].clients));
        settings.url = url;
        settings.tls.ca_file = rows[i].ca != NULL ? file(rows[i].ca) : NULL;
        if (rows[i].own != NULL) {
            snprintf(cert, sizeof(cert), "%s/%s.pem", dir, rows[i].own);
            snprintf(key, sizeof(key), "%s/%s.key", dir, rows[i].own);
            settings.tls.cert_file = cert;
            settings.tls.key_file = key;
        }
        rc = try_connect(&settings, &err);
        if ((rc == 0) != (rows[i].code == ERR_NONE) || err.code != rows[i].code ||
            strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        redis_server_stop(&server);
    }
}

static void says_what_of_the_settings_is_wrong(void **state)
{
    const struct {
        const char *what, *url;
        struct redis_tls tls;
        enum err_code code;
        const char *want;
    } rows[] = {
        { "no such authority",
          "rediss://h",
          { .ca_file = "/nowhere/ca.pem" },
          ERR_SETTINGS,
          "redis.tls.ca_file: /nowhere/ca.pem: " },
        { "a certificate without its key",
          "rediss://h",
          { .cert_file = file("client.pem") },
          ERR_SETTINGS,
          "key_file is missing" },
        { "a key without its certificate",
          "rediss://h",
          { .key_file = file("client.key") },
          ERR_SETTINGS,
          "cert_file is missing" },
        { "a key for a certificate",
          "rediss://h",
          { .cert_file = file("client.key"), .key_file = file("client.key") },
          ERR_SETTINGS,
          "redis.tls.cert_file: " },
        { "another's key",
          "rediss://h",
          { .cert_file = file("client.pem"), .key_file = file("here.key") },
          ERR_SETTINGS,
          "redis.tls.key_file: " },
        { "TLS wanted and not spoken",
          "redis://h",
          { .ca_file = file("ca.pem") },
          ERR_SETTINGS,
          "redis.tls is set, but redis.url speaks no TLS" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redis_settings settings = { .url = rows[i].url, .tls = rows[i].tls };
        struct redis *redis = NULL;
        struct err err = ERR_INIT;

        if (redis_new(&settings, &redis, &err) == 0 || err.code != rows[i].code ||
            strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

/* A server that speaks no TLS is not spoken to in clear. */
static void never_falls_back(void **state)
{
    struct redis_settings settings = { .tls = { .ca_file = file("ca.pem") }, .password = "hunter2" };
    struct redis_server server;
    struct err err = ERR_INIT;
    char url[64];

    (void)state;
    must(redis_server_start_alone(&server, NULL, &err), &err);
    snprintf(url, sizeof(url), "rediss://127.0.0.1:%d", server.port);
    settings.url = url;
    assert_int_equal(try_connect(&settings, &err), -1);
    if (err.code != ERR_REDIS_UNREACHABLE || strstr(err.text, "no TLS with 127.0.0.1") == NULL)
        fail_msg("%s: %s", err_wire(err.code), err.text);
    redis_server_stop(&server);
}

static void set_environment(const char *url)
{
    setenv("ABM_REDIS__URL", url, 1);
    setenv("ABM_REDIS__TLS__CA_FILE", file("ca.pem"), 1);
    setenv("ABM_REDIS__TLS__CERT_FILE", file("client.pem"), 1);
    setenv("ABM_REDIS__TLS__KEY_FILE", file("client.key"), 1);
}

static void unset_environment(void)
{
    unsetenv("ABM_REDIS__URL");
    unsetenv("ABM_REDIS__TLS__CA_FILE");
    unsetenv("ABM_REDIS__TLS__CERT_FILE");
    unsetenv("ABM_REDIS__TLS__KEY_FILE");
}

/* The engine's own server stands still; the workers are sent to the one with TLS. */
static void run_devices(struct redis_server *server, const char *url)
{
    struct engine engine;
    struct redis_server plain;

    engine_start(&engine, "");
    plain = engine.redis;
    engine.redis = *server;
    set_environment(url);
    engine_start_all(&engine);
    engine_push(&engine, "r1", 3000, 500);
    assert_true(engine_wait_state(&engine, "r1", "closed", 60000));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 3000);
    engine_assert_clean(&engine);
    unset_environment();
    engine.redis = plain;
    engine_stop(&engine);
}

static void works_over_tls(void **state)
{
    struct redis_server server;
    char url[64];

    (void)state;
    snprintf(url, sizeof(url), "rediss://127.0.0.1:%d/0", start_server(&server, "here", "yes"));
    run_devices(&server, url);
    redis_server_stop(&server);
}

/* The sentinel speaks TLS, and names the primary's TLS port. */
static void works_behind_a_sentinel(void **state)
{
    struct redis_server server;
    struct err err = ERR_INIT;
    struct proc sentinel = { 0 };
    struct redis_settings settings = {
        .tls = { .ca_file = file("ca.pem"), .cert_file = file("client.pem"), .key_file = file("client.key") }
    };
    char text[1024], url[64];
    int primary, port;

    (void)state;
    primary = start_server(&server, "here", "yes");
    port = proc_free_port(&err);
    snprintf(text, sizeof(text),
             "port 0\ntls-port %d\nbind 127.0.0.1\ndir %s\nlogfile %s/sentinel.log\ntls-replication yes\n"
             "tls-cert-file %s/here.pem\ntls-key-file %s/here.key\ntls-ca-cert-file "
             "%s/ca.pem\ntls-auth-clients yes\n"
             "sentinel monitor tests 127.0.0.1 %d 1\n",
             port, dir, dir, dir, dir, dir, primary);
    must(fsio_write(file("sentinel.conf"), text, strlen(text), 0600, &err), &err);
    must(redis_server_spawn(&sentinel, file("sentinel.conf"), "--sentinel", &err), &err);
    snprintf(url, sizeof(url), "sentinels://127.0.0.1:%d/tests", port);
    settings.url = url;
    for (int i = 0; i < 200 && try_connect(&settings, &err) != 0; i++) {
        assert_int_equal(err.code, ERR_REDIS_UNREACHABLE); /* it is not up yet */
        err_reset(&err);
        assert_int_equal(proc_wait(&sentinel, 50), 0);
    }
    must(err.code == ERR_NONE ? 0 : -1, &err);
    run_devices(&server, url);
    proc_kill(&sentinel);
    redis_server_stop(&server);
}

static void refuses_with_what_to_do(void **state)
{
    static const char *const urls[] = { "rediss://h", "sentinels://h/m", "clusters://h" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct redis_settings settings = { .url = urls[i] };
        struct redis *redis = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(redis_new(&settings, &redis, &err), -1);
        assert_int_equal(err.code, ERR_REDIS_TLS);
        assert_int_equal(err_exit_status(err.code), 78);
        assert_non_null(strstr(err.text, "1.0 or later"));
        assert_non_null(strstr(err.text, "unix:///path"));
    }
}

static bool has_tls(void)
{
    struct redis_settings settings = { .url = "rediss://h" };
    struct redis *redis = NULL;
    struct err err = ERR_INIT;
    bool has = redis_new(&settings, &redis, &err) == 0;

    redis_free(redis);
    return has;
}

int main(void)
{
    const struct CMUnitTest without[] = { cmocka_unit_test(refuses_with_what_to_do) };
    const struct CMUnitTest with[] = {
        cmocka_unit_test(takes_only_whom_it_can_name),
        cmocka_unit_test(says_what_of_the_settings_is_wrong),
        cmocka_unit_test(never_falls_back),
        cmocka_unit_test(works_over_tls),
        cmocka_unit_test(works_behind_a_sentinel),
    };

    unsetenv("TEST_REDIS");
    if (has_tls())
        return cmocka_run_group_tests(with, make_certificates, remove_certificates);
    if (cmocka_run_group_tests(without, NULL, NULL) != 0)
        return 1;
    printf("SKIP: hiredis-tls: this hiredis has no TLS; that it is refused is tested\n");
    return SKIPPED;
}

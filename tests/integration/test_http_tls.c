/*
 * TLS is verified, always: against a real TLS server whose certificate is good, unknown, or somebody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "harness/proc.h"
#include "http/http.h"

struct tls {
    char dir[64], certificate[96], key[96];
    struct proc server;
    int port;
    struct err err;
};

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

/* One GET; ca_file NULL: the system's. */
static void get(const char *host, int port, const char *ca_file, struct http_request *request)
{
    struct http_settings settings = {
        .timeout_ms = 5000, .concurrency = 1, .max_body_bytes = 1u << 20, .ca_file = ca_file
    };
    struct one one = { .request = request };
    struct http_hooks hooks = { .next = next, .done = done, .user = &one };
    struct err err = ERR_INIT;
    struct http *http;
    char url[96];

    snprintf(url, sizeof(url), "https://%s:%d/", host, port);
    request->method = "GET";
    request->url = url;
    if (http_new(&settings, &http, &err) != 0 || http_run(http, &hooks, &err) != 0)
        fail_msg("%s", err.text);
    http_free(http);
    request->url = NULL;
}

static int start(void **state)
{
    static struct tls tls;
    char accept[32];

    memset(&tls, 0, sizeof(tls));
    *state = &tls;
    if (proc_temp_dir("tls", tls.dir, sizeof(tls.dir), &tls.err) != 0)
        fail_msg("%s", tls.err.text);
    snprintf(tls.certificate, sizeof(tls.certificate), "%s/cert.pem", tls.dir);
    snprintf(tls.key, sizeof(tls.key), "%s/key.pem", tls.dir);
    {
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
                                     tls.key,
                                     "-out",
                                     tls.certificate,
                                     NULL };
        struct proc_options options = { .argv = argv, .stderr_file = "/dev/null" };

        assert_int_equal(proc_run(&options, 20000, &tls.err), 0);
    }
    tls.port = proc_free_port(&tls.err);
    assert_true(tls.port > 0);
    snprintf(accept, sizeof(accept), "127.0.0.1:%d", tls.port);
    {
        const char *const argv[] = { "openssl", "s_server", "-accept", accept,   "-cert", tls.certificate,
                                     "-key",    tls.key,    "-www",    "-quiet", NULL };
        struct proc_options options = { .argv = argv,
                                        .stdout_file = "/dev/null",
                                        .stderr_file = "/dev/null" };

        if (proc_spawn(&tls.server, &options, &tls.err) != 0)
            fail_msg("%s", tls.err.text);
    }
    return 0;
}

static int stop(void **state)
{
    struct tls *tls = *state;

    proc_kill(&tls->server);
    proc_remove_dir(tls->dir);
    return 0;
}

static void verifies_the_certificate_and_its_name(void **state)
{
    static const struct {
        const char *what, *host;
        bool has_ca;
        enum http_result want;
    } rows[] = {
        { "known, and of this name", "127.0.0.1", true, HTTP_ANSWERED },
        { "unknown", "127.0.0.1", false, HTTP_TLS_FAILED },
        { "known, of another name", "localhost", true, HTTP_TLS_FAILED },
    };
    struct tls *tls = *state;
    int64_t until_ms = clock_boot_ms() + 20000;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_request request;

        http_request_init(&request);
        do /* the server's first moments: refused until it listens */
            get(rows[i].host, tls->port, rows[i].has_ca ? tls->certificate : NULL, &request);
        while (request.result == HTTP_NO_CONNECTION && clock_boot_ms() < until_ms &&
               proc_wait(&tls->server, 20) == 0);
        if (request.result != rows[i].want)
            fail_msg("%s: %d (%s)", rows[i].what, request.result, request.error);
        if (http_was_sent(request.result) != (rows[i].want == HTTP_ANSWERED) ||
            (request.sent_ms != 0) != (rows[i].want == HTTP_ANSWERED))
            fail_msg("%s: something was sent", rows[i].what);
        http_request_release(&request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(verifies_the_certificate_and_its_name, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

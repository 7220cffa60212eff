/* The operations of abmsim that issue tokens, over plain HTTP; CSRs are made by the openssl command. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fsio.h"
#include "harness/http_get.h"
#include "harness/sim.h"

#define HEADERS  "Accept: application/vnd.api+json; version=2.0\r\nAuthorization: Bearer t0ken\r\n"
#define AS_MEDIA HEADERS "Content-Type: application/vnd.api+json\r\n"
#define AS_JSON  HEADERS "Content-Type: application/json\r\n"

static struct abmsim sim;
static struct http_reply reply;
static struct err err;
static char dir[64];

static void check(int rc)
{
    if (rc < 0)
        fail_msg("%s", err.text);
}

static int start(void **state)
{
    (void)state;
    http_reply_init(&reply);
    if (abmsim_start(&sim, TEST_BIN "/abmsim", NULL, &err) == 0 &&
        proc_temp_dir("sim-tokens", dir, sizeof(dir), &err) == 0)
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    http_reply_release(&reply);
    proc_remove_dir(dir);
    return abmsim_stop(&sim) == 0 ? 0 : -1;
}

static int reset(void **state)
{
    (void)state;
    err_reset(&err);
    return abmsim_control(&sim, "POST", "/sim/reset", NULL, &err) == 0 &&
                   abmsim_set(&sim, "{\"dep_tokens\":[{\"id\":\"dep-1\",\"token\":\"first\"}]}", &err) == 0
               ? 0
               : -1;
}

static int ask(const char *method, const char *target, const char *headers, const char *body)
{
    err_reset(&err);
    return http_ask(sim.port, method, target, headers, body, 20000, &reply, &err) == 0 ? reply.status : 0;
}

static bool body_has(const char *text)
{
    return reply.body.len > 0 && strstr(reply.body.data, text);
}

static int64_t violations(void)
{
    return abmsim_stat(&sim, "violations", &err);
}

/* A CSR of a new key by `openssl req`, as the body of importDepToken; the caller frees it. */
static char *make_body(const char *environment, const char *const *key)
{
    char path[96];
    const char *argv[20] = { "openssl",  "req",     "-new",      "-nodes", "-subj",
                             "/CN=unit", "-keyout", "/dev/null", "-out",   path };
    struct buf pem, body;
    size_t count = 10;

    snprintf(path, sizeof(path), "%s/csr.pem", dir);
    while (*key)
        argv[count++] = *key++;
    if (proc_run(
            &(struct proc_options){ .argv = argv, .stdout_file = "/dev/null", .stderr_file = "/dev/null" },
            30000, &err) != 0)
        fail_msg("openssl req: %s", err.text);
    buf_init(&pem, 65536);
    buf_init(&body, 131072);
    check(fsio_read(path, &pem, &err));
    buf_add_str(&body, "{\"data\":{\"attributes\":{\"csr\":");
    json_quote(&body, pem.data, pem.len);
    buf_add_str(&body, ",\"environment\":");
    json_quote(&body, environment, strlen(environment));
    buf_add_str(&body, "}}}");
    buf_release(&pem);
    return buf_detach(&body);
}

static const char *const rsa[] = { "-newkey", "rsa:2048", NULL };
static const char *const ec[] = { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", NULL };

static void lists_dep_tokens(void **state)
{
    (void)state;
    check(abmsim_set(
        &sim,
        "{\"dep_tokens\":[{\"id\":\"a\",\"token\":\"s3cret\",\"expires_at\":\"2030-01-02T03:04:05Z\","
        "\"environment\":\"staging\"},{\"id\":\"b\",\"expires_in_s\":-1},"
        "{\"id\":\"c\",\"status\":\"REVOKED\"}]}",
        &err));
    assert_int_equal(ask("GET", "/v2/depTokens", HEADERS, NULL), 200);
    assert_true(
        body_has("{\"data\":[{\"id\":\"a\",\"type\":\"depTokens\",\"attributes\":{\"token\":\"s3cret\","
                 "\"expiresAt\":\"2030-01-02T03:04:05.000Z\",\"status\":\"ACTIVE\","
                 "\"organizationName\":\"Example Organization\",\"environment\":\"staging\"}}"));
    assert_true(body_has("\"EXPIRED\""));
    assert_true(body_has("\"REVOKED\""));
    check(abmsim_control(&sim, "POST", "/sim/dep_token", "{\"id\":\"a\",\"status\":\"REVOKED\"}", &err));
    assert_int_equal(ask("GET", "/v2/depTokens", HEADERS, NULL), 200);
    assert_false(body_has("\"ACTIVE\""));
    assert_int_equal(violations(), 0);
    assert_int_equal(abmsim_stat(&sim, "by_operation.listDepTokens", &err), 2);
}

static void issues_a_dep_token_for_a_csr(void **state)
{
    char *body = make_body("staging", rsa), *other = make_body("staging", ec);

    (void)state;
    assert_int_equal(ask("POST", "/v2/depTokens/import", AS_MEDIA, body), 201);
    assert_true(body_has("{\"data\":{\"id\":\"dep-"));
    assert_true(body_has("\"environment\":\"staging\""));
    assert_int_equal(ask("POST", "/v2/depTokens/import", AS_MEDIA, other), 201);
    assert_int_equal(ask("GET", "/sim/dep_tokens", NULL, NULL), 200);
    assert_true(body_has("\"count\":3"));
    assert_int_equal(violations(), 0);
    free(body);
    free(other);
}

static void a_key_is_of_one_environment(void **state)
{
    char *body = make_body("staging", ec), *place;

    (void)state;
    assert_int_equal(ask("POST", "/v2/depTokens/import", AS_MEDIA, body), 201);
    place = strstr(body, "\"staging\"");
    memcpy(place, "\"testing\"", 9);
    assert_int_equal(ask("POST", "/v2/depTokens/import", AS_MEDIA, body), 400);
    assert_true(body_has("KEY_SHARED"));
    assert_int_equal(violations(), 0); /* an answer, and no breach of the contract */
    free(body);
}

static void spoil_csr(char *body)
{
    /* The last letters of the signature, before the padding and the end mark. */
    char *end = strstr(body, "\\n-----END");

    end -= 8;
    *end = *end == 'A' ? 'B' : 'A';
}

static void breaks_are_noted_and_refused(void **state)
{
    static const char *const small[] = { "-newkey", "rsa:1024", NULL };
    static const char *const large[] = { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", NULL };
    static const char *const old[] = { "-newkey", "rsa:2048", "-sha1", NULL };
    char *good = make_body("staging", ec), *spoilt = make_body("staging", rsa);
    char *weak = make_body("staging", small), *other = make_body("staging", large);
    char *sha1 = make_body("staging", old), *nowhere = make_body("", ec);
    const struct {
        const char *what, *method, *target, *headers, *body;
        int want;
        const char *text;
    } rows[] = {
        { "wrong method", "POST", "/v2/depTokens", AS_MEDIA, "{}", 405, "METHOD" },
        { "no such parameter", "GET", "/v2/depTokens?limit=10", HEADERS, NULL, 400, "limit" },
        { "wrong content type", "POST", "/v2/depTokens/import", AS_JSON, good, 415, "Content-Type" },
        { "no JSON", "POST", "/v2/depTokens/import", AS_MEDIA, "{", 400, "no JSON" },
        { "no CSR", "POST", "/v2/depTokens/import", AS_MEDIA,
          "{\"data\":{\"attributes\":{\"environment\":\"x\"}}}", 400, "csr is missing" },
        { "words", "POST", "/v2/depTokens/import", AS_MEDIA,
          "{\"data\":{\"attributes\":{\"csr\":\"please\",\"environment\":\"x\"}}}", 400, "begin" },
        { "another signature", "POST", "/v2/depTokens/import", AS_MEDIA, spoilt, 400, "csr: it" },
        { "a small key", "POST", "/v2/depTokens/import", AS_MEDIA, weak, 400, "1024 bits" },
        { "another curve", "POST", "/v2/depTokens/import", AS_MEDIA, other, 400, "P-256" },
        { "an old digest", "POST", "/v2/depTokens/import", AS_MEDIA, sha1, 400, "SHA1" },
        { "no environment", "POST", "/v2/depTokens/import", AS_MEDIA, nowhere, 400, "environment" },
    };

    (void)state;
    spoil_csr(spoilt);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got;

        check(abmsim_control(&sim, "DELETE", "/sim/violations", NULL, &err));
        got = ask(rows[i].method, rows[i].target, rows[i].headers, rows[i].body);
        if (got != rows[i].want || violations() != 1 || !body_has(rows[i].text))
            fail_msg("%s: %d instead of %d: %s", rows[i].what, got, rows[i].want, reply.body.data);
    }
    assert_int_equal(ask("GET", "/sim/dep_tokens", NULL, NULL), 200);
    assert_true(body_has("\"count\":1")); /* none of them had an effect */
    free(good), free(spoilt), free(weak), free(other), free(sha1), free(nowhere);
}

static void faults_befall_these_too(void **state)
{
    static const struct {
        const char *what, *rule, *text;
        int want;
        bool has_effect;
    } rows[] = {
        { "status", "\"status\",\"status\":503", "SERVICE_UNAVAILABLE", 503, false },
        { "rate limit", "\"rate429\",\"retry_after\":\"seconds:7\"", "RATE_LIMIT", 429, false },
        { "page", "\"html\"", "<html>", 200, false },
        { "half of it", "\"truncate\"", "{\"data\":{", 201, true },
        { "cut", "\"cut\"", NULL, 0, true },
        { "reset before", "\"reset_before\"", NULL, 0, false },
        { "reset after", "\"reset_after\"", NULL, 0, true },
        { "late", "\"slow\",\"ms\":20,\"late_effect\":true", "DT_", 201, true },
        { "expired", "\"token_expired\"", "expired", 401, false },
    };
    char *body = make_body("staging", ec), rule[160];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got;

        assert_int_equal(reset(state), 0);
        snprintf(rule, sizeof(rule), "[{\"op\":\"importDepToken\",\"times\":1,\"kind\":%s}]", rows[i].rule);
        check(abmsim_set_faults(&sim, rule, &err));
        got = ask("POST", "/v2/depTokens/import", AS_MEDIA, body);
        if (got != rows[i].want || (rows[i].text && !body_has(rows[i].text)))
            fail_msg("%s: %d, %s", rows[i].what, got, reply.body.len ? reply.body.data : "");
        assert_int_equal(abmsim_stat(&sim, "faults", &err), 1);
        ask("GET", "/sim/dep_tokens", NULL, NULL);
        if (body_has("\"count\":2") != rows[i].has_effect)
            fail_msg("%s: %s", rows[i].what, reply.body.data);
    }
    free(body);
}

static double seconds_ahead(void)
{
    struct tm parts = { 0 };
    char value[64];

    assert_int_equal(ask("GET", "/v2/depTokens", HEADERS, NULL), 200);
    assert_true(http_reply_header(&reply, "Date", value, sizeof(value)));
    assert_non_null(strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &parts));
    return difftime(timegm(&parts), time(NULL));
}

/* Its clock is what a client measures its own by: the Date header, and what is expired. */
static void its_clock_can_be_another(void **state)
{
    static const int hours[] = { 2, -2, 0 };
    char scenario[64];

    (void)state;
    for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
        double ahead;

        snprintf(scenario, sizeof(scenario), "{\"clock_offset_ms\":%d}", hours[i] * 3600000);
        check(abmsim_set(&sim, scenario, &err));
        ahead = seconds_ahead() - hours[i] * 3600;
        assert_true(ahead > -60 && ahead < 60);
    }
    check(abmsim_set(&sim, "{\"dep_tokens\":[{\"expires_in_s\":3600}],\"clock_offset_ms\":7200000}", &err));
    assert_int_equal(ask("GET", "/v2/depTokens", HEADERS, NULL), 200);
    assert_true(body_has("\"EXPIRED\""));
    check(abmsim_set(&sim, "{\"clock_offset_ms\":0}", &err));
    assert_int_equal(abmsim_set(&sim, "{\"clock_offset_ms\":\"1h\"}", &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lists_dep_tokens, reset),
        cmocka_unit_test_setup(issues_a_dep_token_for_a_csr, reset),
        cmocka_unit_test_setup(a_key_is_of_one_environment, reset),
        cmocka_unit_test_setup(breaks_are_noted_and_refused, reset),
        cmocka_unit_test_setup(faults_befall_these_too, reset),
        cmocka_unit_test_setup(its_clock_can_be_another, reset),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

/* abmsim as the issuer of ABM tokens, over plain HTTP; its keys are made by the openssl command. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "crypto/jwt.h"
#include "harness/http_get.h"
#include "harness/sim.h"

#define ACCEPT   "Accept: application/vnd.api+json; version=2.0\r\n"
#define BODY     "{\"data\":{\"attributes\":{\"expiresIn\":600,\"scope\":[\"ABM\"]}}}"
#define EXCHANGE "/v1/issuerTokens"

static struct abmsim sim;
static struct http_reply reply;
static struct err err;
static char dir[64], option[128];
static struct ec_key *keys[2];
static char *public_pem[2];

static void check(int rc)
{
    if (rc < 0)
        fail_msg("%s", err.text);
}

static void run(const char *const *argv)
{
    struct proc_options options = { .argv = argv, .stdout_file = "/dev/null", .stderr_file = "/dev/null" };

    if (proc_run(&options, 30000, &err) != 0)
        fail_msg("%s: %s", argv[1], err.text);
}

static char *read_file(const char *path)
{
    struct buf text;

    buf_init(&text, 65536);
    check(fsio_read(path, &text, &err));
    return buf_detach(&text);
}

static void make_key(int number)
{
    char private[96], public[96];
    const char *const make[] = { "openssl", "genpkey",  "-algorithm",
                                 "EC",      "-pkeyopt", "ec_paramgen_curve:P-256",
                                 "-out",    private,    NULL };
    const char *const print[] = { "openssl", "pkey", "-in", private, "-pubout", "-out", public, NULL };
    char *pem;

    snprintf(private, sizeof(private), "%s/key%d.pem", dir, number);
    snprintf(public, sizeof(public), "%s/public%d.pem", dir, number);
    run(make);
    run(print);
    pem = read_file(private);
    check(ec_key_read(pem, strlen(pem), &keys[number], &err));
    free(pem);
    public_pem[number] = read_file(public);
}

static int start(void **state)
{
    static const char *options[] = { "--issuer-key", option, "--issuer-id", "me", NULL };

    (void)state;
    http_reply_init(&reply);
    check(proc_temp_dir("sim-issuer", dir, sizeof(dir), &err));
    make_key(0);
    make_key(1);
    snprintf(option, sizeof(option), "K1=%s/public0.pem", dir);
    check(abmsim_start(&sim, TEST_BIN "/abmsim", options, &err));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_reply_release(&reply);
    proc_remove_dir(dir);
    for (int i = 0; i < 2; i++) {
        ec_key_free(keys[i]);
        free(public_pem[i]);
    }
    return abmsim_stop(&sim) == 0 ? 0 : -1;
}

static void post_key(const char *kid, int number)
{
    check(abmsim_add_issuer_key(&sim, kid, public_pem[number], &err));
}

static int reset(void **state)
{
    (void)state;
    err_reset(&err);
    check(abmsim_control(&sim, "POST", "/sim/reset", NULL, &err));
    check(abmsim_set(&sim, "{\"rate\":\"0\",\"burst\":1,\"clock_offset_ms\":0,\"token_life_s\":0}", &err));
    post_key("K1", 0);
    return 0;
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

/* A JWT of this moment, of such a life and audience, signed by that key. */
static int exchange_as(const char *kid, int number, int life_s, const char *aud, const char *more,
                       const char *body)
{
    long long now_s = clock_real_ms() / 1000;
    char claims[256], headers[2048];
    struct secret *jwt;
    int len;

    len = snprintf(claims, sizeof(claims), "{\"iss\":\"me\",\"iat\":%lld,\"exp\":%lld,\"aud\":\"%s\"}", now_s,
                   now_s + life_s, aud);
    check(jwt_sign_es256(keys[number], kid, claims, (size_t)len, &jwt, &err));
    snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n%s", secret_text(jwt), more);
    secret_free(jwt);
    return ask("POST", EXCHANGE, headers, body);
}

static int exchange(const char *kid, int number)
{
    return exchange_as(kid, number, 1200, "appstoreconnect-v1", "Content-Type: application/json\r\n", BODY);
}

/* The token of the last answer as a request's headers. */
static void take_token(char headers[2048])
{
    struct json *doc;
    const char *token;

    check(json_parse(reply.body.data, reply.body.len, &doc, &err));
    token = json_string(json_get(json_get(json_get(doc, "data"), "attributes"), "token"));
    assert_non_null(token);
    snprintf(headers, 2048, ACCEPT "Authorization: Bearer %s\r\n", token);
    json_free(doc);
}

static int look(const char *headers)
{
    return ask("GET", "/v2/blueprints", headers, NULL);
}

static void exchanges_a_jwt_for_a_token(void **state)
{
    char headers[2048], value[64];
    int64_t exp_ms, left_ms;
    const char *token;

    (void)state;
    assert_int_equal(exchange("K1", 0), 201);
    assert_true(http_reply_header(&reply, "Content-Type", value, sizeof(value)));
    assert_string_equal(value, "application/json");
    assert_true(body_has("\"expiresAt\":\"2"));
    take_token(headers);
    token = headers + strlen(ACCEPT "Authorization: Bearer ");
    assert_int_equal(jwt_expiry(token, strcspn(token, "\r"), &exp_ms, &err), 1);
    left_ms = exp_ms - clock_real_ms();
    assert_true(left_ms > 0 && left_ms <= 600000);
    assert_int_equal(look(headers), 200);
    assert_int_equal(look(ACCEPT "Authorization: Bearer t0ken\r\n"), 401);
    assert_true(body_has("none of this issuer"));
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 0);
    assert_int_equal(abmsim_stat(&sim, "tokens_issued", &err), 1);
    assert_int_equal(abmsim_stat(&sim, "by_operation.issueToken", &err), 1);
}

static void tokens_end(void **state)
{
    char headers[2048], second[2048];

    (void)state;
    assert_int_equal(exchange("K1", 0), 201);
    take_token(headers);
    check(abmsim_set(&sim, "{\"clock_offset_ms\":300000}", &err));
    assert_int_equal(look(headers), 200);
    check(abmsim_set(&sim, "{\"clock_offset_ms\":600000}", &err));
    assert_int_equal(look(headers), 401);
    assert_true(body_has("the token has expired"));
    check(abmsim_set(&sim, "{\"clock_offset_ms\":0,\"token_life_s\":60}", &err));
    assert_int_equal(look(headers), 200);
    check(abmsim_control(&sim, "POST", "/sim/issuer/expire", NULL, &err));
    assert_int_equal(look(headers), 401);
    assert_int_equal(exchange("K1", 0), 201);
    take_token(second);
    assert_int_equal(look(second), 200);
    check(abmsim_set(&sim, "{\"clock_offset_ms\":60000}", &err));
    assert_int_equal(look(second), 401);
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 0);
}

static void keys_are_rotated_and_revoked(void **state)
{
    char headers[2048];

    (void)state;
    assert_int_equal(exchange("K1", 0), 201);
    take_token(headers);
    assert_int_equal(exchange("K2", 1), 401);
    assert_true(body_has("NOT_AUTHORIZED.KEY_UNKNOWN"));
    post_key("K2", 1);
    assert_int_equal(exchange("K2", 1), 201);
    check(abmsim_control(&sim, "POST", "/sim/issuer/revoke", "{\"kid\":\"K1\"}", &err));
    assert_int_equal(exchange("K1", 0), 401);
    assert_true(body_has("NOT_AUTHORIZED.KEY_REVOKED"));
    assert_int_equal(look(headers), 200); /* what was issued before is good until its end */
    check(abmsim_control(&sim, "POST", "/sim/issuer/revoke", "{\"kid\":\"K1\",\"with_tokens\":true}", &err));
    assert_int_equal(look(headers), 401);
    assert_int_equal(exchange("K2", 0), 401);
    assert_true(body_has("NOT_AUTHORIZED.SIGNATURE"));
    assert_int_equal(ask("GET", "/sim/issuer", NULL, NULL), 200);
    assert_true(body_has("{\"kid\":\"K1\",\"is_revoked\":true"));
    assert_true(body_has("{\"kid\":\"K2\",\"is_revoked\":false"));
    assert_int_equal(abmsim_stat(&sim, "tokens_refused", &err), 3);
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 0);
    assert_int_equal(
        abmsim_control(&sim, "POST", "/sim/issuer/key", "{\"kid\":\"K9\",\"public_key\":\"none\"}", &err),
        -1);
    assert_int_equal(abmsim_control(&sim, "POST", "/sim/issuer/revoke", "{\"kid\":\"K9\"}", &err), -1);
}

/* The client finds the offset out by the Date of the answer that refuses it. */
static void a_clock_that_is_off_is_told(void **state)
{
    (void)state;
    check(abmsim_set(&sim, "{\"clock_offset_ms\":-600000}", &err));
    assert_int_equal(exchange("K1", 0), 401);
    assert_true(body_has("NOT_AUTHORIZED.CLOCK_SKEW"));
    assert_true(body_has("s ahead of the server's clock"));
    check(abmsim_set(&sim, "{\"clock_offset_ms\":3600000}", &err));
    assert_int_equal(exchange("K1", 0), 401);
    assert_true(body_has("NOT_AUTHORIZED.JWT_EXPIRED"));
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 0);
}

static void breaks_are_noted_and_refused(void **state)
{
#define AUD  "appstoreconnect-v1"
#define JSON "Content-Type: application/json\r\n"
    static const struct {
        const char *what;
        int life_s;
        const char *aud, *more, *body;
        int want;
    } rows[] = {
        { "another content type", 60, AUD, "Content-Type: application/vnd.api+json\r\n", BODY, 415 },
        { "no content type", 60, AUD, "", BODY, 415 },
        { "another Accept", 60, AUD, JSON "Accept: text/html\r\n", BODY, 406 },
        { "no JSON", 60, AUD, JSON, "{", 400 },
        { "too short", 60, AUD, JSON, "{\"data\":{\"attributes\":{\"expiresIn\":59,\"scope\":[\"ABM\"]}}}",
          400 },
        { "too long", 60, AUD, JSON, "{\"data\":{\"attributes\":{\"expiresIn\":31536001,\"scope\":[]}}}",
          400 },
        { "no scope", 60, AUD, JSON, "{\"data\":{\"attributes\":{\"expiresIn\":60}}}", 400 },
        { "another scope", 60, AUD, JSON,
          "{\"data\":{\"attributes\":{\"expiresIn\":60,\"scope\":[\"ASM\"]}}}", 400 },
        { "a JWT for another", 60, "appstoreconnect-v2", JSON, BODY, 401 },
        { "a JWT that lives too long", 1201, AUD, JSON, BODY, 401 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got;

        check(abmsim_control(&sim, "DELETE", "/sim/violations", NULL, &err));
        got = exchange_as("K1", 0, rows[i].life_s, rows[i].aud, rows[i].more, rows[i].body);
        if (got != rows[i].want || abmsim_stat(&sim, "violations", &err) != 1)
            fail_msg("%s: %d instead of %d: %s", rows[i].what, got, rows[i].want, reply.body.data);
    }
    assert_int_equal(ask("POST", EXCHANGE, JSON, BODY), 401);
    assert_int_equal(ask("POST", EXCHANGE, JSON "Authorization: Bearer a.b.c\r\n", BODY), 401);
    assert_int_equal(ask("GET", EXCHANGE, JSON, NULL), 405);
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 4);
    assert_int_equal(exchange_as("K1", 0, 60, AUD, JSON "Accept: */*\r\n", BODY), 201);
    assert_int_equal(exchange_as("K1", 0, 60, AUD, JSON ACCEPT, BODY), 201);
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 4);
    assert_int_equal(abmsim_stat(&sim, "tokens_issued", &err), 2);
}

static void the_limit_is_not_the_issuers(void **state)
{
    char headers[2048];

    (void)state;
    check(abmsim_set(&sim, "{\"rate\":\"1/100\",\"burst\":1}", &err));
    assert_int_equal(exchange("K1", 0), 201);
    take_token(headers);
    assert_int_equal(look(headers), 200);
    assert_int_equal(look(headers), 429);
    assert_int_equal(exchange("K1", 0), 201);
    assert_in_range(abmsim_stat(&sim, "max_in_second", &err), 1, 2); /* the looks alone */
    assert_int_equal(abmsim_stat(&sim, "requests", &err), 4);
}

static void faults_befall_it_too(void **state)
{
    static const struct {
        const char *what, *rule;
        int want, issued;
    } rows[] = {
        { "status", "\"status\",\"status\":503", 503, 0 },
        { "forbidden", "\"status\",\"status\":403,\"code\":\"FORBIDDEN.NO_ROLE\"", 403, 0 },
        { "page", "\"html\"", 200, 0 },
        { "half of it", "\"truncate\"", 201, 1 },
        { "reset before", "\"reset_before\"", 0, 0 },
        { "reset after", "\"reset_after\"", 0, 1 },
        { "late", "\"slow\",\"ms\":20,\"late_effect\":true", 201, 1 },
    };
    char rule[160], headers[2048];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got;

        assert_int_equal(reset(state), 0);
        snprintf(rule, sizeof(rule), "[{\"op\":\"issueToken\",\"times\":1,\"kind\":%s}]", rows[i].rule);
        check(abmsim_set_faults(&sim, rule, &err));
        got = exchange("K1", 0);
        if (got != rows[i].want || abmsim_stat(&sim, "tokens_issued", &err) != rows[i].issued ||
            abmsim_stat(&sim, "faults", &err) != 1)
            fail_msg("%s: %d, %s", rows[i].what, got, reply.body.len ? reply.body.data : "");
        assert_int_equal(exchange("K1", 0), 201);
    }
    /* token_expired ends what was issued, and the next exchange is its end. */
    take_token(headers);
    check(abmsim_set_faults(&sim, "[{\"op\":\"listBlueprints\",\"times\":1,\"kind\":\"token_expired\"}]",
                            &err));
    assert_int_equal(look(headers), 401);
    assert_int_equal(look(headers), 401);
    assert_int_equal(exchange("K1", 0), 201);
    take_token(headers);
    assert_int_equal(look(headers), 200);
}

static void without_keys_any_token_is_good(void **state)
{
    struct abmsim other;
    int port = sim.port;

    (void)state;
    check(abmsim_start(&other, TEST_BIN "/abmsim", NULL, &err));
    sim.port = other.port;
    assert_int_equal(look(ACCEPT "Authorization: Bearer t0ken\r\n"), 200);
    assert_int_equal(exchange("K1", 0), 401);
    assert_true(body_has("KEY_UNKNOWN"));
    assert_int_equal(look(ACCEPT "Authorization: Bearer t0ken\r\n"), 200);
    sim.port = port;
    assert_int_equal(abmsim_stop(&other), 0);
}

static void tells_what_is_wrong_at_its_start(void **state)
{
    static const struct {
        const char *what, *option, *value;
        int want;
    } rows[] = {
        { "no file", "--issuer-key", "K1", 64 },
        { "a file that is not there", "--issuer-key", "K1=/nonexistent", 65 },
        { "a file that is no key", "--issuer-key", "K1=" TEST_TOP "/tests/sim/README.md", 78 },
        { "an empty id", "--issuer-key", "=" TEST_TOP "/tests/sim/README.md", 65 },
        { "a life that is none", "--token-life", "0", 64 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const argv[] = { TEST_BIN "/abmsim", rows[i].option, rows[i].value, NULL };
        int got = proc_run(
            &(struct proc_options){ .argv = argv, .stdout_file = "/dev/null", .stderr_file = "/dev/null" },
            20000, &err);

        if (got != rows[i].want)
            fail_msg("%s: %d instead of %d", rows[i].what, got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(exchanges_a_jwt_for_a_token, reset),
        cmocka_unit_test_setup(tokens_end, reset),
        cmocka_unit_test_setup(keys_are_rotated_and_revoked, reset),
        cmocka_unit_test_setup(a_clock_that_is_off_is_told, reset),
        cmocka_unit_test_setup(breaks_are_noted_and_refused, reset),
        cmocka_unit_test_setup(the_limit_is_not_the_issuers, reset),
        cmocka_unit_test_setup(faults_befall_it_too, reset),
        cmocka_unit_test_setup(without_keys_any_token_is_good, reset),
        cmocka_unit_test(tells_what_is_wrong_at_its_start),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

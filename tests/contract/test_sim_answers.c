/*
 * abmsim against config/contract/abm-v2.openapi.yaml: each operation of the file is asked, and what it
 * answers has a status, a media type and a body that the file has for it. So nobody tests against a simulator
 * that is another.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "crypto/jwt.h"
#include "harness/http_get.h"
#include "harness/schema.h"
#include "harness/sim.h"

#define CONTRACT TEST_TOP "/config/contract/abm-v2.openapi.yaml"
#define SERIAL   "FVFGH2345678"
#define DEVICES  "{\"devices\":[{\"serial\":\"" SERIAL "\",\"country\":\"JP\"}]}"
#define PUT_BODY "{\"data\":{\"attributes\":{\"blueprintId\":\"bp-1a2b3c4d\",\"mdmServerId\":\"mdm-main\"}}}"
#define EXCHANGE "{\"data\":{\"attributes\":{\"expiresIn\":600,\"scope\":[\"ABM\"]}}}"
#define JSON     "application/json"
#define MEDIA    "application/vnd.api+json"
#define ONE      "/v2/assignments/{deviceId}"

struct at {
    struct abmsim sim;
    struct http_reply reply;
    struct yaml *contract;
    char token[2048], device_path[96];
    char *csr_body;
    struct ec_key *key;
    struct err err;
};

static void check(struct at *at, int rc)
{
    if (rc < 0)
        fail_msg("%s", at->err.text);
}

static void make_csr(struct at *at)
{
    char dir[64], path[96];
    const char *const argv[] = {
        "openssl", "req",   "-new",     "-newkey", "ec",        "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes",  "-subj", "/CN=unit", "-keyout", "/dev/null", "-out",     path,
        NULL
    };
    struct buf pem, body;

    check(at, proc_temp_dir("contract", dir, sizeof(dir), &at->err));
    snprintf(path, sizeof(path), "%s/csr.pem", dir);
    assert_int_equal(
        proc_run(&(struct proc_options){ .argv = argv, .stderr_file = "/dev/null" }, 20000, &at->err), 0);
    buf_init(&pem, 65536);
    buf_init(&body, 65536);
    check(at, fsio_read(path, &pem, &at->err));
    buf_add_str(&body, "{\"data\":{\"attributes\":{\"environment\":\"staging\",\"csr\":");
    json_quote(&body, pem.data, pem.len);
    buf_add_str(&body, "}}}");
    at->csr_body = buf_detach(&body);
    buf_release(&pem);
    proc_remove_dir(dir);
}

/* The public half goes to the simulator as the key K1. */
static void make_key(struct at *at)
{
    struct buf pem;

    check(at, ec_key_new(&at->key, &at->err));
    buf_init(&pem, 4096);
    ec_public_print(&pem, ec_key_public(at->key));
    check(at, abmsim_add_issuer_key(&at->sim, "K1", pem.data, &at->err));
    buf_release(&pem);
}

static int start(void **state)
{
    struct at *at = calloc(1, sizeof(*at));

    assert_non_null(at);
    *state = at;
    http_reply_init(&at->reply);
    check(at, yaml_load(CONTRACT, YAML_SETTINGS_BYTES, &at->contract, &at->err));
    check(at, abmsim_start(&at->sim, TEST_BIN "/abmsim", NULL, &at->err));
    make_key(at);
    make_csr(at);
    return 0;
}

static int stop(void **state)
{
    struct at *at = *state;
    int rc = abmsim_stop(&at->sim);

    http_reply_release(&at->reply);
    yaml_doc_free(at->contract);
    ec_key_free(at->key);
    free(at->csr_body);
    free(at);
    return rc;
}

/* Asks and holds the answer against what the contract has for it. */
static void ask(struct at *at, const char *method, const char *path, const char *target, const char *media,
                const char *body, int want)
{
    const struct yaml_node *operation = schema_operation(at->contract, method, path), *response, *content;
    char headers[4096], type[128], what[192];
    struct json *doc;
    int len;

    len =
        snprintf(headers, sizeof(headers),
                 "Accept: application/vnd.api+json; version=2.0\r\nAuthorization: Bearer %s\r\n", at->token);
    if (media != NULL)
        snprintf(headers + len, sizeof(headers) - (size_t)len, "Content-Type: %s\r\n", media);
    check(at, http_ask(at->sim.port, method, target, headers, body, 20000, &at->reply, &at->err));
    snprintf(what, sizeof(what), "%s %.100s %d", method, target, at->reply.status);
    if (operation == NULL || at->reply.status != want)
        fail_msg("%s, not %d: %s", what, want, at->reply.body.len > 0 ? at->reply.body.data : "");
    response = schema_response(at->contract, operation, want);
    if (response == NULL)
        fail_msg("%s: the contract has no such status here", what);
    content = yaml_get(response, "content");
    if (content == NULL) {
        assert_int_equal(at->reply.body.len, 0);
        return;
    }
    assert_true(http_reply_header(&at->reply, "Content-Type", type, sizeof(type)));
    if (yaml_get(content, type) == NULL)
        fail_msg("%s: the contract has no %s here", what, type);
    check(at, json_parse(at->reply.body.data, at->reply.body.len, &doc, &at->err));
    if (schema_check(at->contract, yaml_get(yaml_get(content, type), "schema"), doc, what, &at->err) != 0)
        fail_msg("%s in %s", at->err.text, at->reply.body.data);
    json_free(doc);
}

static void use_jwt(struct at *at)
{
    long long now_s = clock_real_ms() / 1000;
    struct secret *jwt;
    char claims[160];
    int len = snprintf(claims, sizeof(claims),
                       "{\"iss\":\"me\",\"aud\":\"appstoreconnect-v1\",\"iat\":%lld,\"exp\":%lld}", now_s,
                       now_s + 1200);

    check(at, jwt_sign_es256(at->key, "K1", claims, (size_t)len, &jwt, &at->err));
    snprintf(at->token, sizeof(at->token), "%s", secret_text(jwt));
    secret_free(jwt);
}

static void use_token(struct at *at)
{
    struct json *doc;

    check(at, json_parse(at->reply.body.data, at->reply.body.len, &doc, &at->err));
    snprintf(at->token, sizeof(at->token), "%s",
             json_string(json_get(json_get(json_get(doc, "data"), "attributes"), "token")));
    json_free(doc);
}

static void find_device(struct at *at)
{
    struct abmsim_device device;

    assert_int_equal(abmsim_device(&at->sim, SERIAL, &device, &at->err), 1);
    snprintf(at->device_path, sizeof(at->device_path), "/v2/assignments/%s", device.device_id);
}

static void answers_are_those_of_the_contract(void **state)
{
    struct at *at = *state;

    use_jwt(at);
    ask(at, "POST", "/v1/issuerTokens", "/v1/issuerTokens", JSON, EXCHANGE, 201);
    use_token(at);
    ask(at, "POST", "/v2/devices/batch", "/v2/devices/batch", JSON, DEVICES, 207);
    ask(at, "POST", "/v2/devices/batch", "/v2/devices/batch", JSON, DEVICES, 207);
    find_device(at);
    ask(at, "GET", ONE, at->device_path, NULL, NULL, 404);
    ask(at, "PUT", ONE, at->device_path, MEDIA, PUT_BODY, 200);
    ask(at, "GET", ONE, at->device_path, NULL, NULL, 200);
    ask(at, "GET", "/v2/devices", "/v2/devices", NULL, NULL, 200);
    ask(at, "GET", "/v2/assignments", "/v2/assignments", NULL, NULL, 200);
    ask(at, "GET", "/v2/blueprints", "/v2/blueprints?limit=1", NULL, NULL, 200);
    ask(at, "GET", "/v2/mdmServers", "/v2/mdmServers", NULL, NULL, 200);
    check(at, abmsim_set(&at->sim, "{\"propagation_ms\":3600000}", &at->err));
    ask(at, "DELETE", ONE, at->device_path, NULL, NULL, 204);
    ask(at, "PUT", ONE, at->device_path, MEDIA, PUT_BODY, 202);
    ask(at, "GET", "/v2/depTokens", "/v2/depTokens", NULL, NULL, 200);
    ask(at, "POST", "/v2/depTokens/import", "/v2/depTokens/import", MEDIA, at->csr_body, 201);
    ask(at, "GET", "/v2/depTokens", "/v2/depTokens", NULL, NULL, 200);
    assert_int_equal(abmsim_stat(&at->sim, "violations", &at->err), 0);
}

static void refusals_are_those_of_the_contract(void **state)
{
    struct at *at = *state;

    check(at, abmsim_control(&at->sim, "POST", "/sim/issuer/expire", NULL, &at->err));
    ask(at, "GET", "/v2/depTokens", "/v2/depTokens", NULL, NULL, 401);
    ask(at, "POST", "/v1/issuerTokens", "/v1/issuerTokens", JSON, EXCHANGE, 401);
    use_jwt(at);
    check(at, abmsim_set_faults(&at->sim, "[{\"op\":\"issueToken\",\"kind\":\"status\",\"status\":403}]",
                                &at->err));
    ask(at, "POST", "/v1/issuerTokens", "/v1/issuerTokens", JSON, EXCHANGE, 403);
    check(at, abmsim_set_faults(&at->sim, "[]", &at->err));
    ask(at, "POST", "/v1/issuerTokens", "/v1/issuerTokens", JSON, EXCHANGE, 201);
    use_token(at);
    ask(at, "POST", "/v2/depTokens/import", "/v2/depTokens/import", MEDIA, "{}", 400);
    check(at, abmsim_set(&at->sim, "{\"rate\":\"1/100\",\"burst\":1}", &at->err));
    ask(at, "GET", "/v2/depTokens", "/v2/depTokens", NULL, NULL, 200);
    ask(at, "GET", "/v2/depTokens", "/v2/depTokens", NULL, NULL, 429);
}

/* Each operation of the file was asked above, and answered well. */
static void none_was_left_out(void **state)
{
    struct at *at = *state;
    const struct yaml_node *paths = yaml_get(at->contract->root, "paths");
    char name[64];
    int count = 0;

    for (const struct yaml_node *path = paths->first; path != NULL; path = path->next) {
        for (const struct yaml_node *operation = path->first; operation != NULL;
             operation = operation->next) {
            snprintf(name, sizeof(name), "by_operation.%.40s", yaml_get(operation, "operationId")->text);
            if (abmsim_stat(&at->sim, name, &at->err) < 1)
                fail_msg("%s was not asked", name);
            count++;
        }
    }
    assert_int_equal(count, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_the_contract),
        cmocka_unit_test(refusals_are_those_of_the_contract),
        cmocka_unit_test(none_was_left_out),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

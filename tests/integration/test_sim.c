/* abmsim over plain HTTP, with no code of the client that it is there to test. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "harness/http_get.h"
#include "harness/sim.h"

#define HEADERS   "Accept: application/vnd.api+json; version=2.0\r\nAuthorization: Bearer t0ken\r\n"
#define AS_JSON   HEADERS "Content-Type: application/json\r\n"
#define AS_MEDIA  HEADERS "Content-Type: application/vnd.api+json\r\n"
#define SERIAL    "FVFGH2345678"
#define OTHER     "C02XL0GYJGH5"
#define BLUEPRINT "bp-1a2b3c4d"
#define IMPORT                                                                                               \
    "{\"devices\":[{\"serial\":\"" SERIAL "\",\"country\":\"JP\"},{\"serial\":\"" OTHER                      \
    "\",\"country\":\"DE\"}]}"
#define PUT_BODY                                                                                             \
    "{\"data\":{\"attributes\":{\"blueprintId\":\"" BLUEPRINT "\",\"mdmServerId\":\"mdm-main\"}}}"

static struct abmsim sim;
static struct http_reply reply;
static struct err err;

static int start(void **state)
{
    (void)state;
    http_reply_init(&reply);
    if (abmsim_start(&sim, TEST_BIN "/abmsim", NULL, &err) == 0)
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    http_reply_release(&reply);
    return abmsim_stop(&sim) == 0 ? 0 : -1; /* SIGTERM ends it cleanly */
}

static int reset(void **state)
{
    (void)state;
    return abmsim_control(&sim, "POST", "/sim/reset", NULL, &err) == 0 &&
                   abmsim_set(&sim,
                              "{\"rate\":\"0\",\"burst\":1,\"propagation_ms\":0,\"shows_older\":false,"
                              "\"retry_after\":\"seconds\",\"token\":\"\"}",
                              &err) == 0
               ? 0
               : -1;
}

static void check(int rc)
{
    if (rc < 0)
        fail_msg("%s", err.text);
}

/* The status; 0 where the connection was closed or the answer was cut. */
static int ask(const char *method, const char *target, const char *headers, const char *body)
{
    err_reset(&err);
    return http_ask(sim.port, method, target, headers, body, 20000, &reply, &err) == 0 ? reply.status : 0;
}

static void seed(void)
{
    check(abmsim_add_device(&sim, SERIAL, "JP", NULL, NULL, &err));
    check(abmsim_add_device(&sim, OTHER, "DE", NULL, NULL, &err));
}

static struct abmsim_device look(const char *serial)
{
    struct abmsim_device device;

    if (abmsim_device(&sim, serial, &device, &err) != 1)
        fail_msg("%s: not there, %s", serial, err.text);
    return device;
}

static char *assignment_path(const char *serial, char *path, size_t size)
{
    snprintf(path, size, "/v2/assignments/%s", look(serial).device_id);
    return path;
}

static int put(const char *serial)
{
    char path[64];

    return ask("PUT", assignment_path(serial, path, sizeof(path)), AS_MEDIA, PUT_BODY);
}

static bool body_has(const char *text)
{
    return reply.body.len > 0 && strstr(reply.body.data, text);
}

static void breaks_are_noted_and_refused(void **state)
{
    static const struct {
        const char *what, *method, *target, *headers, *body;
        int want;
    } rows[] = {
        { "no Accept", "GET", "/v2/devices", "Authorization: Bearer t\r\n", NULL, 406 },
        { "Accept without version", "GET", "/v2/devices",
          "Authorization: Bearer t\r\nAccept: application/vnd.api+json\r\n", NULL, 406 },
        { "no Authorization", "GET", "/v2/devices", "Accept: application/vnd.api+json; version=2.0\r\n", NULL,
          401 },
        { "no bearer token", "GET", "/v2/devices",
          "Accept: application/vnd.api+json; version=2.0\r\nAuthorization: Basic eDp5\r\n", NULL, 401 },
        { "unknown path", "GET", "/v2/device", HEADERS, NULL, 404 },
        { "a path with a segment too many", "GET", "/v2/assignments/a/b", HEADERS, NULL, 404 },
        { "wrong method", "DELETE", "/v2/devices", HEADERS, NULL, 405 },
        { "wrong content type", "POST", "/v2/devices/batch", AS_MEDIA, IMPORT, 415 },
        { "body that is no JSON", "POST", "/v2/devices/batch", AS_JSON, "{", 400 },
        { "no devices", "POST", "/v2/devices/batch", AS_JSON, "{\"devices\":[]}", 400 },
        { "further member", "POST", "/v2/devices/batch", AS_JSON,
          "{\"devices\":[{\"serial\":\"" SERIAL "\",\"country\":\"JP\"}],\"x\":1}", 400 },
        { "serial in lower case", "POST", "/v2/devices/batch", AS_JSON,
          "{\"devices\":[{\"serial\":\"fvfgh2345678\",\"country\":\"JP\"}]}", 400 },
        { "country of three letters", "POST", "/v2/devices/batch", AS_JSON,
          "{\"devices\":[{\"serial\":\"" SERIAL "\",\"country\":\"JPN\"}]}", 400 },
        { "model that is no text", "POST", "/v2/devices/batch", AS_JSON,
          "{\"devices\":[{\"serial\":\"" SERIAL "\",\"country\":\"JP\",\"model\":1}]}", 400 },
        { "limit 0", "GET", "/v2/devices?limit=0", HEADERS, NULL, 400 },
        { "limit 1001", "GET", "/v2/assignments?limit=1001", HEADERS, NULL, 400 },
        { "made up cursor", "GET", "/v2/assignments?cursor=100", HEADERS, NULL, 400 },
        { "unknown parameter", "GET", "/v2/devices?serial=" SERIAL, HEADERS, NULL, 400 },
        { "empty filter", "GET", "/v2/assignments?filter%5BdeviceId%5D=", HEADERS, NULL, 400 },
        { "no blueprintId", "PUT", "/v2/assignments/dev-1", AS_MEDIA, "{\"data\":{\"attributes\":{}}}", 422 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf text;
        int64_t count;
        int got;

        check(abmsim_control(&sim, "DELETE", "/sim/violations", NULL, &err));
        got = ask(rows[i].method, rows[i].target, rows[i].headers, rows[i].body);
        buf_init(&text, 65536);
        count = abmsim_violations(&sim, &text, &err);
        if (got != rows[i].want || count != 1)
            fail_msg("%s: %d instead of %d, %lld violations\n%s", rows[i].what, got, rows[i].want,
                     (long long)count, text.data);
        assert_true(body_has("\"errors\":[{\"status\""));
        buf_release(&text);
    }
}

static void more_than_200_are_refused(void **state)
{
    struct buf body, target;

    (void)state;
    buf_init(&body, 65536);
    buf_init(&target, 65536);
    buf_add_str(&body, "{\"devices\":[");
    buf_add_str(&target, "/v2/assignments?filter%5BdeviceId%5D=dev-0");
    for (int i = 0; i < 201; i++)
        buf_addf(&body, "%s{\"serial\":\"F%09d\",\"country\":\"JP\"}", i > 0 ? "," : "", i);
    for (int i = 1; i < 201; i++)
        buf_addf(&target, ",dev-%d", i);
    buf_add_str(&body, "]}");
    assert_int_equal(ask("POST", "/v2/devices/batch", AS_JSON, body.data), 413);
    assert_int_equal(ask("GET", target.data, HEADERS, NULL), 400);
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 2);
    buf_release(&body);
    buf_release(&target);
}

static void imports_item_by_item(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", "/v2/devices/batch", AS_JSON, IMPORT), 207);
    assert_true(body_has("{\"serial\":\"" SERIAL "\",\"status\":201,\"id\":\"dev-"));
    assert_int_equal(ask("POST", "/v2/devices/batch", AS_JSON, IMPORT), 207);
    assert_true(body_has("{\"serial\":\"" SERIAL "\",\"status\":409,\"id\":\"dev-"));
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 0);
    assert_int_equal(abmsim_stat(&sim, "by_operation.importDevices", &err), 2);
}

static void lists_by_page(void **state)
{
    char serial[16], *next, *end;
    int pages = 0, devices = 0;

    (void)state;
    for (int i = 0; i < 25; i++) {
        snprintf(serial, sizeof(serial), "F%09d", i);
        check(abmsim_add_device(&sim, serial, "JP", i % 5 ? BLUEPRINT : NULL, NULL, &err));
    }
    assert_int_equal(ask("GET", "/v2/assignments?limit=7", HEADERS, NULL), 200);
    for (;;) {
        pages++;
        for (const char *at = reply.body.data; (at = strstr(at, "\"blueprintId\":\"" BLUEPRINT "\"")); at++)
            devices++;
        next = strstr(reply.body.data, "\"next\":\"");
        if (!next)
            break;
        next = strstr(next + strlen("\"next\":\"http://"), "/v2/");
        end = strchr(next, '"');
        *end = '\0';
        next = strdup(next);
        assert_int_equal(ask("GET", next, HEADERS, NULL), 200);
        free(next);
    }
    assert_int_equal(pages, 3);
    assert_int_equal(devices, 20);
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 0);
}

static void assigns_and_unassigns(void **state)
{
    char path[64], *id;

    (void)state;
    seed();
    assert_int_equal(ask("GET", assignment_path(SERIAL, path, sizeof(path)), HEADERS, NULL), 404);
    assert_int_equal(put(SERIAL), 200);
    id = strndup(strstr(reply.body.data, "\"as-"), 15);
    assert_string_equal(look(SERIAL).blueprint_id, BLUEPRINT);
    assert_string_equal(look(SERIAL).mdm_server_id, "mdm-main");
    assert_int_equal(put(SERIAL), 200); /* the same again is nothing new: the id stays */
    assert_true(body_has(id));
    free(id);
    assert_int_equal(look(SERIAL).puts_received, 2);
    assert_int_equal(look(SERIAL).puts_changed, 1);
    assert_int_equal(ask("PUT", path, AS_MEDIA, "{\"data\":{\"attributes\":{\"blueprintId\":\"bp-none\"}}}"),
                     422);
    assert_true(body_has("BLUEPRINT_NOT_FOUND"));
    assert_int_equal(ask("PUT", "/v2/assignments/dev-0", AS_MEDIA, PUT_BODY), 404);
    assert_int_equal(ask("DELETE", path, HEADERS, NULL), 204);
    assert_int_equal(ask("DELETE", path, HEADERS, NULL), 204);
    assert_string_equal(look(SERIAL).state, "NONE");
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 0);
}

static void profile_id_assigns_nothing(void **state)
{
    char path[64];

    (void)state;
    seed();
    assert_int_equal(ask("PUT", assignment_path(SERIAL, path, sizeof(path)), AS_MEDIA,
                         "{\"data\":{\"attributes\":{\"profileId\":\"" BLUEPRINT "\"}}}"),
                     200);
    assert_false(body_has("blueprintId"));
    assert_string_equal(look(SERIAL).state, "NONE");
    assert_int_equal(abmsim_stat(&sim, "violations", &err), 1);
}

static bool is_in_effect(void *user)
{
    (void)user;
    return strcmp(look(OTHER).blueprint_id, BLUEPRINT) == 0;
}

static void takes_effect_later(void **state)
{
    char path[64];

    (void)state;
    check(abmsim_add_device(&sim, SERIAL, "JP", "bp-5e6f7g8h", NULL, &err));
    check(abmsim_set(&sim, "{\"propagation_ms\":3600000}", &err));
    assert_int_equal(put(SERIAL), 202);
    assert_true(body_has("\"state\":\"ACCEPTED\""));
    assert_string_equal(look(SERIAL).blueprint_id, "bp-5e6f7g8h");
    assert_string_equal(look(SERIAL).pending_blueprint_id, BLUEPRINT);
    assert_int_equal(ask("GET", assignment_path(SERIAL, path, sizeof(path)), HEADERS, NULL), 200);
    assert_true(body_has("ACCEPTED"));
    check(abmsim_set(&sim, "{\"shows_older\":true}", &err));
    assert_int_equal(ask("GET", path, HEADERS, NULL), 200);
    assert_true(body_has("bp-5e6f7g8h"));
    assert_true(body_has("PROPAGATED"));

    check(abmsim_add_device(&sim, OTHER, "DE", "bp-5e6f7g8h", NULL, &err));
    check(abmsim_set(&sim, "{\"propagation_ms\":50}", &err));
    assert_int_equal(put(OTHER), 202);
    assert_true(proc_until(is_in_effect, NULL, 10000));
    assert_int_equal(look(OTHER).changes, 2);
    assert_string_equal(look(SERIAL).blueprint_id, "bp-5e6f7g8h");
}

static void limits_exactly(void **state)
{
    static const struct {
        const char *form, *prefix;
    } rows[] = { { "seconds", "100" }, { "date", "" }, { "none", NULL } };
    char scenario[96], value[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* One in 100 s: within this test there are 5 and no more. */
        snprintf(scenario, sizeof(scenario), "{\"rate\":\"1/100\",\"burst\":5,\"retry_after\":\"%s\"}",
                 rows[i].form);
        check(abmsim_set(&sim, scenario, &err));
        for (int n = 0; n < 5; n++)
            assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), 200);
        assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), 429);
        assert_int_equal(http_reply_header(&reply, "Retry-After", value, sizeof(value)),
                         rows[i].prefix != NULL);
        if (rows[i].prefix && *rows[i].prefix)
            assert_string_equal(value, rows[i].prefix);
        if (rows[i].prefix && !*rows[i].prefix) {
            struct tm parts = { 0 };
            double left;

            assert_non_null(strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &parts));
            left = difftime(timegm(&parts), time(NULL));
            assert_true(left > 90 && left <= 102);
        }
    }
    assert_int_equal(abmsim_stat(&sim, "limited", &err), 3);
    assert_int_equal(abmsim_stat(&sim, "by_status.429", &err), 3);
    assert_int_equal(abmsim_stat(&sim, "requests", &err), 18);
}

static void faults_answer_as_told(void **state)
{
    static const struct {
        const char *what, *rule;
        int want; /* 0: no whole answer */
        const char *text;
        bool has_effect;
    } rows[] = {
        { "status", "\"status\",\"status\":503,\"retry_after\":\"seconds:7\"", 503, "SERVICE_UNAVAILABLE",
          false },
        { "status with a code", "\"status\",\"status\":409,\"code\":\"LOCKED\"", 409, "\"LOCKED\"", false },
        { "status as a page", "\"status\",\"status\":502,\"html\":true", 502, "<html>", false },
        { "status after the effect", "\"status\",\"status\":504,\"effect\":true", 504, "GATEWAY", true },
        { "rate limit", "\"rate429\",\"retry_after\":\"seconds:7\"", 429, "RATE_LIMIT", false },
        { "page", "\"html\"", 200, "<html>", false },
        { "half of it", "\"truncate\"", 200, "{\"data\":{\"id\"", true },
        { "no JSON", "\"malformed\"", 200, "{\"data\";", true },
        { "cut", "\"cut\"", 0, NULL, true },
        { "reset before", "\"reset_before\"", 0, NULL, false },
        { "reset after", "\"reset_after\"", 0, NULL, true },
        { "slow", "\"slow\",\"ms\":20", 200, BLUEPRINT, true },
        { "slow, late effect", "\"slow\",\"ms\":20,\"late_effect\":true", 200, BLUEPRINT, true },
        { "hang", "\"hang\",\"ms\":20", 0, NULL, true },
        { "forgotten", "\"forget\"", 200, BLUEPRINT, false },
        { "profile", "\"profile_ignored\"", 200, "PROPAGATED", false },
        { "no blueprint id", "\"lack_blueprint_id\"", 200, "\"mdmServerId\":\"mdm-main\"", true },
        { "wrong device", "\"wrong_device\"", 200, "dev-0000000000000000", true },
        { "never", "\"never_propagate\"", 202, "ACCEPTED", false },
        { "failing", "\"fail_assignment\"", 202, "ACCEPTED", false },
        { "bad request", "\"bad_request_if_serial\",\"serial\":\"" SERIAL "\"", 400, "BAD_REQUEST", false },
    };
    char rule[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool has_effect;
        int got;

        check(abmsim_control(&sim, "POST", "/sim/reset", NULL, &err));
        seed();
        snprintf(rule, sizeof(rule), "[{\"op\":\"putAssignment\",\"times\":1,\"kind\":%s}]", rows[i].rule);
        check(abmsim_set_faults(&sim, rule, &err));
        got = put(SERIAL);
        has_effect = strcmp(look(SERIAL).state, "PROPAGATED") == 0;
        if (got != rows[i].want || (rows[i].text && !body_has(rows[i].text)) ||
            has_effect != rows[i].has_effect)
            fail_msg("%s: %d, effect %d, %s", rows[i].what, got, has_effect,
                     reply.body.len ? reply.body.data : "");
        assert_int_equal(abmsim_stat(&sim, "faults", &err), 1);
        assert_int_equal(put(OTHER), 200); /* once only */
    }
}

static void items_are_dropped_and_refused(void **state)
{
    (void)state;
    check(abmsim_set_faults(&sim,
                            "[{\"kind\":\"drop_item\",\"serial\":\"" OTHER "\",\"times\":1},"
                            "{\"kind\":\"refuse_item\",\"serial\":\"" SERIAL
                            "\",\"status\":403,\"code\":\"NOT_YOURS\"}]",
                            &err));
    assert_int_equal(ask("POST", "/v2/devices/batch", AS_JSON, IMPORT), 207);
    assert_false(body_has(OTHER)); /* each of the two meets its own, in one request */
    assert_true(body_has("\"code\":\"NOT_YOURS\""));
    assert_int_equal(ask("POST", "/v2/devices/batch", AS_JSON, IMPORT), 207);
    assert_true(body_has(OTHER "\",\"status\":201"));
    assert_true(body_has("\"code\":\"NOT_YOURS\""));
}

static void chance_and_turns(void **state)
{
    int met = 0;

    (void)state;
    check(abmsim_set(&sim, "{\"seed\":7}", &err));
    check(abmsim_set_faults(&sim, "[{\"kind\":\"status\",\"status\":500,\"share\":0.25}]", &err));
    for (int i = 0; i < 400; i++)
        met += ask("GET", "/v2/blueprints", HEADERS, NULL) == 500;
    assert_in_range(met, 70, 130);
    check(abmsim_set_faults(
        &sim, "[{\"kind\":\"status\",\"status\":500,\"every\":3,\"after\":2,\"times\":2}]", &err));
    for (int i = 1; i <= 12; i++)
        assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), i == 5 || i == 8 ? 500 : 200);
    check(abmsim_set_faults(&sim, "[]", &err));
    assert_int_equal(abmsim_control(&sim, "PUT", "/sim/faults", "[{\"kind\":\"sttus\"}]", &err), -1);
    assert_int_equal(abmsim_control(&sim, "PUT", "/sim/faults", "{\"rules\":[]}", &err), -1); /* no list */
}

static void tokens_expire(void **state)
{
    (void)state;
    check(abmsim_control(&sim, "POST", "/sim/token", "{\"token\":\"t0ken\"}", &err));
    check(abmsim_set_faults(&sim, "[{\"kind\":\"token_expired\",\"after\":1,\"times\":1}]", &err));
    assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), 200);
    assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), 401);
    assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), 401);
    check(abmsim_control(&sim, "POST", "/sim/token", "{\"token\":\"new\"}", &err));
    assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), 401); /* the old one is wrong now */
    check(abmsim_control(&sim, "POST", "/sim/token", "{\"token\":\"t0ken\"}", &err));
    assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), 200);
    assert_int_equal(abmsim_stat(&sim, "violations", &err),
                     0); /* a wrong token is no breach of the contract */
}

static void tells_of_its_end(void **state)
{
    char value[128];

    (void)state;
    check(abmsim_set_faults(&sim, "[{\"kind\":\"deprecation\"},{\"kind\":\"status\",\"status\":410}]", &err));
    assert_int_equal(ask("GET", "/v2/blueprints", HEADERS, NULL), 410);
    assert_true(http_reply_header(&reply, "Deprecation", value, sizeof(value)));
    assert_true(http_reply_header(&reply, "Sunset", value, sizeof(value)));
    assert_true(http_reply_header(&reply, "Link", value, sizeof(value)));
    assert_non_null(strstr(value, "rel=\"deprecation\""));
}

static void scenarios_load(void **state)
{
    static const char *const names[] = { "transient", "permanent", "outage", "deprecated", "slow" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[256];
        const char *const options[] = { "--scenario", path, NULL };
        struct abmsim other;

        snprintf(path, sizeof(path), TEST_TOP "/tests/sim/scenarios/%s.json", names[i]);
        if (abmsim_start(&other, TEST_BIN "/abmsim", options, &err) != 0)
            fail_msg("%s: %s", names[i], err.text);
        assert_int_equal(abmsim_stop(&other), 0);
    }
}

static bool is_assigned(void *user)
{
    (void)user;
    return strcmp(look(SERIAL).blueprint_id, BLUEPRINT) == 0;
}

static void late_effects_come_without_their_client(void **state)
{
    char path[64];

    (void)state;
    seed();
    check(abmsim_set_faults(
        &sim, "[{\"op\":\"putAssignment\",\"kind\":\"hang\",\"ms\":300,\"late_effect\":true}]", &err));
    assignment_path(SERIAL, path, sizeof(path));
    assert_int_equal(http_ask(sim.port, "PUT", path, AS_MEDIA, PUT_BODY, 20, &reply, &err), -1);
    assert_true(proc_until(is_assigned, NULL, 10000));
    check(abmsim_set_faults(&sim, "[]", &err));
    assert_int_equal(put(OTHER), 200); /* and the server is none the worse for it */
}

static void comes_back_on_its_port(void **state)
{
    struct abmsim other;

    (void)state;
    check(abmsim_start(&other, TEST_BIN "/abmsim", NULL, &err));
    check(abmsim_add_device(&other, SERIAL, "JP", NULL, NULL, &err));
    abmsim_kill(&other);
    assert_int_equal(abmsim_control(&other, "GET", "/sim/health", NULL, &err), -1);
    check(abmsim_restart(&other, &err));
    assert_int_equal(abmsim_device(&other, SERIAL, &(struct abmsim_device){ 0 }, &err), 0);
    assert_int_equal(abmsim_stop(&other), 0);
}

static void tells_what_is_wrong_at_its_start(void **state)
{
    char port[8];
    const struct {
        const char *what, *option, *value;
        int want;
    } rows[] = {
        { "a port that is taken", "--port", port, 75 },
        { "a rate that is none", "--rate", "fast", 64 },
        { "an unknown option", "--prot", "1", 64 },
        { "an address that is none", "--listen", "here", 64 },
        { "a scenario that is not there", "--scenario", "/nonexistent", 65 },
        { "a scenario that is no JSON", "--scenario", TEST_TOP "/tests/sim/README.md", 65 },
    };

    (void)state;
    snprintf(port, sizeof(port), "%d", sim.port);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const argv[] = { TEST_BIN "/abmsim", rows[i].option, rows[i].value, NULL };
        int got = proc_run(
            &(struct proc_options){ .argv = argv, .stdout_file = "/dev/null", .stderr_file = "/dev/null" },
            10000, &err);

        if (got != rows[i].want)
            fail_msg("%s: %d instead of %d", rows[i].what, got, rows[i].want);
    }
}

static void *ask_and_wait(void *user)
{
    const struct abmsim *other = user;
    struct http_reply none;
    struct err why = ERR_INIT;
    int rc;

    http_reply_init(&none);
    rc = http_ask(other->port, "GET", "/v2/blueprints", HEADERS, NULL, 60000, &none, &why);
    http_reply_release(&none);
    return rc == 0 ? NULL : user;
}

static void stops_while_somebody_waits(void **state)
{
    struct abmsim other;
    pthread_t thread;
    void *is_refused;

    (void)state;
    check(abmsim_start(&other, TEST_BIN "/abmsim", NULL, &err));
    check(abmsim_set_faults(&other, "[{\"kind\":\"hang\",\"ms\":600000}]", &err));
    assert_int_equal(pthread_create(&thread, NULL, ask_and_wait, &other), 0);
    while (abmsim_stat(&other, "faults", &err) == 0)
        ;
    assert_int_equal(proc_stop(&other.proc, 10000), 0);
    assert_int_equal(pthread_join(thread, &is_refused), 0);
    assert_non_null(is_refused);
    abmsim_stop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(breaks_are_noted_and_refused, reset),
        cmocka_unit_test_setup(more_than_200_are_refused, reset),
        cmocka_unit_test_setup(imports_item_by_item, reset),
        cmocka_unit_test_setup(lists_by_page, reset),
        cmocka_unit_test_setup(assigns_and_unassigns, reset),
        cmocka_unit_test_setup(profile_id_assigns_nothing, reset),
        cmocka_unit_test_setup(takes_effect_later, reset),
        cmocka_unit_test_setup(limits_exactly, reset),
        cmocka_unit_test_setup(faults_answer_as_told, reset),
        cmocka_unit_test_setup(items_are_dropped_and_refused, reset),
        cmocka_unit_test_setup(chance_and_turns, reset),
        cmocka_unit_test_setup(tokens_expire, reset),
        cmocka_unit_test_setup(tells_of_its_end, reset),
        cmocka_unit_test(scenarios_load),
        cmocka_unit_test_setup(late_effects_come_without_their_client, reset),
        cmocka_unit_test(comes_back_on_its_port),
        cmocka_unit_test(tells_what_is_wrong_at_its_start),
        cmocka_unit_test(stops_while_somebody_waits),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

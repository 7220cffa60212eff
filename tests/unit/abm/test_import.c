#include "fixture.h"

#include "base/json.h"

/* What the ABM of these tests does. */
struct plan {
    const char *poison; /* a request that carries this serial is answered so as a whole: */
    long poison_status;
    const char *poison_body;
    enum http_result poison_result;
    const char *serial; /* this serial's result is `result` (JSON; "": left out) */
    const char *result;
    const char *extra; /* one more entry of data */
    size_t fail_first; /* so many requests are answered 503 first */
    bool is_down;      /* everything is 503 */
};

static void respond(void *user, struct http_request *request, size_t index)
{
    const struct fixture *f = user;
    const struct plan *plan = f->own;
    struct json *doc = NULL;
    struct json_out out;
    struct err err = ERR_INIT;
    size_t i = 0;

    if (plan->is_down || index < plan->fail_first) {
        fake_answer(request, 503, "<html>down</html>");
        return;
    }
    if (strcmp(request->method, "GET") == 0) {
        fake_answer(request, 200, "{\"data\":[],\"links\":{}}");
        return;
    }
    if (plan->poison != NULL && strstr(request->body, plan->poison) != NULL) {
        if (plan->poison_result != HTTP_NOT_SENT)
            fake_fail(request, plan->poison_result);
        else
            fake_answer(request, plan->poison_status, plan->poison_body);
        return;
    }
    if (json_parse(request->body, request->body_len, &doc, &err) != 0)
        fail_msg("%s: %s", err.text, request->body);
    fake_answer(request, 207, NULL);
    json_out_init(&out, &request->answer);
    json_begin(&out, NULL, '{');
    json_begin(&out, "data", '[');
    for (const struct json *device = json_first(json_get(doc, "devices")); device != NULL;
         device = json_next(device), i++) {
        const char *serial = json_string(json_get(device, "serial"));
        char id[96];

        if (str_eq(serial, plan->serial)) {
            if (plan->result[0] != '\0')
                json_add_raw(&out, NULL, plan->result, strlen(plan->result));
            continue;
        }
        snprintf(id, sizeof(id), "id-%s", serial);
        json_begin(&out, NULL, '{');
        json_add_string(&out, "serial", serial);
        json_add_int(&out, "status", i % 2 == 0 ? 201 : 409);
        json_add_string(&out, "id", id);
        json_end(&out, '}');
    }
    if (plan->extra != NULL)
        json_add_raw(&out, NULL, plan->extra, strlen(plan->extra));
    json_end(&out, ']');
    json_end(&out, '}');
    json_free(doc);
}

static void imports_in_200s(void **state)
{
    static struct plan plan;
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 450);
    f.devices[3].model = "Mac \"Air\"";
    f.devices[3].order_number = "W1";
    f.devices[3].asset_tag = "A-1";
    assert_int_equal(abm_import(f.client, f.items, f.count, f.pool, &f.err), 0);
    fixture_all(&f, "450", ABM_OK);
    assert_string_equal(f.items[449].device_id, "id-SN00000449");
    assert_string_equal(f.items[0].device_id, "id-SN00000000");
    assert_int_equal(f.transport.sent_count, 3);
    assert_int_equal(f.limiter.granted, 3);
    assert_string_equal(f.transport.sent[0].method, "POST");
    assert_string_equal(f.transport.sent[0].url, "http://127.0.0.1:1/v2/devices/batch");
    assert_string_equal(f.transport.sent[0].accept, "application/vnd.api+json; version=2.0");
    assert_string_equal(f.transport.sent[0].authorization, "Bearer s3cret-token");
    assert_string_equal(f.transport.sent[0].content_type, "application/json");
    assert_non_null(strstr(f.transport.sent[0].body,
                           "{\"serial\":\"SN00000003\",\"country\":\"DE\",\"model\":\"Mac \\\"Air\\\"\","
                           "\"orderNumber\":\"W1\",\"assetTag\":\"A-1\"}"));
    assert_int_equal(fake_health_of(&f.health, "importDevices")->succeeded, 450);
    assert_int_equal(fake_health_of(&f.health, "importDevices")->answered, 3);
    assert_string_not_equal(fake_health_of(&f.health, "importDevices")->serial_b, "");
    fixture_release(&f);
}

static void reads_a_207_item_by_item(void **state)
{
    static const struct {
        const char *what, *result, *extra;
        enum abm_kind kind;
        enum err_code code;
        const char *text; /* part of it; NULL: none */
    } rows[] = {
        { "created", "{\"serial\":\"SN00000001\",\"status\":201,\"id\":\"x\"}", NULL, ABM_OK, ERR_NONE,
          NULL },
        { "already there", "{\"serial\":\"SN00000001\",\"status\":409,\"id\":\"x\"}", NULL, ABM_OK, ERR_NONE,
          NULL },
        { "refused",
          "{\"serial\":\"SN00000001\",\"status\":422,\"error\":{\"status\":\"422\",\"code\":\"DEVICE_"
          "UNKNOWN\","
          "\"title\":\"Not\\nyours\"}}",
          NULL, ABM_REFUSED, ERR_ABM_REFUSED, "DEVICE_UNKNOWN: Not\\x0ayours (422)" },
        { "refused without a reason", "{\"serial\":\"SN00000001\",\"status\":403}", NULL, ABM_REFUSED,
          ERR_ABM_REFUSED, "(403)" },
        { "a server error of one", "{\"serial\":\"SN00000001\",\"status\":503}", NULL, ABM_RETRY,
          ERR_ABM_SERVER, "(503)" },
        { "a limit of one", "{\"serial\":\"SN00000001\",\"status\":429}", NULL, ABM_RETRY, ERR_ABM_RATE,
          "(429)" },
        { "left out", "", NULL, ABM_RETRY, ERR_ABM_ITEM_MISSING, "left" },
        { "left out, another unasked", "", "{\"serial\":\"OTHER\",\"status\":201,\"id\":\"y\"}", ABM_RETRY,
          ERR_ABM_ITEM_MISSING, "left" },
        { "an entry that is no object", "", "7", ABM_RETRY, ERR_ABM_ITEM_MISSING, "left" },
        { "no id", "{\"serial\":\"SN00000001\",\"status\":201}", NULL, ABM_RETRY, ERR_ABM_WRONG_ANSWER,
          "no id" },
        { "an id that is none", "{\"serial\":\"SN00000001\",\"status\":201,\"id\":\"../x\"}", NULL, ABM_RETRY,
          ERR_ABM_WRONG_ANSWER, "id: no usable id" },
        { "another's id", "{\"serial\":\"SN00000001\",\"status\":201,\"id\":\"id-SN00000001\"}",
          "{\"serial\":\"SN00000001\",\"status\":201,\"id\":\"z\"}", ABM_RETRY, ERR_ABM_WRONG_ANSWER,
          "two results" },
        { "no status", "{\"serial\":\"SN00000001\",\"id\":\"x\"}", NULL, ABM_RETRY, ERR_ABM_WRONG_ANSWER,
          "data[1].status: absent" },
        { "a status in words", "{\"serial\":\"SN00000001\",\"status\":\"201\",\"id\":\"x\"}", NULL, ABM_RETRY,
          ERR_ABM_WRONG_ANSWER, "data[1].status: a string where the contract has a number" },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { .serial = "SN00000001", .result = rows[i].result, .extra = rows[i].extra };

        fixture_init(&f, respond);
        f.own = &plan;
        fixture_devices(&f, 3);
        if (abm_import(f.client, f.items, f.count, f.pool, &f.err) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (f.items[1].kind != rows[i].kind || f.items[1].code != rows[i].code ||
            (rows[i].text != NULL &&
             (f.items[1].text == NULL || strstr(f.items[1].text, rows[i].text) == NULL)))
            fail_msg("%s: %d %s \"%s\"", rows[i].what, f.items[1].kind, err_wire(f.items[1].code),
                     f.items[1].text);
        if (f.items[0].kind != ABM_OK || f.items[2].kind != ABM_OK)
            fail_msg("%s: the others too", rows[i].what);
        fixture_release(&f);
    }
}

static void believes_no_id_that_two_serials_share(void **state)
{
    struct plan plan = { .serial = "SN00000001",
                         .result = "{\"serial\":\"SN00000001\",\"status\":201,\"id\":\"id-SN00000002\"}" };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 4);
    assert_int_equal(abm_import(f.client, f.items, f.count, f.pool, &f.err), 0);
    assert_int_equal(f.items[1].kind, ABM_RETRY);
    assert_int_equal(f.items[2].kind, ABM_RETRY);
    assert_int_equal(fixture_kinds(&f, ABM_OK), 2);
    fixture_release(&f);
}

static void sends_a_serial_once_and_answers_both(void **state)
{
    struct plan plan = { .poison = NULL };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 3);
    f.devices[2].serial = f.devices[0].serial;
    assert_int_equal(abm_import(f.client, f.items, f.count, f.pool, &f.err), 0);
    fixture_all(&f, "twins", ABM_OK);
    assert_string_equal(f.items[0].device_id, f.items[2].device_id);
    assert_null(strstr(strstr(f.transport.sent[0].body, "SN00000000") + 1, "SN00000000"));
    fixture_release(&f);
}

/* One device spoils the whole request: the other 199 end well. */
static void finds_the_device_that_spoils_a_request(void **state)
{
    static const struct {
        const char *what;
        long status;
        const char *body;
        enum http_result result;
        enum abm_kind kind;
        enum err_code code;
        size_t requests_max, probes;
        bool is_maybe_sent;
    } rows[] = {
        { "400", 400, ERROR_BODY("BAD"), HTTP_NOT_SENT, ABM_REFUSED, ERR_ABM_REFUSED, 20, 0, false },
        { "413", 413, ERROR_BODY("TOO_LARGE"), HTTP_NOT_SENT, ABM_REFUSED, ERR_ABM_REFUSED, 20, 0, false },
        { "422", 422, ERROR_BODY("BAD"), HTTP_NOT_SENT, ABM_REFUSED, ERR_ABM_REFUSED, 20, 0, false },
        { "400 in HTML", 400, "<html>", HTTP_NOT_SENT, ABM_SUSPECT, ERR_ABM_UNREADABLE, 20, 1, false },
        { "500", 500, "<html>", HTTP_NOT_SENT, ABM_SUSPECT, ERR_ABM_SERVER, 20, 1, true },
        { "408", 408, NULL, HTTP_NOT_SENT, ABM_SUSPECT, ERR_ABM_TIMEOUT, 20, 1, true },
        { "no JSON", 207, "<html>", HTTP_NOT_SENT, ABM_SUSPECT, ERR_ABM_UNREADABLE, 20, 1, true },
        { "truncated", 207, "{\"data\":[{\"ser", HTTP_NOT_SENT, ABM_SUSPECT, ERR_ABM_UNREADABLE, 20, 1,
          true },
        { "another contract", 207, "{\"devices\":[]}", HTTP_NOT_SENT, ABM_SUSPECT, ERR_ABM_CONTRACT, 20, 1,
          true },
        { "another status", 200, "{\"data\":[]}", HTTP_NOT_SENT, ABM_SUSPECT, ERR_ABM_CONTRACT, 20, 1, true },
        { "cut", 0, NULL, HTTP_CUT, ABM_SUSPECT, ERR_ABM_UNREACHABLE, 20, 1, true },
        { "hangs", 0, NULL, HTTP_TIMED_OUT, ABM_SUSPECT, ERR_ABM_TIMEOUT, 20, 1, true },
        { "too large", 0, NULL, HTTP_TOO_LARGE, ABM_SUSPECT, ERR_ABM_UNREADABLE, 20, 1, true },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { .poison = "SN00000123",
                             .poison_status = rows[i].status,
                             .poison_body = rows[i].body,
                             .poison_result = rows[i].result };

        fixture_init(&f, respond);
        f.own = &plan;
        fixture_devices(&f, 200);
        if (abm_import(f.client, f.items, f.count, f.pool, &f.err) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (f.items[123].kind != rows[i].kind || f.items[123].code != rows[i].code ||
            f.items[123].is_maybe_sent != rows[i].is_maybe_sent)
            fail_msg("%s: %d %s \"%s\" %d", rows[i].what, f.items[123].kind, err_wire(f.items[123].code),
                     f.items[123].text, f.items[123].is_maybe_sent);
        if (fixture_kinds(&f, ABM_OK) != 199)
            fail_msg("%s: %zu of 199", rows[i].what, fixture_kinds(&f, ABM_OK));
        if (f.transport.sent_count > rows[i].requests_max ||
            fixture_sent(&f, "GET", "/v2/blueprints") != rows[i].probes)
            fail_msg("%s: %zu requests", rows[i].what, f.transport.sent_count);
        fixture_release(&f);
    }
}

static void repeats_a_whole_failure_once(void **state)
{
    struct plan plan = { .fail_first = 1 };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 200);
    assert_int_equal(abm_import(f.client, f.items, f.count, f.pool, &f.err), 0);
    fixture_all(&f, "once more", ABM_OK);
    assert_int_equal(f.transport.sent_count, 2);
    assert_int_equal(f.limiter.granted, 2);
    assert_true(f.items[0].is_maybe_sent); /* the first may take effect yet */
    fixture_release(&f);
}

static void an_outage_is_found_out_cheaply_and_charged_to_nobody(void **state)
{
    struct plan plan = { .is_down = true };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 200);
    assert_int_equal(abm_import(f.client, f.items, f.count, f.pool, &f.err), -1);
    assert_int_equal(f.err.code, ERR_ABM_SERVER);
    assert_int_equal(err_class_of(f.err.code), ERR_CLASS_SERVICE);
    assert_non_null(strstr(f.err.text, "importDevices: 503"));
    assert_int_equal(f.transport.sent_count, 3); /* twice, and the probe */
    assert_int_equal(fixture_kinds(&f, ABM_UNSENT) + fixture_kinds(&f, ABM_SUSPECT), 200);
    fixture_release(&f);
}

static void one_operation_down_halves_within_bounds(void **state)
{
    struct plan plan = { .poison = "\"devices\"", .poison_status = 502 };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 200);
    assert_int_equal(abm_import(f.client, f.items, f.count, f.pool, &f.err), 0);
    fixture_all(&f, "down", ABM_SUSPECT);
    assert_in_range(f.transport.sent_count, 3, 40);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_in_200s),
        cmocka_unit_test(reads_a_207_item_by_item),
        cmocka_unit_test(believes_no_id_that_two_serials_share),
        cmocka_unit_test(sends_a_serial_once_and_answers_both),
        cmocka_unit_test(finds_the_device_that_spoils_a_request),
        cmocka_unit_test(repeats_a_whole_failure_once),
        cmocka_unit_test(an_outage_is_found_out_cheaply_and_charged_to_nobody),
        cmocka_unit_test(one_operation_down_halves_within_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

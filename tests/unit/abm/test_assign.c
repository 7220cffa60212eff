#include "fixture.h"

struct plan {
    long status;
    const char *body;
};

static void respond(void *user, struct http_request *request, size_t index)
{
    const struct fixture *f = user;
    const struct plan *plan = f->own;

    (void)index;
    if (strcmp(request->method, "GET") == 0)
        fake_answer(request, 200, "{\"data\":[],\"links\":{}}");
    else
        fake_answer(request, plan->status, plan->body);
}

#define DOC(attributes)                                                                                      \
    "{\"data\":{\"id\":\"as-1\",\"type\":\"assignments\",\"attributes\":{" attributes "}}}"
#define BASE "\"deviceId\":\"dev-0\",\"blueprintId\":\"bp-1\""

static void reads_what_became_of_an_assignment(void **state)
{
    static const struct {
        const char *what;
        long status;
        const char *body, *server;
        enum abm_kind kind;
        enum err_code code;
        const char *text;
        bool is_maybe_sent;
    } rows[] = {
        { "in effect", 200, DOC(BASE ",\"state\":\"PROPAGATED\""), NULL, ABM_OK, ERR_NONE, NULL, false },
        { "in effect, with the server", 200, DOC(BASE ",\"mdmServerId\":\"mdm-1\",\"state\":\"PROPAGATED\""),
          "mdm-1", ABM_OK, ERR_NONE, NULL, false },
        { "200, and yet not in effect", 200, DOC(BASE ",\"state\":\"ACCEPTED\""), NULL, ABM_ACCEPTED,
          ERR_NONE, NULL, false },
        { "200 without the server", 200, DOC(BASE ",\"state\":\"PROPAGATED\""), "mdm-1", ABM_ACCEPTED,
          ERR_NONE, NULL, false },
        { "200 FAILED", 200, DOC(BASE ",\"state\":\"FAILED\""), NULL, ABM_ACCEPTED, ERR_NONE, NULL, false },
        { "accepted", 202, DOC(BASE ",\"state\":\"ACCEPTED\""), NULL, ABM_ACCEPTED, ERR_NONE, NULL, false },
        { "202 says PROPAGATED", 202, DOC(BASE ",\"state\":\"PROPAGATED\""), NULL, ABM_ACCEPTED, ERR_NONE,
          NULL, false },
        { "another device", 200,
          DOC("\"deviceId\":\"dev-2\",\"blueprintId\":\"bp-1\",\"state\":\"PROPAGATED\""), NULL, ABM_RETRY,
          ERR_ABM_WRONG_ANSWER, "another device", true },
        { "another blueprint", 202,
          DOC("\"deviceId\":\"dev-0\",\"blueprintId\":\"bp-2\",\"state\":\"ACCEPTED\""), NULL, ABM_RETRY,
          ERR_ABM_WRONG_ANSWER, "another blueprint", true },
        { "another server", 200, DOC(BASE ",\"mdmServerId\":\"mdm-2\",\"state\":\"PROPAGATED\""), "mdm-1",
          ABM_RETRY, ERR_ABM_WRONG_ANSWER, "another MDM server", true },
        { "profileId semantics", 200,
          DOC("\"deviceId\":\"dev-0\",\"profileId\":\"bp-1\",\"state\":\"PROPAGATED\""), NULL, ABM_SUSPECT,
          ERR_ABM_CONTRACT, "data.attributes.blueprintId: absent", true },
        { "unknown device", 404, ERROR_BODY("NOT_FOUND"), NULL, ABM_RETRY, ERR_ABM_NOT_FOUND, "NOT_FOUND",
          false },
        { "conflict", 409, ERROR_BODY("CONFLICT"), NULL, ABM_REFUSED, ERR_ABM_REFUSED,
          "CONFLICT: No \\x1b[31mgood (409)", false },
        { "unprocessable", 422, ERROR_BODY("BLUEPRINT_INVALID"), NULL, ABM_REFUSED, ERR_ABM_REFUSED,
          "BLUEPRINT_INVALID", false },
        { "bad request", 400, ERROR_BODY("BAD"), NULL, ABM_REFUSED, ERR_ABM_REFUSED, "BAD", false },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { rows[i].status, rows[i].body };
        const struct abm_item *item = &f.items[0];

        fixture_init(&f, respond);
        f.own = &plan;
        fixture_devices(&f, 1);
        f.devices[0].mdm_server_id = rows[i].server;
        if (abm_assign(f.client, f.items, f.count, f.pool, &f.err) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (item->kind != rows[i].kind || item->code != rows[i].code ||
            item->is_maybe_sent != rows[i].is_maybe_sent ||
            (rows[i].text != NULL && strstr(item->text, rows[i].text) == NULL))
            fail_msg("%s: %d %s \"%s\" %d", rows[i].what, item->kind, err_wire(item->code), item->text,
                     item->is_maybe_sent);
        if ((item->kind == ABM_OK || item->kind == ABM_ACCEPTED) && !str_eq(item->assignment_id, "as-1"))
            fail_msg("%s: assignment %s", rows[i].what, item->assignment_id);
        fixture_release(&f);
    }
}

static void sends_what_the_contract_has(void **state)
{
    struct plan plan = { 202,
                         DOC("\"deviceId\":\"d?e#v\",\"blueprintId\":\"b\\\"p\",\"state\":\"ACCEPTED\"") };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 1);
    f.devices[0].device_id = "d?e#v";
    f.devices[0].blueprint_id = "b\"p";
    f.devices[0].mdm_server_id = "mdm-1";
    assert_int_equal(abm_assign(f.client, f.items, f.count, f.pool, &f.err), 0);
    assert_int_equal(f.items[0].kind, ABM_ACCEPTED);
    assert_string_equal(f.transport.sent[0].method, "PUT");
    assert_string_equal(f.transport.sent[0].url, "http://127.0.0.1:1/v2/assignments/d%3Fe%23v");
    assert_string_equal(f.transport.sent[0].content_type, "application/vnd.api+json");
    assert_string_equal(f.transport.sent[0].body,
                        "{\"data\":{\"attributes\":{\"blueprintId\":\"b\\\"p\",\"mdmServerId\":\"mdm-1\"}}}");
    f.devices[0].mdm_server_id = NULL;
    assert_int_equal(abm_assign(f.client, f.items, f.count, f.pool, &f.err), 0);
    assert_string_equal(f.transport.sent[1].body, "{\"data\":{\"attributes\":{\"blueprintId\":\"b\\\"p\"}}}");
    fixture_release(&f);
}

static void unassigns(void **state)
{
    static const struct {
        const char *what;
        long status;
        const char *body;
        enum abm_kind kind;
    } rows[] = {
        { "done", 204, NULL, ABM_OK },
        { "nothing was assigned", 404, ERROR_BODY("NOT_FOUND"), ABM_OK },
        { "refused", 409, ERROR_BODY("LOCKED"), ABM_REFUSED },
        { "404 of somebody else", 404, "<html>", ABM_SUSPECT },
        { "503", 503, NULL, ABM_SUSPECT },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { rows[i].status, rows[i].body };

        fixture_init(&f, respond);
        f.own = &plan;
        fixture_devices(&f, 2);
        if (abm_unassign(f.client, f.items, f.count, f.pool, &f.err) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        fixture_all(&f, rows[i].what, rows[i].kind);
        assert_string_equal(f.transport.sent[1].method, "DELETE");
        assert_string_equal(f.transport.sent[1].url, "http://127.0.0.1:1/v2/assignments/dev-1");
        assert_null(f.transport.sent[1].body);
        fixture_release(&f);
    }
}

static void ids_that_are_none_are_never_sent(void **state)
{
    static const char *const ids[] = { NULL, "", ".", "..", "../x", "a b", "a\r\nX", "a,b", "a\\b" };
    struct plan plan = { 204, NULL };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, sizeof(ids) / sizeof(ids[0]));
    for (size_t i = 0; i < f.count; i++)
        f.devices[i].device_id = ids[i];
    assert_int_equal(abm_unassign(f.client, f.items, f.count, f.pool, &f.err), 0);
    fixture_all(&f, "no id", ABM_REFUSED);
    assert_int_equal(f.transport.sent_count, 0);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_became_of_an_assignment),
        cmocka_unit_test(sends_what_the_contract_has),
        cmocka_unit_test(unassigns),
        cmocka_unit_test(ids_that_are_none_are_never_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

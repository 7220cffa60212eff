#include "fixture.h"

/* Pages that the double serves, one a request; the last repeated. */
struct plan {
    const char *pages[8];
    long status[8]; /* 0: 200 */
};

static void respond(void *user, struct http_request *request, size_t index)
{
    const struct fixture *f = user;
    const struct plan *plan = f->own;
    size_t last = 0;

    if (strstr(request->url, "/v2/blueprints") != NULL) {
        fake_answer(request, 200, "{\"data\":[],\"links\":{}}");
        return;
    }
    while (last + 1 < 8 && plan->pages[last + 1] != NULL)
        last++;
    if (index > last)
        index = last;
    fake_answer(request, plan->status[index] != 0 ? plan->status[index] : 200, plan->pages[index]);
}

#define ENTRY(id, device, blueprint, state, more)                                                            \
    "{\"id\":\"" id "\",\"type\":\"assignments\",\"attributes\":{\"deviceId\":\"" device                     \
    "\",\"blueprintId\":\"" blueprint "\",\"state\":\"" state "\"" more "}}"
#define PAGE(entries)       "{\"data\":[" entries "],\"links\":{}}"
#define PAGE_TO(entries, n) "{\"data\":[" entries "],\"links\":{\"next\":\"" n "\"}}"
#define AT(time)            ",\"updatedAt\":\"" time "\""

static int read_all(struct fixture *f)
{
    return abm_read(f->client, f->items, f->count, f->pool, &f->err);
}

static void asks_in_200s_and_takes_no_permit(void **state)
{
    struct plan plan = { .pages = { PAGE(ENTRY("as-1", "dev-1", "bp-1", "PROPAGATED", "")) } };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 201);
    f.devices[5].device_id = "we ird"; /* no id: not asked for */
    f.devices[6].device_id = NULL;
    f.devices[7].device_id = "a+b&c";
    fake_limiter_end_fence(&f.limiter, "1-1", PERMIT_LOST, 0);
    assert_int_equal(read_all(&f), 0);
    assert_int_equal(f.transport.sent_count, 1); /* 199 usable ids */
    assert_string_equal(f.transport.sent[0].method, "GET");
    assert_non_null(
        strstr(f.transport.sent[0].url, "/v2/assignments?limit=1000&filter%5BdeviceId%5D=a%2Bb%26c,dev-0,"));
    assert_null(f.transport.sent[0].content_type);
    assert_int_equal(f.items[1].kind, ABM_OK);
    assert_string_equal(f.items[1].assignment_id, "as-1");
    assert_string_equal(f.items[1].blueprint_id, "bp-1");
    assert_null(f.items[1].mdm_server_id);
    assert_int_equal(f.items[1].state, ABM_STATE_PROPAGATED);
    assert_int_equal(f.items[5].kind, ABM_REFUSED);
    assert_int_equal(f.items[6].kind, ABM_REFUSED);
    assert_int_equal(fixture_kinds(&f, ABM_NONE), 198);
    assert_int_equal(fake_health_of(&f.health, "listAssignments")->succeeded, 199);
    fixture_release(&f);
}

static void takes_the_sensible_one_of_what_is_shown(void **state)
{
    static const struct {
        const char *what, *page;
        enum abm_kind kind;
        enum abm_state state;
        const char *blueprint, *server, *failure;
        enum err_code code;
    } rows[] = {
        { "none", PAGE(""), ABM_NONE, ABM_STATE_ACCEPTED, NULL, NULL, NULL, ERR_NONE },
        { "another's", PAGE(ENTRY("x", "dev-9", "bp-1", "PROPAGATED", "")), ABM_NONE, ABM_STATE_ACCEPTED,
          NULL, NULL, NULL, ERR_NONE },
        { "with a server", PAGE(ENTRY("x", "dev-0", "bp-1", "PROPAGATED", ",\"mdmServerId\":\"mdm-1\"")),
          ABM_OK, ABM_STATE_PROPAGATED, "bp-1", "mdm-1", NULL, ERR_NONE },
        { "server null", PAGE(ENTRY("x", "dev-0", "bp-1", "ACCEPTED", ",\"mdmServerId\":null")), ABM_OK,
          ABM_STATE_ACCEPTED, "bp-1", NULL, NULL, ERR_NONE },
        { "failed", PAGE(ENTRY("x", "dev-0", "bp-1", "FAILED", ",\"failureReason\":\"no\\u0007room\"")),
          ABM_OK, ABM_STATE_FAILED, "bp-1", NULL, "no\\x07room", ERR_NONE },
        { "the newer of two",
          PAGE(ENTRY("x", "dev-0", "bp-1", "PROPAGATED", AT("2026-11-24T08:00:00Z")) "," //
               ENTRY("y", "dev-0", "bp-2", "ACCEPTED", AT("2026-11-24T08:00:01Z"))),
          ABM_OK, ABM_STATE_ACCEPTED, "bp-2", NULL, NULL, ERR_NONE },
        { "the newer of two, first",
          PAGE(ENTRY("x", "dev-0", "bp-1", "PROPAGATED", AT("2026-11-24T08:00:01Z")) "," //
               ENTRY("y", "dev-0", "bp-2", "ACCEPTED", AT("2026-11-24T08:00:00Z"))),
          ABM_OK, ABM_STATE_PROPAGATED, "bp-1", NULL, NULL, ERR_NONE },
        { "no times: the one not in effect",
          PAGE(ENTRY("x", "dev-0", "bp-1", "PROPAGATED", "") "," ENTRY("y", "dev-0", "bp-1", "ACCEPTED", "")),
          ABM_OK, ABM_STATE_ACCEPTED, "bp-1", NULL, NULL, ERR_NONE },
        { "no times: the one not in effect, first",
          PAGE(ENTRY("x", "dev-0", "bp-1", "FAILED", "") "," ENTRY("y", "dev-0", "bp-1", "PROPAGATED", "")),
          ABM_OK, ABM_STATE_FAILED, "bp-1", NULL, NULL, ERR_NONE },
        { "the same twice",
          PAGE(ENTRY("x", "dev-0", "bp-1", "PROPAGATED", "") "," ENTRY("x", "dev-0", "bp-1", "PROPAGATED",
                                                                       "")),
          ABM_OK, ABM_STATE_PROPAGATED, "bp-1", NULL, NULL, ERR_NONE },
        { "two in effect",
          PAGE(ENTRY("x", "dev-0", "bp-1", "PROPAGATED", "") "," ENTRY("y", "dev-0", "bp-2", "PROPAGATED",
                                                                       "")),
          ABM_RETRY, ABM_STATE_ACCEPTED, NULL, NULL, NULL, ERR_ABM_WRONG_ANSWER },
        { "profileId",
          PAGE("{\"id\":\"x\",\"type\":\"assignments\",\"attributes\":{\"deviceId\":\"dev-0\",\"profileId\":"
               "\"p\","
               "\"state\":\"PROPAGATED\"}}"),
          ABM_SUSPECT, ABM_STATE_ACCEPTED, NULL, NULL, NULL, ERR_ABM_CONTRACT },
        { "an unknown state", PAGE(ENTRY("x", "dev-0", "bp-1", "DONE", "")), ABM_SUSPECT, ABM_STATE_ACCEPTED,
          NULL, NULL, NULL, ERR_ABM_CONTRACT },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { .pages = { rows[i].page } };
        const struct abm_item *item = &f.items[0];

        fixture_init(&f, respond);
        f.own = &plan;
        fixture_devices(&f, 2);
        if (read_all(&f) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (item->kind != rows[i].kind || item->code != rows[i].code || item->state != rows[i].state ||
            !str_eq(item->blueprint_id, rows[i].blueprint) || !str_eq(item->mdm_server_id, rows[i].server) ||
            !str_eq(item->failure, rows[i].failure))
            fail_msg("%s: %d %s state %d %s %s %s: %s", rows[i].what, item->kind, err_wire(item->code),
                     item->state, item->blueprint_id, item->mdm_server_id, item->failure, item->text);
        if (f.items[1].kind != ABM_NONE)
            fail_msg("%s: the other ended as %d", rows[i].what, f.items[1].kind);
        fixture_release(&f);
    }
}

static void follows_pages(void **state)
{
    struct plan plan = { .pages = {
                             PAGE_TO(ENTRY("a", "dev-0", "bp-1", "PROPAGATED", ""),
                                     "/v2/assignments?cursor=2"),
                             PAGE_TO("", "http://127.0.0.1:1/v2/assignments?cursor=3"),
                             PAGE(ENTRY("c", "dev-2", "bp-1", "PROPAGATED",
                                        "") "," ENTRY("d", "dev-0", "bp-9", "ACCEPTED", "")),
                         } };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 3);
    assert_int_equal(read_all(&f), 0);
    assert_int_equal(f.transport.sent_count, 3);
    assert_int_equal(f.limiter.granted, 3);
    assert_string_equal(f.transport.sent[1].url, "http://127.0.0.1:1/v2/assignments?cursor=2");
    assert_string_equal(f.transport.sent[2].url, "http://127.0.0.1:1/v2/assignments?cursor=3");
    assert_int_equal(f.items[0].state, ABM_STATE_ACCEPTED); /* the last page had its say */
    assert_int_equal(f.items[1].kind, ABM_NONE);
    assert_int_equal(f.items[2].kind, ABM_OK);
    fixture_release(&f);
}

/* A device is absent only where every page was read and each entry could be told apart. */
static void believes_nothing_of_a_broken_list(void **state)
{
    static const struct {
        const char *what;
        struct plan plan;
        enum err_code code;
        const char *text;
    } rows[] = {
        { "another origin",
          { .pages = { PAGE_TO("", "http://evil/x") } },
          ERR_ABM_CONTRACT,
          "links.next: leads to another" },
        { "no links", { .pages = { "{\"data\":[]}" } }, ERR_ABM_CONTRACT, "links: absent" },
        { "no data", { .pages = { "{\"links\":{}}" } }, ERR_ABM_CONTRACT, "data: absent" },
        { "whose is it",
          { .pages = { PAGE("{\"id\":\"x\",\"type\":\"assignments\",\"attributes\":{}}") } },
          ERR_ABM_CONTRACT,
          "data[0].attributes.deviceId: absent" },
        { "for ever",
          { .pages = { PAGE_TO("", "/v2/a?c=1"), PAGE_TO("", "/v2/a?c=1") } },
          ERR_ABM_CONTRACT,
          "same page" },
        { "round and round",
          { .pages = { PAGE_TO("", "?c=1"), PAGE_TO("", "?c=2"), PAGE_TO("", "?c=1"), PAGE_TO("", "?c=2") } },
          ERR_ABM_CONTRACT,
          "same page" },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = rows[i].plan;

        fixture_init(&f, respond);
        f.own = &plan;
        fixture_devices(&f, 1);
        if (read_all(&f) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (f.items[0].kind != ABM_SUSPECT || f.items[0].code != rows[i].code ||
            strstr(f.items[0].text, rows[i].text) == NULL)
            fail_msg("%s: %d \"%s\"", rows[i].what, f.items[0].kind, f.items[0].text);
        fixture_release(&f);
    }
}

static void a_page_that_fails_is_read_again_where_it_was(void **state)
{
    struct plan plan = { .pages = { PAGE_TO(ENTRY("a", "dev-0", "bp-1", "PROPAGATED", ""),
                                            "/v2/assignments?cursor=2"),
                                    "<html>", PAGE(ENTRY("b", "dev-1", "bp-1", "PROPAGATED", "")) },
                         .status = { 200, 502, 200 } };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 2);
    assert_int_equal(read_all(&f), 0);
    fixture_all(&f, "again", ABM_OK);
    assert_int_equal(f.transport.sent_count, 3);
    assert_string_equal(f.transport.sent[2].url, "http://127.0.0.1:1/v2/assignments?cursor=2");
    assert_false(f.items[0].is_maybe_sent);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_in_200s_and_takes_no_permit),
        cmocka_unit_test(takes_the_sensible_one_of_what_is_shown),
        cmocka_unit_test(follows_pages),
        cmocka_unit_test(believes_nothing_of_a_broken_list),
        cmocka_unit_test(a_page_that_fails_is_read_again_where_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

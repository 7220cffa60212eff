/* Devices looked up by serial: what is asked, and which answers are believed. */
#include "fixture.h"

/* Pages that the double serves, one a request; the last repeated. */
struct plan {
    const char *pages[6];
    long status[6]; /* 0: 200 */
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
    while (last + 1 < 6 && plan->pages[last + 1] != NULL)
        last++;
    if (index > last)
        index = last;
    fake_answer(request, plan->status[index] != 0 ? plan->status[index] : 200, plan->pages[index]);
}

#define DEVICE(id, serial)                                                                                   \
    "{\"id\":\"" id "\",\"type\":\"devices\",\"attributes\":{\"serial\":\"" serial                           \
    "\",\"country\":\"JP\",\"enrollmentState\":\"PENDING\"}}"
#define PAGE(entries)       "{\"data\":[" entries "],\"links\":{}}"
#define PAGE_TO(entries, n) "{\"data\":[" entries "],\"links\":{\"next\":\"" n "\"}}"

static int find_all(struct fixture *f)
{
    return abm_find(f->client, f->items, f->count, f->pool, &f->err);
}

static void asks_in_200s_and_takes_no_permit(void **state)
{
    struct plan plan = { .pages = { PAGE(DEVICE("dev-x", "SN00000001")) } };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    fixture_devices(&f, 203);
    f.devices[5].serial = "A,B"; /* would ask for two: not asked for */
    f.devices[6].serial = NULL;
    f.devices[7].serial = "A+B&C";
    f.devices[8].serial = "SN00000009"; /* twice */
    fake_limiter_end_fence(&f.limiter, "1-1", PERMIT_LOST, 0);
    assert_int_equal(find_all(&f), 0);
    assert_int_equal(f.transport.sent_count, 2);
    assert_int_equal(f.limiter.granted, 2);
    assert_string_equal(f.transport.sent[0].method, "GET");
    assert_true(str_starts(f.transport.sent[0].url, "http://127.0.0.1:1/v2/devices?limit=1000&"
                                                    "filter%5Bserial%5D=A%2BB%26C,SN00000000,"));
    assert_non_null(strstr(f.transport.sent[0].url, "SN00000009,SN00000010,"));
    assert_null(f.transport.sent[0].content_type);
    assert_int_equal(f.items[1].kind, ABM_OK);
    assert_string_equal(f.items[1].device_id, "dev-x");
    assert_string_equal(f.items[1].country, "JP");
    assert_int_equal(f.items[5].kind, ABM_REFUSED);
    assert_int_equal(f.items[5].code, ERR_ABM_NOT_FOUND);
    assert_int_equal(f.items[6].kind, ABM_REFUSED);
    assert_int_equal(fixture_kinds(&f, ABM_NONE), 200);
    assert_int_equal(fake_health_of(&f.health, "listDevices")->succeeded, 201);
    fixture_release(&f);
}

static void believes_what_is_sensible(void **state)
{
    static const struct {
        const char *what;
        struct plan plan;
        enum abm_kind kinds[3];
        enum err_code code; /* of the first that is not OK or NONE */
    } rows[] = {
        { "none", { .pages = { PAGE("") } }, { ABM_NONE, ABM_NONE, ABM_NONE }, ERR_NONE },
        { "one not asked for",
          { .pages = { PAGE(DEVICE("a", "SN99999999") "," DEVICE("b", "SN00000002")) } },
          { ABM_NONE, ABM_NONE, ABM_OK },
          ERR_NONE },
        { "the same twice",
          { .pages = { PAGE(DEVICE("a", "SN00000000") "," DEVICE("a", "SN00000000")) } },
          { ABM_OK, ABM_NONE, ABM_NONE },
          ERR_NONE },
        { "two ids for one serial, on two pages",
          { .pages = { PAGE_TO(DEVICE("a", "SN00000000"), "/v2/devices?cursor=2"),
                       PAGE(DEVICE("b", "SN00000000")) } },
          { ABM_RETRY, ABM_NONE, ABM_NONE },
          ERR_ABM_WRONG_ANSWER },
        { "one id for two serials",
          { .pages = { PAGE(DEVICE("a", "SN00000000") "," DEVICE("c", "SN00000001") "," //
                            DEVICE("a", "SN00000002")) } },
          { ABM_RETRY, ABM_OK, ABM_RETRY },
          ERR_ABM_WRONG_ANSWER },
        { "an entry without country",
          { .pages = { PAGE("{\"id\":\"a\",\"type\":\"devices\",\"attributes\":{\"serial\":\"SN00000001\","
                            "\"enrollmentState\":\"PENDING\"}}") } },
          { ABM_NONE, ABM_SUSPECT, ABM_NONE },
          ERR_ABM_CONTRACT },
        { "an id that is none",
          { .pages = { PAGE(DEVICE("a b", "SN00000001")) } },
          { ABM_NONE, ABM_SUSPECT, ABM_NONE },
          ERR_ABM_CONTRACT },
        { "a state of enrollment that is new",
          { .pages = { PAGE("{\"id\":\"a\",\"type\":\"devices\",\"attributes\":{\"serial\":\"SN00000001\","
                            "\"country\":\"JP\",\"enrollmentState\":\"LOST\"}}") } },
          { ABM_NONE, ABM_SUSPECT, ABM_NONE },
          ERR_ABM_CONTRACT },
        { "another kind of thing",
          { .pages = { PAGE("{\"id\":\"a\",\"type\":\"blueprints\",\"attributes\":{\"serial\":"
                            "\"SN00000001\",\"country\":\"JP\",\"enrollmentState\":\"PENDING\"}}") } },
          { ABM_NONE, ABM_SUSPECT, ABM_NONE },
          ERR_ABM_CONTRACT },
        { "5xx, then good",
          { .pages = { "<html>", PAGE(DEVICE("a", "SN00000000")) }, .status = { 502 } },
          { ABM_OK, ABM_NONE, ABM_NONE },
          ERR_NONE },
        { "429, then good",
          { .pages = { NULL, PAGE(DEVICE("a", "SN00000000")) }, .status = { 429 } },
          { ABM_OK, ABM_NONE, ABM_NONE },
          ERR_NONE },
        { "no data",
          { .pages = { "{\"links\":{}}" } },
          { ABM_SUSPECT, ABM_SUSPECT, ABM_SUSPECT },
          ERR_ABM_CONTRACT },
        { "another origin",
          { .pages = { PAGE_TO("", "http://evil/x") } },
          { ABM_SUSPECT, ABM_SUSPECT, ABM_SUSPECT },
          ERR_ABM_CONTRACT },
        { "whose is it",
          { .pages = { PAGE("{\"id\":\"a\",\"type\":\"devices\",\"attributes\":{}}") } },
          { ABM_SUSPECT, ABM_SUSPECT, ABM_SUSPECT },
          ERR_ABM_CONTRACT },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = rows[i].plan;
        enum err_code code = ERR_NONE;

        fixture_init(&f, respond);
        f.own = &plan;
        fixture_devices(&f, 3);
        if (find_all(&f) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        for (size_t d = 0; d < 3; d++) {
            if (f.items[d].kind != rows[i].kinds[d])
                fail_msg("%s: device %zu ended as %d: %s", rows[i].what, d, f.items[d].kind, f.items[d].text);
            if (code == ERR_NONE)
                code = f.items[d].code;
        }
        if (code != rows[i].code)
            fail_msg("%s: %s", rows[i].what, err_wire(code));
        fixture_release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_in_200s_and_takes_no_permit),
        cmocka_unit_test(believes_what_is_sensible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

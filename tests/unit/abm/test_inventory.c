/* The lists of all devices and all assignments: page by page into a sink, ended early, gone on with, and what
 * breaks them. */
#include "fixture.h"

#define PAGES_MOST 8

/* Pages that the double serves, one a request; the last repeated. */
struct plan {
    const char *pages[PAGES_MOST];
    long status[PAGES_MOST]; /* 0: 200 */
    bool is_endless;         /* each page leads to another one */
    int round;               /* that leads back after so many; 0: never */
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
    if (plan->is_endless) {
        const char *cursor = strstr(request->url, "cursor=");
        int at = cursor != NULL ? (int)strtol(cursor + 7, NULL, 10) + 1 : 1;
        char page[96];

        snprintf(page, sizeof(page), "{\"data\":[],\"links\":{\"next\":\"?cursor=%d\"}}",
                 plan->round > 0 ? at % plan->round : at);
        fake_answer(request, 200, page);
        return;
    }
    while (last + 1 < PAGES_MOST && plan->pages[last + 1] != NULL)
        last++;
    if (index > last)
        index = last;
    fake_answer(request, plan->status[index] != 0 ? plan->status[index] : 200, plan->pages[index]);
}

#define DEVICE(id, serial)                                                                                   \
    "{\"id\":\"" id "\",\"type\":\"devices\",\"attributes\":{\"serial\":\"" serial                           \
    "\",\"country\":\"JP\",\"enrollmentState\":\"PENDING\"}}"
#define ASSIGNMENT(id, device, more)                                                                         \
    "{\"id\":\"" id "\",\"type\":\"assignments\",\"attributes\":{\"deviceId\":\"" device                     \
    "\",\"blueprintId\":\"bp-1\",\"state\":\"PROPAGATED\"" more "}}"
#define PAGE(entries)       "{\"data\":[" entries "],\"links\":{}}"
#define PAGE_TO(entries, n) "{\"data\":[" entries "],\"links\":{\"next\":\"" n "\"}}"

/* What the sinks were given, as text: "serial=id " and "|" behind each page. */
struct seen {
    struct buf text;
    int pages;
    int end_after;      /* the listing ends after so many pages; 0: never */
    enum err_code fail; /* the sink fails with it at an entry */
};

static int entry(struct seen *seen, const char *name, const char *value, struct err *err)
{
    buf_addf(&seen->text, "%s=%s ", name, value);
    return seen->fail != ERR_NONE ? err_set(err, seen->fail, 0, "as the test wants") : 0;
}

static int take_device(void *ctx, const char *serial, const char *country, const char *device_id,
                       struct err *err)
{
    assert_string_equal(country, "JP");
    return entry(ctx, serial, device_id, err);
}

static int take_assignment(void *ctx, const struct abm_assignment *assignment, struct err *err)
{
    assert_string_equal(assignment->blueprint_id, "bp-1");
    assert_int_equal(assignment->state, ABM_STATE_PROPAGATED);
    return entry(ctx, assignment->device_id,
                 assignment->mdm_server_id != NULL ? assignment->mdm_server_id : "-", err);
}

static int unreadable(void *ctx, const char *key, const char *why, struct err *err)
{
    assert_true(str_starts(why, "data["));
    return entry(ctx, key, "?", err);
}

static int page(void *ctx, struct err *err)
{
    struct seen *seen = ctx;

    (void)err;
    buf_add_char(&seen->text, '|');
    return ++seen->pages == seen->end_after;
}

static int list(struct fixture *f, struct seen *seen, bool is_devices, bool has_unreadable,
                struct abm_place *place)
{
    const struct abm_device_sink devices = { seen, take_device, has_unreadable ? unreadable : NULL, page,
                                             place };
    const struct abm_assignment_sink assignments = { seen, take_assignment,
                                                     has_unreadable ? unreadable : NULL, page, place };

    return is_devices ? abm_list_devices(f->client, &devices, &f->err)
                      : abm_list_assignments(f->client, &assignments, &f->err);
}

static void lists_all_pages(void **state)
{
    static const struct {
        const char *what;
        bool is_devices;
        struct plan plan;
        const char *want, *first_url;
    } rows[] = {
        { "devices",
          true,
          { .pages = { PAGE_TO(DEVICE("a", "S1") "," DEVICE("b", "S2"), "/v2/devices?cursor=2"),
                       PAGE(DEVICE("c", "S3")) } },
          "S1=a S2=b |S3=c |",
          "http://127.0.0.1:1/v2/devices?limit=1000" },
        { "assignments",
          false,
          { .pages = { PAGE_TO(ASSIGNMENT("x", "a", ",\"mdmServerId\":\"m\"") "," ASSIGNMENT("y", "b", ""),
                               "/v2/devices?cursor=2"),
                       PAGE(ASSIGNMENT("z", "c", ",\"mdmServerId\":null")) } },
          "a=m b=- |c=- |",
          "http://127.0.0.1:1/v2/assignments?limit=1000" },
        { "none at all", true, { .pages = { PAGE("") } }, "|", "http://127.0.0.1:1/v2/devices?limit=1000" },
        { "a page that fails is read again where it was",
          true,
          { .pages = { PAGE_TO(DEVICE("a", "S1"), "/v2/devices?cursor=2"), "<html>",
                       PAGE(DEVICE("b", "S2")) },
            .status = { 200, 502 } },
          "S1=a |S2=b |",
          "http://127.0.0.1:1/v2/devices?limit=1000" },
        { "429 in between",
          false,
          { .pages = { PAGE_TO(ASSIGNMENT("x", "a", ""), "?cursor=2"), "", PAGE(ASSIGNMENT("y", "b", "")) },
            .status = { 200, 429 } },
          "a=- |b=- |",
          "http://127.0.0.1:1/v2/assignments?limit=1000" },
        { "an entry that breaks the contract and names its device",
          true,
          { .pages = { PAGE("{\"id\":7,\"type\":\"devices\",\"attributes\":{\"serial\":\"S1\"}}," //
                            DEVICE("b", "S2")) } },
          "S1=? S2=b |",
          "http://127.0.0.1:1/v2/devices?limit=1000" },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = rows[i].plan;
        struct seen seen = { .pages = 0 };

        fixture_init(&f, respond);
        f.own = &plan;
        buf_init(&seen.text, 10000);
        if (list(&f, &seen, rows[i].is_devices, true, NULL) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (!str_eq(seen.text.data, rows[i].want))
            fail_msg("%s: %s", rows[i].what, seen.text.data);
        assert_string_equal(f.transport.sent[0].url, rows[i].first_url);
        assert_int_equal(f.limiter.granted, f.transport.sent_count);
        buf_release(&seen.text);
        fixture_release(&f);
    }
}

static void ends_early_and_goes_on(void **state)
{
    struct plan plan = { .pages = { PAGE_TO(DEVICE("a", "S1"), "/v2/devices?cursor=2"),
                                    PAGE_TO(DEVICE("b", "S2"), "/v2/devices?cursor=3"),
                                    PAGE(DEVICE("c", "S3")) } };
    struct seen seen = { .end_after = 1 };
    struct abm_place place;
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    buf_init(&seen.text, 10000);
    abm_place_init(&place);
    assert_int_equal(list(&f, &seen, true, true, &place), 0);
    assert_int_equal(f.transport.sent_count, 1);
    assert_string_equal(place.url.data, "http://127.0.0.1:1/v2/devices?cursor=2");
    assert_int_equal(place.pages, 1);
    assert_int_equal(list(&f, &seen, true, true, &place), 0);
    assert_string_equal(f.transport.sent[1].url, "http://127.0.0.1:1/v2/devices?cursor=2");
    assert_string_equal(seen.text.data, "S1=a |S2=b |S3=c |");
    assert_int_equal(place.url.len, 0);
    assert_int_equal(place.pages, 0);
    abm_place_release(&place);
    buf_release(&seen.text);
    fixture_release(&f);
}

/* After trouble that ends the call, the place is that of the page that was not read. */
static void the_place_outlives_trouble(void **state)
{
    struct plan plan = { .pages = { PAGE_TO(DEVICE("a", "S1"), "/v2/devices?cursor=2"), "<html>" },
                         .status = { 200, 503 } };
    struct seen seen = { .pages = 0 };
    struct abm_place place;
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    buf_init(&seen.text, 10000);
    abm_place_init(&place);
    assert_int_equal(list(&f, &seen, true, true, &place), -1);
    assert_int_equal(f.err.code, ERR_ABM_SERVER);
    assert_true(str_starts(f.err.text, "listDevices: 503"));
    assert_string_equal(place.url.data, "http://127.0.0.1:1/v2/devices?cursor=2");
    assert_string_equal(seen.text.data, "S1=a |");
    abm_place_release(&place);
    buf_release(&seen.text);
    fixture_release(&f);
}

static void a_broken_list_ends_with_its_reason(void **state)
{
    static const struct {
        const char *what;
        struct plan plan;
        bool has_unreadable;
        enum err_code sink_fails, code;
        const char *text;
    } rows[] = {
        { "another origin",
          { .pages = { PAGE_TO("", "http://evil/x") } },
          true,
          ERR_NONE,
          ERR_ABM_CONTRACT,
          "links.next: leads to another origin" },
        { "no links", { .pages = { "{\"data\":[]}" } }, true, ERR_NONE, ERR_ABM_CONTRACT, "links: absent" },
        { "data is no array",
          { .pages = { "{\"data\":{},\"links\":{}}" } },
          true,
          ERR_NONE,
          ERR_ABM_CONTRACT,
          "data: an object" },
        { "whose is it",
          { .pages = { PAGE("{\"id\":\"x\",\"type\":\"devices\",\"attributes\":{}}") } },
          true,
          ERR_NONE,
          ERR_ABM_CONTRACT,
          "data[0].attributes.serial: absent" },
        { "nobody takes what cannot be read",
          { .pages = { PAGE("{\"id\":7,\"type\":\"devices\",\"attributes\":{\"serial\":\"S1\"}}") } },
          false,
          ERR_NONE,
          ERR_ABM_CONTRACT,
          "data[0].id: a number" },
        { "for ever",
          { .pages = { PAGE_TO("", "?c=1"), PAGE_TO("", "?c=1") } },
          true,
          ERR_NONE,
          ERR_ABM_CONTRACT,
          "same page" },
        { "the sink is full",
          { .pages = { PAGE(DEVICE("a", "S1")) } },
          true,
          ERR_LIMIT,
          ERR_LIMIT,
          "as the test wants" },
        { "4xx",
          { .pages = { ERROR_BODY("BAD") }, .status = { 400 } },
          true,
          ERR_NONE,
          ERR_ABM_CONTRACT,
          "BAD" },
        { "5xx for ever",
          { .pages = { "<html>" }, .status = { 500 } },
          true,
          ERR_NONE,
          ERR_ABM_SERVER,
          "listDevices: 500" },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = rows[i].plan;
        struct seen seen = { .fail = rows[i].sink_fails };

        fixture_init(&f, respond);
        f.own = &plan;
        buf_init(&seen.text, 10000);
        if (list(&f, &seen, true, rows[i].has_unreadable, NULL) != -1 || f.err.code != rows[i].code ||
            strstr(f.err.text, rows[i].text) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(f.err.code), f.err.text);
        buf_release(&seen.text);
        fixture_release(&f);
    }
}

/* 5,000 pages are more than any organization has. */
static void too_many_pages_are_a_broken_contract(void **state)
{
    struct plan plan = { .is_endless = true };
    struct seen seen = { .pages = 0 };
    struct abm_place place;
    static struct fixture f;
    int rc = 0;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    buf_init(&seen.text, 10000);
    abm_place_init(&place);
    while (rc == 0 && seen.pages <= 5000) {
        seen.end_after = seen.pages + 1000;
        fake_transport_reset(&f.transport);
        place.pages = seen.pages;
        rc = list(&f, &seen, false, true, &place);
    }
    assert_int_equal(rc, -1);
    assert_int_equal(f.err.code, ERR_ABM_CONTRACT);
    assert_non_null(strstr(f.err.text, "links.next: more than 5000 pages"));
    assert_int_equal(seen.pages, 4999);
    abm_place_release(&place);
    buf_release(&seen.text);
    fixture_release(&f);
}

/* A list that goes round is seen before it has gone round three times. */
static void pages_that_go_round_are_a_broken_contract(void **state)
{
    static struct fixture f;

    (void)state;
    for (int round = 1; round < 40; round++) {
        struct plan plan = { .is_endless = true, .round = round };
        struct seen seen = { .pages = 0 };

        fixture_init(&f, respond);
        f.own = &plan;
        buf_init(&seen.text, 10000);
        assert_int_equal(list(&f, &seen, true, true, NULL), -1);
        assert_int_equal(f.err.code, ERR_ABM_CONTRACT);
        assert_non_null(strstr(f.err.text, "links.next: leads back to the same page"));
        assert_in_range(seen.pages, round < 2 ? 1 : round, 3 * round + 1);
        buf_release(&seen.text);
        fixture_release(&f);
    }
}

static void a_stop_is_told(void **state)
{
    struct plan plan = { .pages = { PAGE("") } };
    struct seen seen = { .pages = 0 };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    f.is_stopping = true;
    assert_int_equal(list(&f, &seen, true, true, NULL), -1);
    assert_int_equal(f.err.code, ERR_STOPPED);
    assert_int_equal(f.transport.sent_count, 0);
    fixture_release(&f);
}

static void which_of_two_counts(void **state)
{
    static const struct {
        const char *what;
        struct abm_assignment known, other;
        enum abm_newer want;
    } rows[] = {
        { "the newer",
          { .blueprint_id = "a", .updated_ms = 1 },
          { .blueprint_id = "b", .updated_ms = 2 },
          ABM_TAKE },
        { "the older",
          { .blueprint_id = "a", .updated_ms = 2 },
          { .blueprint_id = "b", .updated_ms = 1 },
          ABM_KEEP },
        { "one without a time, in effect",
          { .blueprint_id = "a", .updated_ms = 2, .state = ABM_STATE_PROPAGATED },
          { .blueprint_id = "b" },
          ABM_TAKE },
        { "the same", { .blueprint_id = "a" }, { .blueprint_id = "a" }, ABM_KEEP },
        { "another server, both in effect",
          { .blueprint_id = "a", .state = ABM_STATE_PROPAGATED },
          { .blueprint_id = "a", .mdm_server_id = "m", .state = ABM_STATE_PROPAGATED },
          ABM_CONTRADICT },
        { "the one known is not in effect",
          { .blueprint_id = "a", .state = ABM_STATE_FAILED },
          { .blueprint_id = "b", .state = ABM_STATE_PROPAGATED },
          ABM_KEEP },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (abm_assignment_newer(&rows[i].known, &rows[i].other) != rows[i].want)
            fail_msg("%s", rows[i].what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_all_pages),
        cmocka_unit_test(ends_early_and_goes_on),
        cmocka_unit_test(the_place_outlives_trouble),
        cmocka_unit_test(a_broken_list_ends_with_its_reason),
        cmocka_unit_test(too_many_pages_are_a_broken_contract),
        cmocka_unit_test(pages_that_go_round_are_a_broken_contract),
        cmocka_unit_test(a_stop_is_told),
        cmocka_unit_test(which_of_two_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

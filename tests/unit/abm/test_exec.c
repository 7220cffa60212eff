#include "fixture.h"

#include <unistd.h>

/* An ABM that assigns: PUT gives 202. What it does instead, and to which of the requests. */
struct plan {
    size_t from, to; /* requests number from..to-1 are answered so: */
    long status;
    const char *body;
    enum http_result result; /* unless HTTP_NOT_SENT */
    const char *retry_after, *date;
    bool gets_too;                               /* also the probe */
    const char *token;                           /* only this one is accepted */
    void (*at)(struct fixture *f, size_t index); /* called as each goes out */
};

static void respond(void *user, struct http_request *request, size_t index)
{
    struct fixture *f = user;
    const struct plan *plan = f->own;
    const char *id = strrchr(request->url, '/') + 1;
    char body[512];

    if (plan->at != NULL)
        plan->at(f, index);
    if (plan->token != NULL && !str_eq(f->transport.sent[index].authorization, plan->token)) {
        fake_answer(request, 401, ERROR_BODY("NOT_AUTHORIZED"));
        return;
    }
    if (index >= plan->from && index < plan->to && (plan->gets_too || strcmp(request->method, "GET") != 0)) {
        if (plan->result != HTTP_NOT_SENT)
            fake_fail(request, plan->result);
        else
            fake_answer(request, plan->status, plan->body);
        request->got.retry_after = plan->retry_after != NULL ? strdup(plan->retry_after) : NULL;
        request->got.date = plan->date != NULL ? strdup(plan->date) : NULL;
        return;
    }
    if (strcmp(request->method, "GET") == 0) {
        fake_answer(request, 200, "{\"data\":[],\"links\":{}}");
        return;
    }
    snprintf(body, sizeof(body),
             "{\"data\":{\"id\":\"as-%s\",\"type\":\"assignments\",\"attributes\":{\"deviceId\":\"%s\","
             "\"blueprintId\":\"bp-1\",\"state\":\"ACCEPTED\"}}}",
             id, id);
    fake_answer(request, 202, body);
}

static void start(struct fixture *f, struct plan *plan, size_t count)
{
    fixture_init(f, respond);
    f->own = plan;
    fixture_devices(f, count);
}

static int assign(struct fixture *f)
{
    return abm_assign(f->client, f->items, f->count, f->pool, &f->err);
}

static void runs_many_at_once_with_one_slot_each(void **state)
{
    struct plan plan = { .status = 0 };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 300);
    assert_int_equal(assign(&f), 0);
    fixture_all(&f, "300", ABM_ACCEPTED);
    assert_int_equal(f.transport.most_at_once, 4);
    assert_int_equal(f.limiter.granted, 300);
    assert_in_range(f.limiter.calls, 75, 80); /* four at a time */
    fixture_release(&f);
}

static void sends_a_429_again_for_as_long_as_it_takes(void **state)
{
    static const struct {
        const char *what, *retry_after, *date;
        int64_t pause_ms;
    } rows[] = {
        { "seconds", "2", NULL, 2000 },
        { "a date, by the answer's own clock", "Sun, 06 Nov 1994 08:49:40 GMT",
          "Sun, 06 Nov 1994 08:49:37 GMT", 3000 },
        { "absent", NULL, NULL, -1 },
        { "words", "soon", NULL, -1 },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = {
            .from = 0, .to = 20, .status = 429, .retry_after = rows[i].retry_after, .date = rows[i].date
        };

        start(&f, &plan, 3);
        if (assign(&f) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        fixture_all(&f, rows[i].what, ABM_ACCEPTED);
        if (f.limiter.last_pause_ms != rows[i].pause_ms || f.limiter.pauses != 20 ||
            f.transport.sent_count != 23)
            fail_msg("%s: %d pauses of %lld ms, %zu sent", rows[i].what, f.limiter.pauses,
                     (long long)f.limiter.last_pause_ms, f.transport.sent_count);
        if (f.limiter.granted < 23)
            fail_msg("%s: %lld slots for 23 requests", rows[i].what, (long long)f.limiter.granted);
        fixture_release(&f);
    }
}

static void waits_where_the_limiter_says_so(void **state)
{
    struct plan plan = { .status = 0 };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 5);
    f.limiter.later = 3;
    f.limiter.later_wait_ms = 7;
    f.limiter.grant_wait_ms = 5;
    f.limiter.grant_max = 2;
    assert_int_equal(assign(&f), 0);
    fixture_all(&f, "later", ABM_ACCEPTED);
    assert_true(f.transport.waited_ms >= 3 * 7 + 5);
    assert_int_equal(f.limiter.granted, 5);
    fixture_release(&f);
}

static void a_slot_that_grew_old_is_asked_for_again(void **state)
{
    struct plan plan = { .result = HTTP_TOO_LATE, .from = 0, .to = 2 };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 1);
    assert_int_equal(assign(&f), 0);
    fixture_all(&f, "late", ABM_ACCEPTED);
    assert_int_equal(f.limiter.granted, 3);
    fixture_release(&f);

    /* For ever: then the network is the trouble, and nothing was sent. */
    plan.to = 1000;
    start(&f, &plan, 1);
    assert_int_equal(assign(&f), 0);
    assert_int_equal(f.items[0].kind, ABM_SUSPECT);
    assert_int_equal(f.items[0].code, ERR_ABM_UNREACHABLE);
    assert_false(f.items[0].is_maybe_sent);
    fixture_release(&f);
}

static void ends_as_the_limiter_says(void **state)
{
    static const struct {
        const char *what;
        enum permit permit;
        int rc;
        enum err_code code;
    } rows[] = {
        { "stopping", PERMIT_STOPPED, 0, ERR_NONE },
        { "the breaker is open", PERMIT_CLOSED, -1, ERR_BREAKER_OPEN },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { .status = 0 };
        int rc;

        start(&f, &plan, 50);
        f.limiter.slots_left = 10;
        f.limiter.then_permit = rows[i].permit;
        rc = assign(&f);
        if (rc != rows[i].rc || f.err.code != rows[i].code)
            fail_msg("%s: %d %s", rows[i].what, rc, f.err.text);
        if (fixture_kinds(&f, ABM_ACCEPTED) != 10 || fixture_kinds(&f, ABM_UNSENT) != 40)
            fail_msg("%s: %zu accepted", rows[i].what, fixture_kinds(&f, ABM_ACCEPTED));
        fixture_release(&f);
    }
}

static void redis_lost_ends_the_call(void **state)
{
    struct plan plan = { .status = 0 };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 50);
    f.limiter.grant_max = 1;
    f.limiter.fail_after = 5;
    assert_int_equal(assign(&f), -1);
    assert_int_equal(f.err.code, ERR_REDIS_LOST);
    assert_int_equal(fixture_kinds(&f, ABM_ACCEPTED), 5);
    assert_int_equal(fixture_kinds(&f, ABM_UNSENT), 45);
    fixture_release(&f);
}

static void stop_at_7(struct fixture *f, size_t index)
{
    f->is_stopping = index >= 7;
}

static void no_request_starts_after_a_stop(void **state)
{
    struct plan plan = { .at = stop_at_7 };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 50);
    assert_int_equal(assign(&f), 0);
    assert_int_equal(f.transport.sent_count, 8);
    assert_int_equal(fixture_kinds(&f, ABM_ACCEPTED), 8);
    assert_int_equal(fixture_kinds(&f, ABM_UNSENT), 42);
    fixture_release(&f);
}

static void a_message_that_is_lost_or_cancelled_sends_nothing_more(void **state)
{
    static const struct fence fences[] = { { "1-1", "r" }, { "2-1", "r" }, { "3-1", "s" } };
    struct plan plan = { .status = 0 };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 30);
    for (size_t i = 0; i < 30; i++)
        f.items[i].fence = &fences[i / 10];
    fake_limiter_end_fence(&f.limiter, "1-1", PERMIT_LOST, 1); /* four slots, then lost */
    fake_limiter_end_fence(&f.limiter, "3-1", PERMIT_CANCELLED, 0);
    assert_int_equal(assign(&f), 0);
    for (size_t i = 0; i < 30; i++) {
        enum abm_kind want = i < 4 ? ABM_ACCEPTED : i < 10 ? ABM_LOST : i < 20 ? ABM_ACCEPTED : ABM_CANCELLED;

        if (f.items[i].kind != want)
            fail_msg("item %zu: %d", i, f.items[i].kind);
    }
    assert_int_equal(f.transport.sent_count, 14);
    fixture_release(&f);
}

static void respond_import(void *user, struct http_request *request, size_t index)
{
    (void)user, (void)index;
    fake_answer(request, 207, "{\"data\":[]}");
}

static void an_import_asks_for_each_message_and_takes_one_slot(void **state)
{
    static const struct fence fences[] = { { "1-1", "r" }, { "2-1", "r" }, { "3-1", "s" }, { "4-1", "s" } };
    static struct fixture f;
    const char *body;

    (void)state;
    fixture_init(&f, respond_import);
    fixture_devices(&f, 40);
    for (size_t i = 0; i < 40; i++)
        f.items[i].fence = &fences[i % 4];
    fake_limiter_end_fence(&f.limiter, "1-1", PERMIT_LOST, 0);
    fake_limiter_end_fence(&f.limiter, "3-1", PERMIT_CANCELLED, 0);
    assert_int_equal(abm_import(f.client, f.items, f.count, f.pool, &f.err), 0);
    assert_int_equal(f.transport.sent_count, 1);
    assert_int_equal(f.limiter.granted, 1);
    body = f.transport.sent[0].body;
    assert_null(strstr(body, "SN00000000"));
    assert_non_null(strstr(body, "SN00000001"));
    assert_null(strstr(body, "SN00000002"));
    assert_non_null(strstr(body, "SN00000003"));
    assert_int_equal(fixture_kinds(&f, ABM_LOST), 10);
    assert_int_equal(fixture_kinds(&f, ABM_CANCELLED), 10);
    assert_int_equal(fixture_kinds(&f, ABM_RETRY), 20); /* the double leaves all out of its answer */
    fixture_release(&f);
}

static void trouble_of_one_is_suspect_and_of_all_is_the_organizations(void **state)
{
    static const struct {
        const char *what;
        long status;
        const char *body;
        enum http_result result;
        enum err_code code;
        bool is_maybe_sent;
    } rows[] = {
        { "500", 500, "<html>", HTTP_NOT_SENT, ERR_ABM_SERVER, true },
        { "503", 503, ERROR_BODY("DOWN"), HTTP_NOT_SENT, ERR_ABM_SERVER, true },
        { "408", 408, NULL, HTTP_NOT_SENT, ERR_ABM_TIMEOUT, true },
        { "401", 401, ERROR_BODY("NOT_AUTHORIZED"), HTTP_NOT_SENT, ERR_ABM_UNAUTHORIZED, false },
        { "403", 403, ERROR_BODY("FORBIDDEN"), HTTP_NOT_SENT, ERR_ABM_FORBIDDEN, false },
        { "405", 405, NULL, HTTP_NOT_SENT, ERR_ABM_GONE, false },
        { "406", 406, NULL, HTTP_NOT_SENT, ERR_ABM_GONE, false },
        { "410", 410, NULL, HTTP_NOT_SENT, ERR_ABM_GONE, false },
        { "302", 302, NULL, HTTP_NOT_SENT, ERR_ABM_CONTRACT, false },
        { "204", 204, NULL, HTTP_NOT_SENT, ERR_ABM_CONTRACT, true },
        { "404 in HTML", 404, "<html>", HTTP_NOT_SENT, ERR_ABM_UNREADABLE, false },
        { "no JSON", 200, "<html>", HTTP_NOT_SENT, ERR_ABM_UNREADABLE, true },
        { "an empty body", 202, "", HTTP_NOT_SENT, ERR_ABM_UNREADABLE, true },
        { "another contract", 200, "{}", HTTP_NOT_SENT, ERR_ABM_CONTRACT, true },
        { "no connection", 0, NULL, HTTP_NO_CONNECTION, ERR_ABM_UNREACHABLE, false },
        { "no TLS", 0, NULL, HTTP_TLS_FAILED, ERR_ABM_TLS, false },
        { "cut", 0, NULL, HTTP_CUT, ERR_ABM_UNREACHABLE, true },
        { "a time-out", 0, NULL, HTTP_TIMED_OUT, ERR_ABM_TIMEOUT, true },
        { "garbled", 0, NULL, HTTP_GARBLED, ERR_ABM_UNREADABLE, true },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = {
            .from = 3, .to = 4, .status = rows[i].status, .body = rows[i].body, .result = rows[i].result
        };

        /* one of them */
        start(&f, &plan, 20);
        if (assign(&f) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (f.items[3].kind != ABM_SUSPECT || f.items[3].code != rows[i].code ||
            !str_eq(f.items[3].op, "putAssignment") || f.items[3].is_maybe_sent != rows[i].is_maybe_sent)
            fail_msg("%s: %d %s \"%s\" %d", rows[i].what, f.items[3].kind, err_wire(f.items[3].code),
                     f.items[3].text, f.items[3].is_maybe_sent);
        if (fixture_kinds(&f, ABM_ACCEPTED) != 19 || f.transport.sent_count != 20)
            fail_msg("%s: %zu sent", rows[i].what, f.transport.sent_count);
        fixture_release(&f);

        /* all of them, while other operations work: suspect still */
        plan.from = 0;
        plan.to = 1000;
        start(&f, &plan, 5);
        if (assign(&f) != 0)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        fixture_all(&f, rows[i].what, ABM_SUSPECT);
        if (fixture_sent(&f, "GET", "/v2/blueprints?limit=1") != 1)
            fail_msg("%s: no probe", rows[i].what);
        fixture_release(&f);

        /* all, and the probe: the organization's, found out with few requests */
        plan.gets_too = true;
        start(&f, &plan, 300);
        if (assign(&f) != -1 || f.err.code != rows[i].code || err_class_of(f.err.code) != ERR_CLASS_SERVICE)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (strstr(f.err.text, "putAssignment: ") != f.err.text || strstr(f.err.text, "s3cret") != NULL ||
            str_has_control(f.err.text))
            fail_msg("%s: \"%s\"", rows[i].what, f.err.text);
        if (f.transport.sent_count > 20 ||
            fixture_kinds(&f, ABM_UNSENT) + fixture_kinds(&f, ABM_SUSPECT) != 300)
            fail_msg("%s: %zu requests", rows[i].what, f.transport.sent_count);
        fixture_release(&f);
    }
}

static void names_the_apis_words_escaped(void **state)
{
    struct plan plan = { .to = 1000, .status = 403, .body = ERROR_BODY("FORBIDDEN"), .gets_too = true };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 2);
    assert_int_equal(assign(&f), -1);
    assert_string_equal(f.err.text, "putAssignment: FORBIDDEN: No \\x1b[31mgood (403)");
    fixture_release(&f);
}

/* An API, or a proxy before it, that repeats what it was sent. */
static void an_echoed_token_is_not_told(void **state)
{
    static const struct {
        const char *what, *body, *says;
        long status;
    } rows[] = {
        { "an error's title",
          "{\"errors\":[{\"status\":\"403\",\"code\":\"X\",\"title\":\"Bearer s3cret-token?\"}]}",
          "X: Bearer ************? (403)", 403 },
        { "a page", "Authorization: Bearer s3cret-token s3cret-token", "Bearer ************ ************",
          200 },
        { "at its end", "s3cret-token", "************", 200 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { .to = 1000, .status = rows[i].status, .body = rows[i].body, .gets_too = true };
        static struct fixture f;

        start(&f, &plan, 2);
        assert_int_equal(assign(&f), -1);
        if (strstr(f.err.text, rows[i].says) == NULL || strstr(f.err.text, "s3cret") != NULL)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        for (size_t at = 0; at < f.count; at++)
            if (f.items[at].text != NULL && strstr(f.items[at].text, "s3cret") != NULL)
                fail_msg("%s: %s", rows[i].what, f.items[at].text);
        fixture_release(&f);
    }
}

static void keeps_what_a_503_asks_to_wait(void **state)
{
    struct plan plan = { .from = 1, .to = 2, .status = 503, .retry_after = "30" };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 3);
    assert_int_equal(assign(&f), 0);
    assert_int_equal(f.items[1].delay_ms, 30000);
    assert_int_equal(f.items[0].delay_ms, -1);
    fixture_release(&f);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(truncate(path, (off_t)strlen(text)), 0);
}

static char token_path[64];

static void rotate_at_3(struct fixture *f, size_t index)
{
    (void)f;
    if (index == 3)
        write_file(token_path, "a-new-token");
}

static void a_new_token_is_taken_without_a_restart(void **state)
{
    struct plan plan = { .status = 0 };
    char reference[80];
    static struct fixture f;
    int fd;

    (void)state;
    strcpy(token_path, "/tmp/unit-abm-token-XXXXXX");
    fd = mkstemp(token_path);
    assert_true(fd >= 0);
    close(fd);
    write_file(token_path, "old\n");
    snprintf(reference, sizeof(reference), "file:%s", token_path);

    /* Changed between calls: seen at the next. */
    start(&f, &plan, 2);
    abm_client_free(f.client);
    f.org.api_token = reference;
    {
        struct abm_env env = { .org = &f.org,
                               .concurrency = 1,
                               .limiter = &f.limiter.limiter,
                               .cache = &f.cache.cache,
                               .health = &f.health.health,
                               .transport = &f.transport.transport };

        assert_int_equal(abm_client_new(&env, &f.client, &f.err), 0);
    }
    f.transport.concurrency = 1;
    assert_int_equal(assign(&f), 0);
    assert_string_equal(f.transport.sent[0].authorization, "Bearer old");
    write_file(token_path, "newer");
    assert_int_equal(assign(&f), 0);
    assert_string_equal(f.transport.sent[2].authorization, "Bearer newer");

    /* Changed within a call, the old one refused: the request is repeated with the new one. */
    fake_transport_reset(&f.transport);
    fixture_devices(&f, 6);
    plan.at = rotate_at_3;
    plan.token = "Bearer newer";
    assert_int_equal(assign(&f), 0);
    fixture_all(&f, "still good", ABM_ACCEPTED);
    fake_transport_reset(&f.transport);
    plan.at = NULL;
    plan.token = "Bearer a-new-token";
    write_file(token_path, "not-yet");
    plan.at = rotate_at_3;
    assert_int_equal(assign(&f), 0);
    /* Three requests had no newer token to be repeated with; from the fourth on it was there. */
    assert_int_equal(fixture_kinds(&f, ABM_SUSPECT), 3);
    assert_int_equal(fixture_kinds(&f, ABM_ACCEPTED), 3);
    assert_int_equal(f.items[0].code, ERR_ABM_UNAUTHORIZED);
    fixture_release(&f);
    unlink(token_path);
}

static void a_token_that_cannot_be_had_or_sent_is_named_not_shown(void **state)
{
    static const struct {
        const char *what, *value; /* NULL: unset */
    } rows[] = {
        { "unset", NULL },
        { "empty", "" },
        { "a line break within", "s3cret\r\nX-Evil: 1" },
        { "a blank within", "s3cret token" },
    };
    struct plan plan = { .status = 0 };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(&f, &plan, 2);
        if (rows[i].value != NULL)
            setenv("UNIT_ABM_TOKEN", rows[i].value, 1);
        else
            unsetenv("UNIT_ABM_TOKEN");
        if (assign(&f) != -1 || f.err.code != ERR_SECRET || strstr(f.err.text, "s3cret") != NULL ||
            strstr(f.err.text, "UNIT_ABM_TOKEN") == NULL)
            fail_msg("%s: %s", rows[i].what, f.err.text);
        if (f.transport.sent_count != 0)
            fail_msg("%s: sent", rows[i].what);
        fixture_release(&f);
    }
}

static void a_full_pool_fails_the_call_and_gives_no_half_result(void **state)
{
    struct plan plan = { .status = 0 };
    static struct fixture f;
    struct pool *small = pool_new(200);

    (void)state;
    start(&f, &plan, 50);
    assert_int_equal(abm_assign(f.client, f.items, f.count, small, &f.err), -1);
    assert_int_equal(f.err.code, ERR_LIMIT);
    for (size_t i = 0; i < f.count; i++)
        if (f.items[i].kind == ABM_ACCEPTED && f.items[i].assignment_id == NULL)
            fail_msg("item %zu is half a result", i);
    pool_free(small);
    fixture_release(&f);
}

static void probes(void **state)
{
    struct plan plan = { .status = 503, .gets_too = true };
    static struct fixture f;

    (void)state;
    start(&f, &plan, 0);
    assert_int_equal(abm_probe(f.client, &f.err), 0);
    assert_string_equal(f.transport.sent[0].url, "http://127.0.0.1:1/v2/blueprints?limit=1");
    assert_int_equal(fake_health_of(&f.health, "listBlueprints")->succeeded, 1);
    plan.to = 100;
    assert_int_equal(abm_probe(f.client, &f.err), -1);
    assert_int_equal(f.err.code, ERR_ABM_SERVER);
    assert_int_equal(f.transport.sent_count, 2);
    f.limiter.slots_left = 0;
    f.limiter.then_permit = PERMIT_CLOSED;
    assert_int_equal(abm_probe(f.client, &f.err), -1);
    assert_int_equal(f.err.code, ERR_BREAKER_OPEN);
    f.is_stopping = true;
    assert_int_equal(abm_probe(f.client, &f.err), -1);
    assert_int_equal(f.err.code, ERR_STOPPED);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_many_at_once_with_one_slot_each),
        cmocka_unit_test(sends_a_429_again_for_as_long_as_it_takes),
        cmocka_unit_test(waits_where_the_limiter_says_so),
        cmocka_unit_test(a_slot_that_grew_old_is_asked_for_again),
        cmocka_unit_test(ends_as_the_limiter_says),
        cmocka_unit_test(redis_lost_ends_the_call),
        cmocka_unit_test(no_request_starts_after_a_stop),
        cmocka_unit_test(a_message_that_is_lost_or_cancelled_sends_nothing_more),
        cmocka_unit_test(an_import_asks_for_each_message_and_takes_one_slot),
        cmocka_unit_test(trouble_of_one_is_suspect_and_of_all_is_the_organizations),
        cmocka_unit_test(names_the_apis_words_escaped),
        cmocka_unit_test(an_echoed_token_is_not_told),
        cmocka_unit_test(keeps_what_a_503_asks_to_wait),
        cmocka_unit_test(a_new_token_is_taken_without_a_restart),
        cmocka_unit_test(a_token_that_cannot_be_had_or_sent_is_named_not_shown),
        cmocka_unit_test(a_full_pool_fails_the_call_and_gives_no_half_result),
        cmocka_unit_test(probes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

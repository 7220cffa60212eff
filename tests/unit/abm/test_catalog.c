#include "fixture.h"

#define LINKS ",\"links\":{}}"

struct plan {
    const char *blueprints, *servers;
    long status;
    size_t fail_first; /* so many requests are 503 */
};

static void respond(void *user, struct http_request *request, size_t index)
{
    const struct fixture *f = user;
    const struct plan *plan = f->own;

    if (index < plan->fail_first)
        fake_answer(request, 503, NULL);
    else if (strstr(request->url, "/v2/blueprints?limit=1000") != NULL)
        fake_answer(request, 200, plan->blueprints);
    else if (strstr(request->url, "cursor=2") != NULL)
        fake_answer(
            request, 200,
            "{\"data\":[{\"id\":\"bp-9\",\"type\":\"blueprints\",\"attributes\":{\"name\":\"Nine\"}}]" LINKS);
    else if (strstr(request->url, "/v2/mdmServers?limit=1000") != NULL)
        fake_answer(request, 200, plan->servers);
    else
        fake_answer(request, 200, "{\"data\":[]" LINKS);
}

#define BLUEPRINT(id, name)                                                                                  \
    "{\"id\":\"" id "\",\"type\":\"blueprints\",\"attributes\":{\"name\":\"" name "\"}}"
#define SERVER(id, name)                                                                                     \
    "{\"id\":\"" id "\",\"type\":\"mdmServers\",\"attributes\":{\"name\":\"" name "\",\"url\":\"https://"    \
    "m\"}}"
#define ONE_PAGE  "{\"data\":[" BLUEPRINT("bp-2", "Two") "," BLUEPRINT("bp-1", "One") "]" LINKS
#define TWO_PAGES "{\"data\":[" BLUEPRINT("bp-1", "One") "],\"links\":{\"next\":\"/v2/blueprints?cursor=2\"}}"

static enum abm_known known(struct fixture *f, const char *id)
{
    enum abm_known answer = ABM_UNKNOWN;

    if (abm_blueprint_known(f->client, id, &answer, &f->err) != 0)
        fail_msg("%s: %s", id, f->err.text);
    return answer;
}

static void reads_once_and_remembers(void **state)
{
    struct plan plan = { .blueprints = TWO_PAGES };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    assert_int_equal(known(&f, "bp-1"), ABM_KNOWN);
    assert_int_equal(known(&f, "bp-9"), ABM_KNOWN);
    assert_int_equal(f.transport.sent_count, 2);
    /* A name is no id, and a list younger than 30 s is not read again for it. */
    assert_int_equal(known(&f, "One"), ABM_UNKNOWN);
    assert_int_equal(known(&f, "bp-3"), ABM_UNKNOWN);
    assert_int_equal(f.transport.sent_count, 2);
    assert_int_equal(f.cache.sets, 1);
    assert_int_equal(f.cache.locks, f.cache.unlocks);
    assert_int_equal(fake_health_of(&f.health, "listBlueprints")->succeeded, 2);
    fixture_release(&f);
}

static void put_list(struct fake_cache *fake, void *user)
{
    struct err err = ERR_INIT;

    (void)user;
    assert_int_equal(
        cache_set(&fake->cache, "catalog-blueprints", "[[\"bp-7\",\"Seven\"]]", 18, 300000, &err), 0);
}

static void waits_while_another_process_reads(void **state)
{
    struct plan plan = { .blueprints = ONE_PAGE };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    f.cache.held_name = "catalog-blueprints";
    f.cache.held_times = 2;
    f.cache.what_then = put_list;
    assert_int_equal(known(&f, "bp-7"), ABM_KNOWN);
    assert_int_equal(f.transport.sent_count, 0);
    fixture_release(&f);
}

static void a_stop_ends_the_wait(void **state)
{
    struct plan plan = { .blueprints = ONE_PAGE };
    static struct fixture f;
    enum abm_known answer;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    f.cache.held_name = "catalog-blueprints";
    f.cache.held_times = 1000;
    f.is_stopping = true;
    assert_int_equal(abm_blueprint_known(f.client, "bp-7", &answer, &f.err), -1);
    assert_int_equal(f.err.code, ERR_STOPPED);
    fixture_release(&f);
}

static void a_miss_is_looked_for_again_once_the_list_is_30_s_old(void **state)
{
    static const struct {
        const char *what;
        int64_t age_ms;
        const char *id;
        enum abm_known want;
        size_t requests;
    } rows[] = {
        { "known, young", 1000, "bp-7", ABM_KNOWN, 0 },
        { "known, old", 299000, "bp-7", ABM_KNOWN, 0 },
        { "missing, young", 29000, "bp-1", ABM_UNKNOWN, 0 },
        { "missing, old: it came since", 31000, "bp-1", ABM_KNOWN, 1 },
        { "missing still", 31000, "bp-4", ABM_UNKNOWN, 1 },
        { "too old", 300001, "bp-7", ABM_UNKNOWN, 1 },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { .blueprints = ONE_PAGE };
        enum abm_known got;

        fixture_init(&f, respond);
        f.own = &plan;
        put_list(&f.cache, NULL);
        f.cache.now_ms += rows[i].age_ms;
        got = known(&f, rows[i].id);
        if (got != rows[i].want || f.transport.sent_count != rows[i].requests)
            fail_msg("%s: %d with %zu requests", rows[i].what, got, f.transport.sent_count);
        fixture_release(&f);
    }
}

static void finds_a_server_by_id_or_by_its_only_name(void **state)
{
    static const struct {
        const char *key, *id; /* NULL: unknown */
    } rows[] = {
        { "mdm-1", "mdm-1" }, { "Main", "mdm-1" }, { "Twin", NULL }, { "mdm-3", "mdm-3" },
        { "mdm-2", "mdm-2" }, { "main", NULL },    { "", NULL },
    };
    struct plan plan = { .servers =
                             "{\"data\":[" SERVER("mdm-1", "Main") "," SERVER("mdm-2", "Twin") "," SERVER(
                                 "mdm-3", "Twin") "," SERVER("mdm-4", "mdm-2") "]" LINKS };
    static struct fixture f;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum abm_known answer;
        const char *id = "?";

        if (abm_server_find(f.client, rows[i].key, f.pool, &id, &answer, &f.err) != 0)
            fail_msg("%s: %s", rows[i].key, f.err.text);
        if (!str_eq(id, rows[i].id) || (answer == ABM_KNOWN) != (rows[i].id != NULL))
            fail_msg("\"%s\": %s", rows[i].key, id);
    }
    assert_int_equal(f.transport.sent_count, 1);
    fixture_release(&f);
}

static void trouble_is_repeated_then_said(void **state)
{
    static struct fixture f;
    struct plan plan = { .blueprints = ONE_PAGE, .fail_first = 1 };
    enum abm_known answer;

    (void)state;
    fixture_init(&f, respond);
    f.own = &plan;
    assert_int_equal(known(&f, "bp-1"), ABM_KNOWN);
    fixture_release(&f);

    plan.fail_first = 1000;
    fixture_init(&f, respond);
    f.own = &plan;
    assert_int_equal(abm_blueprint_known(f.client, "bp-1", &answer, &f.err), -1);
    assert_int_equal(f.err.code, ERR_ABM_SERVER);
    assert_in_range(f.transport.sent_count, 2, 5);
    assert_int_equal(f.cache.locks, f.cache.unlocks);
    fixture_release(&f);
}

static void a_list_that_breaks_the_contract_is_not_taken(void **state)
{
    static const struct {
        const char *list, *text;
    } rows[] = {
        { "{\"data\":[{\"id\":\"bp-1\",\"type\":\"blueprints\",\"attributes\":{}}]" LINKS,
          "data[0].attributes.name: absent" },
        { "{\"data\":[{\"id\":\"bp-1\",\"type\":\"things\",\"attributes\":{\"name\":\"x\"}}]" LINKS,
          "data[0].type: an unknown" },
        { "{\"data\":{}" LINKS, "data: an object where" },
        { "[]", "the document: an array where" },
        { "<html>", "no JSON" },
    };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = { .blueprints = rows[i].list };
        enum abm_known answer;

        fixture_init(&f, respond);
        f.own = &plan;
        if (abm_blueprint_known(f.client, "bp-1", &answer, &f.err) != -1 ||
            strstr(f.err.text, rows[i].text) == NULL)
            fail_msg("%s: \"%s\"", rows[i].list, f.err.text);
        assert_int_equal(f.cache.sets, 0);
        fixture_release(&f);
    }
}

static void what_the_cache_holds_in_another_form_is_read_anew(void **state)
{
    static const char *const forms[] = { "", "{}", "[1]", "[[\"bp-1\"]]", "{\"v\":2}", "[[1,2]]" };
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct plan plan = { .blueprints = ONE_PAGE };

        fixture_init(&f, respond);
        f.own = &plan;
        assert_int_equal(
            cache_set(&f.cache.cache, "catalog-blueprints", forms[i], strlen(forms[i]), 300000, &f.err), 0);
        if (known(&f, "bp-1") != ABM_KNOWN || f.transport.sent_count != 1)
            fail_msg("%s: not read anew", forms[i]);
        fixture_release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_once_and_remembers),
        cmocka_unit_test(waits_while_another_process_reads),
        cmocka_unit_test(a_stop_ends_the_wait),
        cmocka_unit_test(a_miss_is_looked_for_again_once_the_list_is_30_s_old),
        cmocka_unit_test(finds_a_server_by_id_or_by_its_only_name),
        cmocka_unit_test(trouble_is_repeated_then_said),
        cmocka_unit_test(a_list_that_breaks_the_contract_is_not_taken),
        cmocka_unit_test(what_the_cache_holds_in_another_form_is_read_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

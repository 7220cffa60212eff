/* How the reading of an organization outlasts trouble, what ends it, and what a wrong memory costs. */
#include "estate_bench.h"

static void fail_a_page(void *user, enum fake_abm_call call)
{
    struct bench *bench = user;

    if (call != FAKE_DEVICES || bench->fake.requests[FAKE_DEVICES] < bench->fail_at)
        return;
    bench->fake.fail_first[FAKE_DEVICES] = bench->fail_times > 0;
    bench->fail_times -= bench->fail_times > 0;
}

static void trouble_in_the_middle_goes_on_where_it_was(void **state)
{
    static const struct {
        const char *what;
        enum err_code code;
        int times, requests;
    } rows[] = {
        { "503 twice", ERR_ABM_SERVER, 2, 12 },
        { "an answer that is late, often", ERR_ABM_TIMEOUT, 9, 19 },
        { "the breaker is open for a while", ERR_BREAKER_OPEN, 3, 13 },
        { "the place is refused: from the start", ERR_ABM_CONTRACT, 1, 15 },
        { "and refused again", ERR_ABM_CONTRACT, 2, 16 },
    };
    static struct bench bench;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        new_organization(&bench, 10000);
        bench.fail_at = 4;
        bench.fail_times = rows[i].times;
        bench.fake.fail_code = rows[i].code;
        bench.fake.on_call = fail_a_page;
        bench.fake.user = &bench;
        open_estate(&bench, true);
        read_estate(&bench, rows[i].what);
        check_all(&bench, rows[i].what);
        if (bench.fake.requests[FAKE_DEVICES] != rows[i].requests)
            fail_msg("%s: %d requests", rows[i].what, bench.fake.requests[FAKE_DEVICES]);
        close_estate(&bench);
        fake_cache_release(&bench.cache);
    }
}

static void filters_that_fail_are_asked_again(void **state)
{
    static struct bench bench;

    (void)state;
    new_organization(&bench, 200000);
    bench.fake.fail_code = ERR_ABM_SERVER;
    bench.fake.fail_first[FAKE_FIND] = 3;
    bench.fake.fail_first[FAKE_READ] = 2;
    open_estate(&bench, false);
    want_some(&bench, 700, 0, 200);
    read_estate(&bench, "filters");
    check_all(&bench, "filters");
    assert_int_equal(bench.fake.calls[FAKE_FIND], 4);
    assert_int_equal(bench.fake.calls[FAKE_READ], 3);
    close_estate(&bench);
    fake_cache_release(&bench.cache);
}

static void trouble_that_stays_ends_the_reading(void **state)
{
    static const struct {
        const char *what;
        enum fake_abm_call call;
        enum err_code code, want;
        bool is_whole;
        int most_calls; /* of it; 0: any number, until the patience is over */
        int exit_status;
    } rows[] = {
        { "pages: 503", FAKE_DEVICES, ERR_ABM_SERVER, ERR_ABM_SERVER, true, 0, 69 },
        { "pages: 401", FAKE_DEVICES, ERR_ABM_UNAUTHORIZED, ERR_ABM_UNAUTHORIZED, true, 1, 69 },
        { "pages: a broken contract", FAKE_DEVICES, ERR_ABM_CONTRACT, ERR_ABM_CONTRACT, true, 3, 69 },
        { "pages: no token", FAKE_ASSIGNMENTS, ERR_SECRET, ERR_SECRET, true, 1, 78 },
        { "filters: 503", FAKE_FIND, ERR_ABM_SERVER, ERR_ABM_SERVER, false, 0, 69 },
        { "filters: 403", FAKE_READ, ERR_ABM_FORBIDDEN, ERR_ABM_FORBIDDEN, false, 1, 69 },
        { "stopped", FAKE_READ, ERR_STOPPED, ERR_STOPPED, false, 1, 75 },
    };
    static struct bench bench;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        new_organization(&bench, 3000);
        bench.fake.fail[rows[i].call] = rows[i].code;
        open_estate(&bench, rows[i].is_whole);
        bench.estate->patience_ms = 30;
        want(&bench, "C000000001");
        if (estate_read(bench.estate, &bench.err) != -1 || bench.err.code != rows[i].want ||
            err_exit_status(bench.err.code) != rows[i].exit_status)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(bench.err.code), bench.err.text);
        if (rows[i].most_calls > 0 && bench.fake.calls[rows[i].call] != rows[i].most_calls)
            fail_msg("%s: %d calls", rows[i].what, bench.fake.calls[rows[i].call]);
        if (rows[i].most_calls == 0 && bench.fake.calls[rows[i].call] < 2)
            fail_msg("%s: not tried again", rows[i].what);
        close_estate(&bench);
        fake_cache_release(&bench.cache);
    }
}

/* One device that never gets a good answer is named; the others do not hide it. */
static void a_device_that_cannot_be_read_is_named(void **state)
{
    static const struct {
        const char *what;
        enum fake_abm_call call;
        struct abm_item answer;
        const char *text;
    } rows[] = {
        { "two ids",
          FAKE_FIND,
          { .kind = ABM_RETRY, .code = ERR_ABM_WRONG_ANSWER, .text = "two ids" },
          "listDevices: C000000007: two ids" },
        { "refused",
          FAKE_READ,
          { .kind = ABM_REFUSED, .code = ERR_ABM_REFUSED, .text = "listAssignments: 422" },
          "listAssignments: 422" },
        { "no blueprintId",
          FAKE_READ,
          { .kind = ABM_SUSPECT, .code = ERR_ABM_CONTRACT, .text = "data[0].attributes.blueprintId: absent" },
          "listAssignments: C000000007: data[0]" },
    };
    static struct bench bench;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        new_organization(&bench, 3000);
        fake_abm_script(&bench.fake, rows[i].call, "C000000007", rows[i].answer);
        open_estate(&bench, false);
        want_some(&bench, 100, 0, 1);
        if (estate_read(bench.estate, &bench.err) != -1 || err_exit_status(bench.err.code) != 69 ||
            strstr(bench.err.text, rows[i].text) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(bench.err.code), bench.err.text);
        assert_in_range(bench.fake.calls[rows[i].call], 2, 4);
        close_estate(&bench);
        fake_cache_release(&bench.cache);
    }
}

static void what_is_remembered_may_be_anything(void **state)
{
    static const char *const values[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"devices\":-1,\"assignments\":-5}",
        "{\"devices\":\"9\",\"devices_least\":1e300}",
        "{\"devices\":9007199254740991,\"assignments\":9007199254740991,\"devices_least\":9007199254740991}",
        "{\"devices\":0,\"assignments\":0,\"devices_least\":1000000000}",
        "\x01\xff",
    };
    static struct bench bench;

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        new_organization(&bench, 5000);
        assert_int_equal(
            cache_set(&bench.cache.cache, "inventory", values[i], strlen(values[i]), 1000, &bench.err), 0);
        open_estate(&bench, false);
        want_some(&bench, 4000, 500, 1);
        read_estate(&bench, values[i]);
        check_all(&bench, values[i]);
        close_estate(&bench);
        fake_cache_release(&bench.cache);
    }
}

/* The organization has grown since it was counted: that count misleads one reading, and no further one. */
static void a_count_that_is_outgrown_is_forgotten(void **state)
{
    static const char counted[] = "{\"devices\":10000,\"assignments\":8000}";
    static struct bench bench;

    (void)state;
    new_organization(&bench, 200000);
    assert_int_equal(
        cache_set(&bench.cache.cache, "inventory", counted, sizeof(counted) - 1, 1000, &bench.err), 0);
    for (int time = 0; time < 2; time++) {
        open_estate(&bench, false);
        want_some(&bench, 10000, 190000, 1);
        read_estate(&bench, "outgrown");
        assert_int_equal(bench.fake.requests[FAKE_DEVICES], time == 0 ? 48 : 0);
        assert_int_equal(bench.fake.requests[FAKE_FIND], 50);
        close_estate(&bench);
    }
    fake_cache_release(&bench.cache);
}

static void a_cache_that_is_away_costs_requests_alone(void **state)
{
    static struct bench bench;

    (void)state;
    new_organization(&bench, 5000);
    bench.cache.fail_after = 0;
    open_estate(&bench, false);
    want_some(&bench, 4000, 500, 1);
    read_estate(&bench, "no cache");
    check_all(&bench, "no cache");
    close_estate(&bench);
    fake_cache_release(&bench.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trouble_in_the_middle_goes_on_where_it_was),
        cmocka_unit_test(filters_that_fail_are_asked_again),
        cmocka_unit_test(trouble_that_stays_ends_the_reading),
        cmocka_unit_test(a_device_that_cannot_be_read_is_named),
        cmocka_unit_test(what_is_remembered_may_be_anything),
        cmocka_unit_test(a_count_that_is_outgrown_is_forgotten),
        cmocka_unit_test(a_cache_that_is_away_costs_requests_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

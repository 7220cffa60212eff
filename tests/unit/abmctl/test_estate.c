/* What is read of an organization, by which requests, and how trouble is outlasted: against an ABM in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "estate_inside.h"
#include "harness/fake_abm.h"
#include "harness/fake_cache.h"

#define MOST 200000

/* One organization, in the order of its serials, and a reading of it. */
struct bench {
    struct fake_abm fake;
    struct fake_cache cache;
    struct abm_api api;
    struct ctl ctl;
    struct estate *estate;
    struct fake_abm_device *devices;
    char (*serials)[16], (*ids)[16];
    struct err err;
    int fail_at; /* the page of devices that fails so often */
    int fail_times;
};

static void new_organization(struct bench *bench, size_t count)
{
    static char serials[MOST][16], ids[MOST][16];
    static struct fake_abm_device devices[MOST];

    assert_in_range(count, 0, MOST);
    memset(bench, 0, sizeof(*bench));
    bench->ctl.signal_fd = -1;
    bench->devices = devices;
    bench->serials = serials;
    bench->ids = ids;
    for (size_t i = 0; i < count; i++) {
        snprintf(serials[i], sizeof(serials[i]), "C%09zu", i);
        snprintf(ids[i], sizeof(ids[i]), "dev-%zu", i);
        devices[i] =
            (struct fake_abm_device){ .serial = serials[i],
                                      .country = i % 3 == 0 ? "JP" : "DE",
                                      .device_id = ids[i],
                                      .blueprint_id = i % 5 == 0 ? NULL : "bp-1",
                                      .mdm_server_id = i % 2 == 0 ? "mdm-1" : NULL,
                                      .state = i % 7 == 0 ? ABM_STATE_FAILED : ABM_STATE_PROPAGATED };
    }
    bench->fake.inventory = devices;
    bench->fake.inventory_count = count;
    bench->fake.is_sorted = true;
    bench->api = fake_abm_of(&bench->fake);
    fake_cache_init(&bench->cache);
}

static void open_estate(struct bench *bench, bool is_whole)
{
    if (estate_open(&bench->estate, &bench->ctl, &bench->api, is_whole, &bench->err) != 0)
        fail_msg("%s", bench->err.text);
    bench->estate->cache = &bench->cache.cache;
    bench->estate->backoff_ms = 2;
}

static void want(struct bench *bench, const char *serial)
{
    if (estate_want(bench->estate, serial, &bench->err) != 0)
        fail_msg("%s", bench->err.text);
}

/* count devices: every `step`th of the organization from `first` on; beyond it they are new. */
static void want_some(struct bench *bench, size_t count, size_t first, size_t step)
{
    for (size_t i = 0; i < count; i++) {
        char serial[16];

        snprintf(serial, sizeof(serial), "C%09zu", first + i * step);
        want(bench, serial);
    }
}

static void read_estate(struct bench *bench, const char *what)
{
    if (estate_read(bench->estate, &bench->err) != 0)
        fail_msg("%s: %s", what, bench->err.text);
}

static void close_estate(struct bench *bench)
{
    estate_free(bench->estate);
    bench->estate = NULL;
    memset(bench->fake.requests, 0, sizeof(bench->fake.requests));
    memset(bench->fake.calls, 0, sizeof(bench->fake.calls));
}

static void check_all(struct bench *bench, const char *what)
{
    for (size_t i = 0; i < estate_count(bench->estate); i++) {
        struct estate_device got, again;
        const struct fake_abm_device *has;
        size_t index;

        estate_at(bench->estate, i, &got);
        index = (size_t)strtoul(got.serial + 1, NULL, 10);
        has = index < bench->fake.inventory_count ? &bench->devices[index] : NULL;
        if (got.is_known != (has != NULL) || got.is_there != (has != NULL && has->blueprint_id != NULL))
            fail_msg("%s: %s: known %d, there %d", what, got.serial, got.is_known, got.is_there);
        if (has != NULL && (!str_eq(got.country, has->country) || !str_eq(got.device_id, has->device_id)))
            fail_msg("%s: %s: %s %s", what, got.serial, got.country, got.device_id);
        if (got.is_there && (!str_eq(got.blueprint_id, has->blueprint_id) || got.state != has->state ||
                             !str_eq(got.mdm_server_id, has->mdm_server_id)))
            fail_msg("%s: %s: %s %s %d", what, got.serial, got.blueprint_id, got.mdm_server_id, got.state);
        assert_true(estate_find(bench->estate, got.serial, &again));
        assert_memory_equal(&got, &again, sizeof(got));
        if (i > 0) {
            struct estate_device before;

            estate_at(bench->estate, i - 1, &before);
            assert_true(strcmp(before.serial, got.serial) < 0);
        }
    }
}

/* The requests of each operation, for a first reading, and for a second one that knows the sizes. */
static void reads_with_few_requests(void **state)
{
    struct count {
        int devices, find, assignments, read;
    };
    static const struct {
        const char *what;
        size_t size, wanted, first, step;
        bool is_whole;
        struct count once, again;
    } rows[] = {
        { "10 of 10,000", 10000, 10, 0, 900, false, { 0, 1, 0, 1 }, { 0, 1, 0, 1 } },
        { "10,000 of 10,000", 10000, 10000, 0, 1, false, { 10, 0, 8, 0 }, { 10, 0, 8, 0 } },
        { "10,000 of 200,000", 200000, 10000, 0, 20, false, { 39, 41, 0, 50 }, { 0, 50, 0, 50 } },
        { "10,000 new ones", 20000, 10000, 20000, 1, false, { 20, 0, 0, 0 }, { 20, 0, 0, 0 } },
        { "10,000 at the end of 20,000", 20000, 10000, 10000, 1, false, { 20, 0, 16, 0 }, { 20, 0, 16, 0 } },
        { "10,000 at the end of 200,000",
          200000,
          10000,
          190000,
          1,
          false,
          { 48, 50, 0, 50 },
          { 0, 50, 0, 50 } },
        { "10,000 at the beginning of 200,000",
          200000,
          10000,
          0,
          1,
          false,
          { 10, 0, 10, 10 },
          { 10, 0, 10, 10 } },
        { "an empty organization", 0, 1000, 0, 1, false, { 1, 0, 0, 0 }, { 1, 0, 0, 0 } },
        { "the whole for 10", 10000, 10, 0, 1, true, { 10, 0, 8, 0 }, { 10, 0, 8, 0 } },
        { "the whole for none", 3000, 0, 0, 1, true, { 3, 0, 3, 0 }, { 3, 0, 3, 0 } },
        { "nothing", 10000, 0, 0, 1, false, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } },
    };
    static struct bench bench;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        new_organization(&bench, rows[i].size);
        for (int time = 0; time < 2; time++) {
            const struct count *least = time == 0 ? &rows[i].once : &rows[i].again;
            const int *got = bench.fake.requests;

            open_estate(&bench, rows[i].is_whole);
            want_some(&bench, rows[i].wanted, rows[i].first, rows[i].step);
            read_estate(&bench, rows[i].what);
            check_all(&bench, rows[i].what);
            assert_int_equal(estate_count(bench.estate), rows[i].is_whole ? rows[i].size : rows[i].wanted);
            if (got[FAKE_DEVICES] != least->devices || got[FAKE_FIND] != least->find ||
                got[FAKE_ASSIGNMENTS] != least->assignments || got[FAKE_READ] != least->read)
                fail_msg("%s, reading %d: devices %d + %d, assignments %d + %d", rows[i].what, time + 1,
                         got[FAKE_DEVICES], got[FAKE_FIND], got[FAKE_ASSIGNMENTS], got[FAKE_READ]);
            close_estate(&bench);
        }
        fake_cache_release(&bench.cache);
    }
}

/* ---- what the pages leave open is asked for alone ---- */

static void show_two_ids(struct bench *bench)
{
    bench->devices[2999].serial = bench->serials[5];
}

static void show_one_id_twice(struct bench *bench)
{
    bench->devices[2999].device_id = bench->ids[5];
}

static void hide_an_entry(struct bench *bench)
{
    bench->devices[6].is_unreadable = true;
}

static void contradict(struct bench *bench)
{
    bench->devices[2999].device_id = bench->ids[6];
    bench->devices[2999].blueprint_id = "bp-2";
    bench->devices[2999].state = bench->devices[6].state = ABM_STATE_PROPAGATED;
}

static void asks_again_for_what_the_pages_leave_open(void **state)
{
    static const struct {
        const char *what;
        void (*set)(struct bench *bench);
        int find, read;
    } rows[] = {
        { "all is clear", NULL, 0, 0 },
        { "a serial with two ids", show_two_ids, 1, 0 },
        { "an unreadable device", hide_an_entry, 1, 1 },
        { "two assignments in effect", contradict, 0, 1 },
    };
    static struct bench bench;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct estate_device got;

        new_organization(&bench, 3000);
        if (rows[i].set != NULL)
            rows[i].set(&bench);
        bench.fake.is_sorted = false; /* the first of two counts */
        open_estate(&bench, false);
        want_some(&bench, 2990, 0, 1);
        read_estate(&bench, rows[i].what);
        if (bench.fake.requests[FAKE_DEVICES] != 3 || bench.fake.requests[FAKE_FIND] != rows[i].find ||
            bench.fake.requests[FAKE_READ] != rows[i].read)
            fail_msg("%s: %d pages, %d found, %d read", rows[i].what, bench.fake.requests[FAKE_DEVICES],
                     bench.fake.requests[FAKE_FIND], bench.fake.requests[FAKE_READ]);
        assert_true(estate_find(bench.estate, "C000000005", &got));
        assert_string_equal(got.device_id, "dev-5");
        assert_true(estate_find(bench.estate, "C000000006", &got));
        assert_string_equal(got.blueprint_id, "bp-1");
        close_estate(&bench);
        fake_cache_release(&bench.cache);
    }
}

/* Which of two assignments counts is abm/client.h's word; here that it is asked. */
static void the_newer_of_two_assignments_counts(void **state)
{
    static struct bench bench;
    struct estate_device got;

    (void)state;
    for (int order = 0; order < 2; order++) {
        new_organization(&bench, 3000);
        bench.devices[2999].device_id = bench.ids[6];
        bench.devices[2999].blueprint_id = "bp-2";
        bench.devices[2999].updated_ms = order == 0 ? 2 : 1;
        bench.devices[6].updated_ms = order == 0 ? 1 : 2;
        open_estate(&bench, false);
        want_some(&bench, 2990, 0, 1);
        read_estate(&bench, "two");
        assert_true(estate_find(bench.estate, "C000000006", &got));
        assert_string_equal(got.blueprint_id, order == 0 ? "bp-2" : "bp-1");
        assert_int_equal(bench.fake.requests[FAKE_READ], 0);
        close_estate(&bench);
        fake_cache_release(&bench.cache);
    }
}

static void two_devices_under_one_id_are_told_of(void **state)
{
    static struct bench bench;

    (void)state;
    new_organization(&bench, 3000);
    show_one_id_twice(&bench);
    open_estate(&bench, true);
    assert_int_equal(estate_read(bench.estate, &bench.err), -1);
    assert_int_equal(bench.err.code, ERR_ABM_CONTRACT);
    assert_non_null(strstr(bench.err.text, "listDevices: C00000"));
    close_estate(&bench);
    fake_cache_release(&bench.cache);
}

/* Of two devices that a list shows under one id, which one it belongs to is asked of both. */
static void both_devices_under_one_id_are_asked_for(void **state)
{
    static struct bench bench;
    struct estate_device got;

    (void)state;
    new_organization(&bench, 3000);
    show_one_id_twice(&bench);
    fake_abm_script(&bench.fake, FAKE_FIND, bench.serials[5],
                    (struct abm_item){ .kind = ABM_OK, .device_id = "dev-other", .country = "FR" });
    open_estate(&bench, true);
    read_estate(&bench, "one id");
    assert_true(estate_find(bench.estate, bench.serials[5], &got));
    assert_string_equal(got.device_id, "dev-other");
    assert_string_equal(got.country, "FR");
    assert_true(estate_find(bench.estate, bench.serials[2999], &got));
    assert_string_equal(got.device_id, "dev-5");
    close_estate(&bench);
    fake_cache_release(&bench.cache);
}

static void the_word_on_a_device_alone_counts(void **state)
{
    static struct bench bench;
    struct estate_device got;

    (void)state;
    new_organization(&bench, 3000);
    contradict(&bench);
    hide_an_entry(&bench);
    fake_abm_shows_none(&bench.fake, bench.serials[6]);
    fake_abm_script(&bench.fake, FAKE_FIND, bench.serials[2999], (struct abm_item){ .kind = ABM_NONE });
    open_estate(&bench, true);
    read_estate(&bench, "gone meanwhile");
    assert_true(estate_find(bench.estate, bench.serials[6], &got));
    assert_true(got.is_known && !got.is_there);
    assert_null(got.blueprint_id);
    assert_true(estate_find(bench.estate, bench.serials[2999], &got));
    assert_true(!got.is_known && !got.is_there);
    close_estate(&bench);
    fake_cache_release(&bench.cache);
}

static void a_serial_that_cannot_be_asked_for_is_unknown(void **state)
{
    static struct bench bench;
    struct estate_device got;

    (void)state;
    new_organization(&bench, 3000);
    fake_abm_script(&bench.fake, FAKE_FIND, "A,B",
                    (struct abm_item){ .kind = ABM_REFUSED, .code = ERR_ABM_NOT_FOUND });
    open_estate(&bench, false);
    want(&bench, "A,B");
    want(&bench, "A,B");
    want(&bench, "C000000001");
    read_estate(&bench, "a comma");
    assert_int_equal(estate_count(bench.estate), 2);
    assert_true(estate_find(bench.estate, "A,B", &got));
    assert_true(got.is_wanted && !got.is_known && !got.is_there);
    assert_true(estate_find(bench.estate, "C000000001", &got));
    assert_true(got.is_known);
    assert_false(estate_find(bench.estate, "C000000002", &got));
    assert_null(got.serial);
    close_estate(&bench);
    fake_cache_release(&bench.cache);
}

static void the_whole_passes_over_what_no_plan_can_hold(void **state)
{
    static struct bench bench;
    static char country[201];
    struct estate_device got;

    (void)state;
    new_organization(&bench, 10);
    memset(country, 'X', sizeof(country) - 1);
    bench.devices[9].serial = "no, serial";
    bench.devices[8].country = country;
    open_estate(&bench, true);
    read_estate(&bench, "the whole");
    assert_int_equal(estate_count(bench.estate), 9);
    assert_true(estate_find(bench.estate, "C000000008", &got));
    assert_int_equal(strlen(got.country), 64);
    assert_false(got.is_wanted);
    close_estate(&bench);
    fake_cache_release(&bench.cache);
}

/* ---- trouble ---- */

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
        cmocka_unit_test(reads_with_few_requests),
        cmocka_unit_test(asks_again_for_what_the_pages_leave_open),
        cmocka_unit_test(the_newer_of_two_assignments_counts),
        cmocka_unit_test(two_devices_under_one_id_are_told_of),
        cmocka_unit_test(both_devices_under_one_id_are_asked_for),
        cmocka_unit_test(the_word_on_a_device_alone_counts),
        cmocka_unit_test(a_serial_that_cannot_be_asked_for_is_unknown),
        cmocka_unit_test(the_whole_passes_over_what_no_plan_can_hold),
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

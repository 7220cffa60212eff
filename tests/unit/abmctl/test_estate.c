/* What is read of an organization, and by which requests: against an ABM in memory. */
#include "estate_bench.h"

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
    memcpy(country + 63, "\xc3\xbc", 2); /* the cut would be in its middle */
    bench.devices[9].serial = "no, serial";
    bench.devices[8].country = country;
    bench.devices[7].country = "D\033[2J";
    open_estate(&bench, true);
    read_estate(&bench, "the whole");
    assert_int_equal(estate_count(bench.estate), 9);
    assert_true(estate_find(bench.estate, "C000000008", &got));
    assert_int_equal(strlen(got.country), 63);
    assert_false(got.is_wanted);
    assert_true(estate_find(bench.estate, "C000000007", &got));
    assert_string_equal(got.country, "");
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

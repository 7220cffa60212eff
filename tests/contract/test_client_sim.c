/*
 * The client against the simulator, which holds every request against the contract: a device's whole way,
 * over real connections, ends as it should and breaks nothing of it. What each fault leaves is
 * tests/unit/abm's affair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "abm/client.h"
#include "base/str.h"
#include "harness/fake_cache.h"
#include "harness/fake_health.h"
#include "harness/fake_limiter.h"
#include "harness/sim.h"

#define DEVICES 450

struct bench {
    struct abmsim sim;
    struct org_settings org;
    struct fake_limiter limiter;
    struct fake_cache cache;
    struct fake_health health;
    struct abm_client *client;
    struct pool *pool;
    struct device devices[DEVICES];
    struct abm_item items[DEVICES];
    int warnings;
    struct err err;
};

static void warn(void *user, const char *event, const char *text)
{
    struct bench *bench = user;

    (void)event, (void)text;
    bench->warnings++;
}

static int open_bench(void **state)
{
    static const char *const options[] = { "--token", "t0ken", NULL };
    static const struct fence fence = { .id = "1-1", .run = "r" };
    static struct bench bench;
    struct abm_env env = { .org = &bench.org,
                           .concurrency = 16,
                           .limiter = &bench.limiter.limiter,
                           .cache = &bench.cache.cache,
                           .health = &bench.health.health,
                           .user_agent = "abm-pipeline/test",
                           .warn = warn,
                           .warn_user = &bench };

    memset(&bench, 0, sizeof(bench));
    *state = &bench;
    setenv("CONTRACT_ABM_TOKEN", "t0ken", 1);
    if (abmsim_start(&bench.sim, TEST_BIN "/abmsim", options, &bench.err) != 0)
        fail_msg("%s", bench.err.text);
    bench.org = (struct org_settings){ .name = "acme",
                                       .api_dialect = "abm-v2",
                                       .api_base_url = bench.sim.base_url,
                                       .api_token = "env:CONTRACT_ABM_TOKEN",
                                       .api_timeout_ms = 5000 };
    fake_limiter_init(&bench.limiter);
    fake_cache_init(&bench.cache);
    fake_health_init(&bench.health);
    bench.pool = pool_new(16u << 20);
    assert_non_null(bench.pool);
    if (abm_client_new(&env, &bench.client, &bench.err) != 0)
        fail_msg("%s", bench.err.text);
    for (size_t i = 0; i < DEVICES; i++) {
        bench.devices[i].serial = pool_printf(bench.pool, "FVFGH%07zu", i);
        bench.devices[i].country = i % 2 == 0 ? "JP" : "DE";
        bench.devices[i].model = "MacBook \"Air\"";
        bench.items[i].device = &bench.devices[i];
        bench.items[i].fence = &fence;
    }
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;

    abm_client_free(bench->client);
    pool_free(bench->pool);
    fake_cache_release(&bench->cache);
    return abmsim_stop(&bench->sim);
}

typedef int call(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
                 struct err *err);

static void run(struct bench *bench, const char *what, call *op, enum abm_kind want)
{
    if (op(bench->client, bench->items, DEVICES, bench->pool, &bench->err) != 0)
        fail_msg("%s: %s", what, bench->err.text);
    for (size_t i = 0; i < DEVICES; i++)
        if (bench->items[i].kind != want)
            fail_msg("%s: %s ended as %d: %s", what, bench->devices[i].serial, bench->items[i].kind,
                     bench->items[i].text);
}

static void expect_requests(struct bench *bench, const char *name, int64_t want)
{
    int64_t got = abmsim_stat(&bench->sim, name, &bench->err);

    if (got != want)
        fail_msg("%s: %lld, not %lld (%s)", name, (long long)got, (long long)want, bench->err.text);
}

static void expect_no_violation(struct bench *bench)
{
    struct buf text;
    int64_t count;

    buf_init(&text, 1u << 20);
    count = abmsim_violations(&bench->sim, &text, &bench->err);
    if (count != 0)
        fail_msg("%lld violations: %s %s", (long long)count, text.data, bench->err.text);
    buf_release(&text);
}

static void import_all(struct bench *bench)
{
    run(bench, "import", abm_import, ABM_OK);
    for (size_t i = 0; i < DEVICES; i++) {
        bench->devices[i].device_id = bench->items[i].device_id;
        bench->devices[i].blueprint_id = "bp-5e6f7g8h";
        bench->devices[i].mdm_server_id = i % 3 == 0 ? "mdm-apac" : NULL;
    }
}

static void a_device_goes_its_whole_way(void **state)
{
    struct bench *bench = *state;

    import_all(bench);
    run(bench, "import again: known already", abm_import, ABM_OK);
    run(bench, "read: nothing yet", abm_read, ABM_NONE);
    run(bench, "assign: in effect at once", abm_assign, ABM_OK);
    run(bench, "read", abm_read, ABM_OK);
    for (size_t i = 0; i < DEVICES; i++) {
        const struct abm_item *item = &bench->items[i];

        if (item->state != ABM_STATE_PROPAGATED || !str_eq(item->blueprint_id, "bp-5e6f7g8h") ||
            !str_eq(item->mdm_server_id, bench->devices[i].mdm_server_id))
            fail_msg("%s: state %d %s %s", item->device->serial, item->state, item->blueprint_id,
                     item->mdm_server_id);
    }
    run(bench, "unassign", abm_unassign, ABM_OK);
    run(bench, "read: nothing again", abm_read, ABM_NONE);
    run(bench, "unassign what is not assigned", abm_unassign, ABM_OK);
    expect_requests(bench, "by_operation.importDevices", 6);
    expect_requests(bench, "by_operation.listAssignments", 9);
    expect_requests(bench, "by_operation.putAssignment", DEVICES);
    expect_requests(bench, "by_operation.deleteAssignment", 2 * (int64_t)DEVICES);
    assert_int_equal(bench->limiter.granted, 15 + 3 * DEVICES);
    expect_no_violation(bench);
}

static void a_202_is_accepted_and_no_more(void **state)
{
    struct bench *bench = *state;

    import_all(bench);
    assert_int_equal(abmsim_set(&bench->sim, "{\"propagation_ms\":3600000}", &bench->err), 0);
    run(bench, "assign", abm_assign, ABM_ACCEPTED);
    run(bench, "read", abm_read, ABM_OK);
    for (size_t i = 0; i < DEVICES; i++)
        assert_int_equal(bench->items[i].state, ABM_STATE_ACCEPTED);
    expect_no_violation(bench);
}

static void the_catalog_and_the_probe(void **state)
{
    struct bench *bench = *state;
    enum abm_known known;
    const char *id;

    assert_int_equal(abm_probe(bench->client, &bench->err), 0);
    assert_int_equal(abm_blueprint_known(bench->client, "bp-5e6f7g8h", &known, &bench->err), 0);
    assert_int_equal(known, ABM_KNOWN);
    assert_int_equal(abm_blueprint_known(bench->client, "bp-none", &known, &bench->err), 0);
    assert_int_equal(known, ABM_UNKNOWN);
    assert_int_equal(abm_server_find(bench->client, "mdm-apac", bench->pool, &id, &known, &bench->err), 0);
    assert_int_equal(known, ABM_KNOWN);
    assert_string_equal(id, "mdm-apac");
    expect_requests(bench, "by_operation.listBlueprints", 2);
    expect_requests(bench, "by_operation.listMdmServers", 1);
    expect_no_violation(bench);
}

/* What the sinks of the lists count. */
struct counted {
    int devices, assignments, pages;
};

static int count_device(void *ctx, const char *serial, const char *country, const char *device_id,
                        struct err *err)
{
    struct counted *counted = ctx;

    (void)err;
    assert_true(str_starts(serial, "FVFGH"));
    assert_true(str_eq(country, "JP") || str_eq(country, "DE"));
    assert_non_null(device_id);
    counted->devices++;
    return 0;
}

static int count_assignment(void *ctx, const struct abm_assignment *assignment, struct err *err)
{
    struct counted *counted = ctx;

    (void)err;
    assert_string_equal(assignment->blueprint_id, "bp-5e6f7g8h");
    assert_true(assignment->updated_ms > 0);
    counted->assignments++;
    return 0;
}

static int count_page(void *ctx, struct err *err)
{
    (void)err;
    ((struct counted *)ctx)->pages++;
    return 0;
}

static void the_inventory_is_found_and_listed(void **state)
{
    struct bench *bench = *state;
    struct counted counted = { 0 };
    const struct abm_device_sink devices = { .ctx = &counted, .device = count_device, .page = count_page };
    const struct abm_assignment_sink assignments = { .ctx = &counted,
                                                     .assignment = count_assignment,
                                                     .page = count_page };

    run(bench, "find: nothing yet", abm_find, ABM_NONE);
    import_all(bench);
    run(bench, "find", abm_find, ABM_OK);
    for (size_t i = 0; i < DEVICES; i++)
        if (!str_eq(bench->items[i].device_id, bench->devices[i].device_id) ||
            !str_eq(bench->items[i].country, bench->devices[i].country))
            fail_msg("%s: %s %s", bench->devices[i].serial, bench->items[i].device_id,
                     bench->items[i].country);
    run(bench, "assign", abm_assign, ABM_OK);
    for (int i = 0; i < 700; i++) {
        char serial[16];

        snprintf(serial, sizeof(serial), "FVFGH8%06d", i);
        assert_int_equal(abmsim_add_device(&bench->sim, serial, "DE", NULL, NULL, &bench->err), 0);
    }
    if (abm_list_devices(bench->client, &devices, &bench->err) != 0 ||
        abm_list_assignments(bench->client, &assignments, &bench->err) != 0)
        fail_msg("%s", bench->err.text);
    assert_int_equal(counted.devices, DEVICES + 700);
    assert_int_equal(counted.assignments, DEVICES);
    assert_int_equal(counted.pages, 3);
    expect_requests(bench, "by_operation.listDevices", 3 + 3 + 2);
    expect_requests(bench, "by_operation.listAssignments", 1);
    expect_no_violation(bench);
}

static void deprecation_is_warned_of(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(abmsim_set_faults(&bench->sim, "[{\"kind\":\"deprecation\"}]", &bench->err), 0);
    import_all(bench);
    import_all(bench);
    assert_int_equal(bench->warnings, 1);
    expect_no_violation(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_device_goes_its_whole_way, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(a_202_is_accepted_and_no_more, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(the_catalog_and_the_probe, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(the_inventory_is_found_and_listed, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(deprecation_is_warned_of, open_bench, close_bench),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

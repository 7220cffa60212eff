#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "plan_feed.h"

static void want(const char *what, const char *name, const char *got, const char *wanted)
{
    if (!str_eq(got, wanted))
        fail_msg("%s: %s is %s, not %s", what, name, got != NULL ? got : "NULL",
                 wanted != NULL ? wanted : "NULL");
}

#define NONE "none" /* where any other server is a conflict */

static void a_device_is_expected_as_the_plan_saw_it(void **state)
{
    static const struct {
        const char *what;
        enum plan_kind kind;
        struct plan_entry entry; /* from, to, wanted server, has_servers, from server, to server */
        enum device_expect expect;
        const char *blueprint, *server, *expect_blueprint, *expect_server;
    } rows[] = {
        { "an add", PLAN_ADD, { .to_blueprint_id = "b1" }, EXPECT_UNASSIGNED, "b1", NULL, NULL, NULL },
        { "an add on a server",
          PLAN_ADD,
          { .to_blueprint_id = "b1", .mdm_server_id = "m1", .has_servers = true, .to_mdm_server_id = "m1" },
          EXPECT_UNASSIGNED,
          "b1",
          "m1",
          NULL,
          NULL },
        { "a change that leaves the server",
          PLAN_CHANGE,
          { .from_blueprint_id = "b0", .to_blueprint_id = "b1" },
          EXPECT_STATE,
          "b1",
          NULL,
          "b0",
          NULL },
        { "a change on the server that is wanted too",
          PLAN_CHANGE,
          { .from_blueprint_id = "b0", .to_blueprint_id = "b1", .mdm_server_id = "m1" },
          EXPECT_STATE,
          "b1",
          "m1",
          "b0",
          "m1" },
        { "a change of the server alone",
          PLAN_CHANGE,
          { .from_blueprint_id = "b1",
            .to_blueprint_id = "b1",
            .mdm_server_id = "m2",
            .has_servers = true,
            .from_mdm_server_id = "m1",
            .to_mdm_server_id = "m2" },
          EXPECT_STATE,
          "b1",
          "m2",
          "b1",
          "m1" },
        { "a change from no server, so that somebody else's is not overwritten",
          PLAN_CHANGE,
          { .from_blueprint_id = "b1",
            .to_blueprint_id = "b1",
            .mdm_server_id = "m2",
            .has_servers = true,
            .to_mdm_server_id = "m2" },
          EXPECT_STATE,
          "b1",
          "m2",
          "b1",
          NONE },
        { "a removal from no server",
          PLAN_REMOVE,
          { .from_blueprint_id = "b0" },
          EXPECT_STATE,
          NULL,
          NULL,
          "b0",
          NONE },
        { "a removal",
          PLAN_REMOVE,
          { .from_blueprint_id = "b0", .has_servers = true, .from_mdm_server_id = "m1" },
          EXPECT_STATE,
          NULL,
          NULL,
          "b0",
          "m1" },
        { "the removal of what had failed",
          PLAN_REMOVE,
          { .state = PLAN_STATE_FAILED },
          EXPECT_UNASSIGNED,
          NULL,
          NULL,
          NULL,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan_entry entry = rows[i].entry;
        struct device device;

        entry.row = 7;
        entry.serial = "C02";
        entry.country = "DE";
        entry.model = "Mac";
        entry.order_number = "W1";
        entry.asset_tag = "A1";
        plan_feed_device(rows[i].kind, &entry, false, &device);
        assert_int_equal(device.row, 7);
        want(rows[i].what, "serial", device.serial, "C02");
        want(rows[i].what, "country", device.country, "DE");
        want(rows[i].what, "model", device.model, "Mac");
        want(rows[i].what, "order_number", device.order_number, "W1");
        want(rows[i].what, "asset_tag", device.asset_tag, "A1");
        if (device.expect != rows[i].expect || !device_is_planned(&device) ||
            (device.action == ACTION_REMOVE) != (rows[i].kind == PLAN_REMOVE))
            fail_msg("%s: expect %d, action %d", rows[i].what, device.expect, device.action);
        want(rows[i].what, "blueprint", device.blueprint_id, rows[i].blueprint);
        want(rows[i].what, "server", device.mdm_server_id, rows[i].server);
        want(rows[i].what, "expected blueprint", device.expect_blueprint_id, rows[i].expect_blueprint);
        want(rows[i].what, "expected server", device.expects_no_server ? NONE : device.expect_mdm_server_id,
             rows[i].expect_server);
    }
}

/* What a run left may not tell of a server, so nothing is held against one. */
static void a_revert_may_not_know_the_server(void **state)
{
    const struct plan_entry entry = { .serial = "C02", .country = "DE", .from_blueprint_id = "b0" };
    struct device device;

    (void)state;
    plan_feed_device(PLAN_REMOVE, &entry, true, &device);
    assert_int_equal(device.expect, EXPECT_STATE);
    assert_null(device.expect_mdm_server_id);
    assert_false(device.expects_no_server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_expected_as_the_plan_saw_it),
        cmocka_unit_test(a_revert_may_not_know_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A run is taken back: abmctl revert makes the plan from its signed evidence, apply runs it, and ABM is as it
 * was before - blueprints, servers, and devices that had nothing. What others changed since is a conflict.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/pipeline.h"

#define DEVICES 24
#define PREFIX  "C02"
#define OLD     "bp-old"
#define JP      "bp-5e6f7g8h"
#define DEFAULT "bp-9i0j1k2l"
#define OTHERS  "bp-1a2b3c4d"

/* Devices of which something is special. Countries are JP, DE, US in turn. */
#define SERVER_ONLY 6 /* has its blueprint, on another server */
#define NO_SERVER   9 /* another blueprint, on no server; the run puts it on one */
#define CHANGED     3 /* somebody changes it after the run */
#define BACK        5 /* somebody takes it back after the run */

struct before {
    const char *blueprint, *server;
    bool is_unknown; /* ABM does not have the device */
};

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static const char *serial_of(int at)
{
    static char text[8][16];
    static unsigned turn;
    char *serial = text[turn++ % 8];

    snprintf(serial, sizeof(text[0]), "%s%09d", PREFIX, at);
    return serial;
}

static struct before before(int at)
{
    static const struct before kinds[] = {
        { .is_unknown = true },     { .blueprint = NULL },          { OLD, NULL, false },
        { OLD, "mdm-main", false }, { DEFAULT, "mdm-main", false }, { OLD, "mdm-main", false },
    };

    if (at == SERVER_ONLY)
        return (struct before){ JP, "mdm-main", false };
    if (at == NO_SERVER)
        return (struct before){ OLD, NULL, false };
    return kinds[at % 6];
}

static void start(struct pipeline *pipeline)
{
    static const char *const sim[] = { "--blueprints", OLD "," JP "," DEFAULT "," OTHERS, NULL };
    const struct pipeline_options options = { .bin = TEST_BIN, .sim_options = sim };
    struct err err = ERR_INIT;

    pipeline_start(pipeline, &options);
    for (int i = 0; i < DEVICES; i++) {
        struct before was = before(i);

        if (!was.is_unknown)
            must(abmsim_add_device(&pipeline->sim, serial_of(i), pipeline_country(i), was.blueprint,
                                   was.server, &err),
                 &err);
    }
    pipeline_start_workers(pipeline);
}

static void assert_has(struct pipeline *pipeline, int at, const char *blueprint, const char *server)
{
    struct abmsim_device device;
    struct err err = ERR_INIT;

    must(abmsim_device(&pipeline->sim, serial_of(at), &device, &err) == 1 ? 0 : -1, &err);
    if (!str_eq(device.blueprint_id, blueprint != NULL ? blueprint : "") ||
        !str_eq(device.mdm_server_id, server != NULL ? server : ""))
        fail_msg("device %d has '%s' on '%s', not '%s' on '%s'", at, device.blueprint_id,
                 device.mdm_server_id, blueprint, server);
}

/* All devices are as before the run, but for those named here. */
static void assert_as_before(struct pipeline *pipeline)
{
    for (int i = 0; i < DEVICES; i++) {
        struct before was = before(i);

        if (i == CHANGED)
            assert_has(pipeline, i, OTHERS, "mdm-main");
        else if (i == NO_SERVER)
            assert_has(pipeline, i, OLD, "mdm-apac"); /* ABM takes no server away */
        else
            assert_has(pipeline, i, was.blueprint, was.server);
    }
}

static void see_outcome(void *user, const struct device *record)
{
    int64_t *conflicts = user;

    if (record->outcome != OUTCOME_CONFLICT)
        return;
    ++*conflicts;
    assert_string_equal(record->serial, serial_of(CHANGED));
    assert_string_equal(record->code, "state_differs");
}

static void takes_a_run_back(void **state)
{
    struct pipeline_result result, back, again;
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct err err = ERR_INIT;
    int64_t conflicts = 0;
    const char *plan;

    (void)state;
    start(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", PREFIX, DEVICES), 30000, &result);
    assert_int_equal(result.assigned, DEVICES - DEVICES / 6);
    assert_int_equal(result.unchanged, DEVICES / 6);
    must(abmsim_assign(&pipeline.sim, serial_of(CHANGED), OTHERS, "mdm-main", &err), &err);
    must(abmsim_assign(&pipeline.sim, serial_of(BACK), OLD, "mdm-main", &err), &err);

    plan = desk_path(desk, "revert.json");
    desk_expect(desk, desk_ctl(desk, "revert", "--run", result.run, "-o", plan, NULL), 0, "1 unchanged",
                "1 of these devices were changed since run");
    assert_non_null(strstr(desk->err.data, "1 devices were on no MDM server before"));
    desk_expect(desk, desk_ctl(desk, "--json", "revert", "--run", result.run, NULL), 0, "\"reverts\":\"",
                NULL);
    pipeline_apply(&pipeline, plan, 30000, &back);
    assert_int_equal(back.conflict, 1);
    assert_int_equal(back.status, 1);
    assert_int_equal(back.removed, 7); /* those that had nothing */
    assert_int_equal(back.assigned, 11);
    assert_int_equal(pipeline_records(&pipeline, back.run, see_outcome, &conflicts), 19);
    assert_int_equal(conflicts, 1);
    assert_as_before(&pipeline);

    /* And the other way: what the revert did is taken back, too. */
    desk_expect(desk, desk_ctl(desk, "revert", "--run", back.run, "-o", plan, NULL), 0,
                "7 to add, 11 to change", NULL);
    pipeline_apply(&pipeline, plan, 30000, &again);
    assert_int_equal(again.status, 0);
    assert_int_equal(again.assigned, 18);
    desk_expect(desk, desk_ctl(desk, "plan", "--input", desk_path(desk, "devices.csv"), NULL), 0,
                "0 to add, 2 to change", NULL); /* CHANGED and BACK */
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_stop(&pipeline);
}

/* What a complete plan has removed comes back with its server. */
static void brings_back_what_was_removed(void **state)
{
    static const char one[] = "serial,country\nC02000000004,DE\n";
    struct pipeline_result removed, back;
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    const char *csv, *plan;

    (void)state;
    start(&pipeline);
    csv = desk_file(desk, "one.csv", one, strlen(one));
    plan = desk_path(desk, "plan.json");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", csv, "--complete", "-o", plan, NULL), 0,
                "16 to remove, 1 unchanged", NULL);
    pipeline_apply(&pipeline, plan, 30000, &removed);
    assert_int_equal(removed.removed, 16);
    assert_has(&pipeline, 5, NULL, NULL);
    desk_expect(desk, desk_ctl(desk, "plan", "-i", csv, "--complete", NULL), 0,
                "Nothing to change: 1 unchanged", NULL);
    desk_expect(desk, desk_ctl(desk, "revert", "--run", removed.run, "-o", plan, NULL), 0, "16 to add", NULL);
    pipeline_apply(&pipeline, plan, 30000, &back);
    assert_int_equal(back.assigned, 16);
    for (int i = 0; i < DEVICES; i++) {
        struct before was = before(i);

        if (!was.is_unknown)
            assert_has(&pipeline, i, was.blueprint, was.server);
    }
    pipeline_stop(&pipeline);
}

/* What became of a device that failed nobody has proved. */
static void leaves_out_what_failed(void **state)
{
    static const char fault[] =
        "[{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":422,\"serial\":\"%s\"}]";
    struct pipeline_result result;
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct err err = ERR_INIT;
    char rule[256];

    (void)state;
    start(&pipeline);
    snprintf(rule, sizeof(rule), fault, serial_of(2));
    must(abmsim_set_faults(&pipeline.sim, rule, &err), &err);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", PREFIX, 4), 30000, &result);
    assert_int_equal(result.failed, 1);
    desk_expect(desk, desk_ctl(desk, "revert", "--run", result.run, NULL), 0,
                "0 to add, 1 to change, 2 to remove", "1 devices are left out: they failed in run");
    assert_null(strstr(desk->out.data, serial_of(2)));
    pipeline_stop(&pipeline);
}

static void refuses_what_is_no_run(void **state)
{
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;

    (void)state;
    start(&pipeline);
    desk_expect(desk, desk_ctl(desk, "revert", NULL), 64, NULL, "--run is missing");
    desk_expect(desk, desk_ctl(desk, "revert", "--run", "../acme", NULL), 65, NULL, "is no run id");
    desk_expect(desk, desk_ctl(desk, "revert", "--run", "nothing", NULL), 65, NULL, "evidence");
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_run_back),
        cmocka_unit_test(brings_back_what_was_removed),
        cmocka_unit_test(leaves_out_what_failed),
        cmocka_unit_test(refuses_what_is_no_run),
    };

    setenv("ABM_TOKEN", "e2e-token", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

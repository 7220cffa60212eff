/*
 * A plan that may not be applied: each is refused with what differs, and neither Redis nor ABM hears of it.
 */
#include "harness/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "harness/desk_plan.h"
#include "harness/pipeline.h"

#define NEW  "bp-1a2b3c4d"
#define HOUR (INT64_C(3600) * 1000)

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int start(void **state)
{
    static struct pipeline pipeline;
    const struct pipeline_options options = { .bin = TEST_BIN };

    pipeline_start(&pipeline, &options);
    *state = &pipeline;
    return 0;
}

static int stop(void **state)
{
    pipeline_stop(*state);
    return 0;
}

static struct desk_plan *make_plan(void)
{
    static struct desk_plan plan;

    desk_plan_init(&plan);
    plan.head.is_complete = true;
    desk_plan_add(&plan, PLAN_ADD, "C02000000000", "DE", NULL, NEW);
    desk_plan_add(&plan, PLAN_CHANGE, "C02000000001", "DE", "bp-9i0j1k2l", NEW)->mdm_server_id = "mdm-main";
    desk_plan_add(&plan, PLAN_REMOVE, "C02000000002", "DE", "bp-9i0j1k2l", NULL);
    return &plan;
}

/* Refused by what is on this machine alone. */
static void assert_refused(struct pipeline *pipeline, const char *path, int status, const char *code,
                           const char *says)
{
    struct desk *desk = &pipeline->desk;

    desk_expect(desk, desk_ctl(desk, "apply", "--confirm", "--json", "--plan", path, NULL), status, NULL,
                code);
    desk_expect(desk, desk_ctl(desk, "apply", "--confirm", "--plan", path, NULL), status, NULL, says);
    /* What could not be done is not told as if it could. */
    desk_expect(desk, desk_ctl(desk, "apply", "--dry-run", "--plan", path, NULL), status, NULL, says);
    assert_int_equal(desk_number(desk, "DBSIZE", NULL), 0);
    assert_int_equal(pipeline_stat(pipeline, "requests"), 0);
}

/* The plan's text with its first `from` replaced, of the same or another length. */
static const char *edit(struct pipeline *pipeline, const char *from, const char *to)
{
    const char *path = desk_plan_write(make_plan(), &pipeline->desk, "whole.json");
    struct err err = ERR_INIT;
    struct buf text, out;
    const char *at;

    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    must(fsio_read(path, &text, &err), &err);
    at = strstr(text.data, from);
    assert_non_null(at);
    buf_add(&out, text.data, (size_t)(at - text.data));
    buf_add_str(&out, to);
    buf_add_str(&out, at + strlen(from));
    path = desk_file(&pipeline->desk, "edited.json", out.data, out.len);
    buf_release(&text);
    buf_release(&out);
    return path;
}

static void altered(void **state)
{
    static const char *const edits[][2] = {
        { "C02000000001", "C02000000009" },
        { NEW, "bp-5e6f7g8h" },
        { "\"org\":\"acme\"", "\"org\": \"acme\"" },
        { "\"operator\":\"tester\"", "\"operator\":\"another\"" },
        { "\"unchanged\":0", "\"unchanged\":1" },
        { "{\"add\":", "{\"also\":1,\"add\":" },
        { "\n", "" },
        { "\n", "\n\n" },
    };

    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
        assert_refused(*state, edit(*state, edits[i][0], edits[i][1]), 77, "\"plan_altered\"", "edited.json");
}

static void cut_short(void **state)
{
    struct pipeline *pipeline = *state;
    const char *path = desk_plan_write(make_plan(), &pipeline->desk, "whole.json");
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 20);
    must(fsio_read(path, &text, &err), &err);
    for (size_t len = text.len - 1; len > 100; len -= len / 3) {
        path = desk_file(&pipeline->desk, "cut.json", text.data, len);
        assert_refused(pipeline, path, 77, "\"plan_altered\"", "cut.json");
    }
    buf_release(&text);
}

static void of_a_newer_version(void **state)
{
    assert_refused(*state, edit(*state, "\"version\":1}", "\"version\":2}"), 77, "\"plan_version\"",
                   "its version is 2, this abmctl knows up to 1");
}

static void too_large(void **state)
{
    struct pipeline *pipeline = *state;
    const char *path = desk_path(&pipeline->desk, "large.json");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)1 << 30), 0); /* nothing is written: the size alone tells */
    close(fd);
    assert_refused(pipeline, path, 65, "\"plan_format\"", "large.json");
}

static void no_plan_at_all(void **state)
{
    struct pipeline *pipeline = *state;

    assert_refused(pipeline, desk_file(&pipeline->desk, "devices.csv", "serial,country\n", 15), 65,
                   "\"plan_format\"", "devices.csv");
    assert_refused(pipeline, desk_path(&pipeline->desk, "nowhere.json"), 65, "\"file_missing\"",
                   "nowhere.json");
}

static void of_another_organization(void **state)
{
    struct pipeline *pipeline = *state;
    struct desk_plan *plan = make_plan();

    plan->head.org = "umbrella";
    assert_refused(pipeline, desk_plan_write(plan, &pipeline->desk, "plan.json"), 77, "\"plan_org\"",
                   "a plan of organization umbrella, this is acme");
    plan->head.org = "acme";
    plan->head.dialect = "abm-v9";
    assert_refused(pipeline, desk_plan_write(plan, &pipeline->desk, "plan.json"), 77, "\"plan_org\"",
                   "abm-v9");
}

static void of_another_time(void **state)
{
    struct pipeline *pipeline = *state;
    struct desk_plan *plan = make_plan();
    int64_t now_ms = plan->head.created_at_ms;

    plan->head.created_at_ms = now_ms - 25 * HOUR;
    assert_refused(pipeline, desk_plan_write(plan, &pipeline->desk, "plan.json"), 77, "\"plan_stale\"",
                   "plan.max_age is 1 d");
    plan->head.created_at_ms = now_ms + HOUR;
    assert_refused(pipeline, desk_plan_write(plan, &pipeline->desk, "plan.json"), 77, "\"plan_stale\"",
                   "ahead of this machine's clock");
}

/* --- what ABM alone can tell --- */

static void assert_gone(struct pipeline *pipeline, const char *path, const char *says)
{
    struct desk *desk = &pipeline->desk;

    desk_expect(desk, desk_ctl(desk, "apply", "--confirm", "--plan", path, NULL), 77, NULL, says);
    assert_int_equal(desk_number(desk, "XLEN", "@ingest", NULL), 0);
    assert_int_equal(desk_number(desk, "HLEN", "@pushed", NULL), 0);
    assert_int_equal(pipeline_stat(pipeline, "by_operation.putAssignment"), 0);
}

/* The catalog that all share is some minutes old at times; a plan is held against what ABM has now. */
static void of_what_abm_has_no_more(void **state)
{
    struct pipeline *pipeline = *state;
    struct desk *desk = &pipeline->desk;
    struct desk_plan *plan = make_plan();
    const char *path = desk_plan_write(plan, desk, "plan.json");
    struct err err = ERR_INIT;

    must(abmsim_set(&pipeline->sim, "{\"servers\":[\"mdm-apac\"]}", &err), &err);
    assert_gone(pipeline, path, "ABM has no MDM server mdm-main any more, which 1 device would get");
    must(abmsim_set(&pipeline->sim, "{\"servers\":[\"mdm-main\"]}", &err), &err);
    must(abmsim_set(&pipeline->sim, "{\"blueprints\":[\"bp-9i0j1k2l\"]}", &err), &err);
    assert_gone(pipeline, path, "ABM has no blueprint " NEW " any more, which 2 devices would get");
    /* One that is only taken away need not be there. */
    must(abmsim_set(&pipeline->sim, "{\"blueprints\":[\"" NEW "\"]}", &err), &err);
    desk_expect(desk, desk_ctl(desk, "apply", "--confirm", "--plan", path, NULL), 0,
                "1 of 1 batches published: 2 devices to be assigned, 1 removed", NULL);
    assert_int_equal(desk_number(desk, "XLEN", "@ingest", NULL), 1);
}

static void without_abm(void **state)
{
    struct pipeline *pipeline = *state;
    struct desk *desk = &pipeline->desk;
    const char *path = desk_plan_write(make_plan(), desk, "plan.json");

    abmsim_kill(&pipeline->sim);
    desk_expect(desk, desk_ctl(desk, "apply", "--confirm", "--plan", path, NULL), 69, NULL, "listBlueprints");
    assert_int_equal(desk_number(desk, "HLEN", "@pushed", NULL), 0);
}

static void that_changes_nothing(void **state)
{
    static struct desk_plan plan;
    struct pipeline *pipeline = *state;
    struct desk *desk = &pipeline->desk;

    desk_plan_init(&plan);
    plan.head.unchanged = 12;
    desk_expect(
        desk, desk_ctl(desk, "apply", "--confirm", "--plan", desk_plan_write(&plan, desk, "plan.json"), NULL),
        0, "12 devices are as wanted", "the plan changes nothing");
    assert_int_equal(desk_number(desk, "DBSIZE", NULL), 0);
    assert_int_equal(pipeline_stat(pipeline, "requests"), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(altered),
        TEST(cut_short),
        TEST(of_a_newer_version),
        TEST(too_large),
        TEST(no_plan_at_all),
        TEST(of_another_organization),
        TEST(of_another_time),
        TEST(of_what_abm_has_no_more),
        TEST(without_abm),
        TEST(that_changes_nothing),
    };

    setenv("ABM_TOKEN", "e2e-token", 1);
    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

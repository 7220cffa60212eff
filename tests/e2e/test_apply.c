/*
 * A plan is applied as it stands: what it names is changed from what it saw, and nothing else is touched.
 */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"
#include "harness/pipeline.h"
#include "harness/desk_plan.h"

#define OLD "bp-9i0j1k2l"
#define NEW "bp-1a2b3c4d"
#define ALT "bp-5e6f7g8h"

#define ADDED     40
#define CHANGED   30
#define REMOVED   20
#define UNTOUCHED 10
#define ALL       (ADDED + CHANGED + REMOVED)

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static const char *serial_of(int at)
{
    static char text[4][16];
    static unsigned turn;
    char *serial = text[turn++ % 4];

    snprintf(serial, sizeof(text[0]), "C02%09d", at);
    return serial;
}

static void add_existing(struct pipeline *pipeline, int from, int to)
{
    struct err err = ERR_INIT;

    for (int i = from; i < to; i++)
        must(abmsim_add_device(&pipeline->sim, serial_of(i), "DE", OLD, "mdm-main", &err), &err);
}

/* What the first tests apply: the devices 0.. are added, changed and removed, then come those left alone. */
static struct desk_plan *make_plan(void)
{
    static struct desk_plan doc;

    desk_plan_init(&doc);
    for (int i = 0; i < ADDED; i++)
        desk_plan_add(&doc, PLAN_ADD, serial_of(i), "DE", NULL, NEW);
    for (int i = ADDED; i < ADDED + CHANGED; i++)
        desk_plan_add(&doc, PLAN_CHANGE, serial_of(i), "DE", OLD, NEW);
    for (int i = ADDED + CHANGED; i < ALL; i++) {
        struct plan_entry *entry = desk_plan_add(&doc, PLAN_REMOVE, serial_of(i), "DE", OLD, NULL);

        entry->has_servers = true;
        entry->from_mdm_server_id = "mdm-main";
    }
    doc.head.is_complete = true;
    return &doc;
}

/* What each device has now: NEW, nothing, or for those left alone what they had. */
static void assert_applied(struct pipeline *pipeline)
{
    for (int i = 0; i < ALL + UNTOUCHED; i++) {
        const char *wanted = i < ADDED + CHANGED ? NEW : i < ALL ? "" : OLD;
        struct abmsim_device device;
        struct err err = ERR_INIT;

        assert_int_equal(abmsim_device(&pipeline->sim, serial_of(i), &device, &err), 1);
        if (strcmp(device.blueprint_id, wanted) != 0 || device.pending_blueprint_id[0] != '\0')
            fail_msg("device %d has '%s' and '%s' pending, not '%s'", i, device.blueprint_id,
                     device.pending_blueprint_id, wanted);
    }
}

static void publishes_exactly_the_plan(void **state)
{
    struct pipeline_options options = { .bin = TEST_BIN };
    struct desk_plan *doc = make_plan();
    struct pipeline_result first, second;
    struct pipeline pipeline;
    const char *plan;
    struct desk *desk = &pipeline.desk;

    (void)state;
    pipeline_start(&pipeline, &options);
    add_existing(&pipeline, ADDED, ALL + UNTOUCHED);
    plan = desk_plan_write(doc, desk, "plan.json");

    /* It is told, and nothing is done. */
    desk_expect(desk, desk_ctl(desk, "apply", "--plan", plan, NULL), 77,
                "Would assign 70 devices to blueprints. No API calls made.\n"
                "Would remove the assignments of 20 devices.\n",
                "--confirm is missing");
    assert_int_equal(desk_number(desk, "DBSIZE", NULL), 0);
    assert_int_equal(pipeline_stat(&pipeline, "requests"), 0);

    pipeline_start_workers(&pipeline);
    pipeline_apply(&pipeline, plan, 60000, &first);
    assert_int_equal(first.status, 0);
    assert_int_equal(first.assigned, ADDED + CHANGED);
    assert_int_equal(first.removed, REMOVED);
    assert_int_equal(first.total, ALL);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), ADDED + CHANGED);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.deleteAssignment"), REMOVED);
    assert_applied(&pipeline);

    /* Again: all of it is done. */
    pipeline_apply(&pipeline, plan, 60000, &second);
    assert_string_not_equal(first.run, second.run);
    assert_int_equal(second.status, 0);
    assert_int_equal(second.unchanged, ALL);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), ADDED + CHANGED);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.deleteAssignment"), REMOVED);
    assert_applied(&pipeline);

    desk_expect(desk, desk_ctl(desk, "audit", "list", "--json", NULL), 0, doc->sha256, NULL);
    desk_expect(desk, desk_ctl(desk, "audit", "show", serial_of(0), NULL), 0, doc->sha256, NULL);
    desk_expect(desk, desk_ctl(desk, "run", "show", first.run, NULL), 0, doc->sha256, NULL);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* --- conflicts --- */

#define OUTSIDE 25 /* of the added devices: somebody else gives them something meanwhile */

struct outcomes {
    enum outcome at[2 * ALL]; /* by number of the device */
};

static void see_outcome(void *user, const struct device *record)
{
    struct outcomes *outcomes = user;
    int64_t at;

    assert_true(str_to_int(record->serial + 3, 0, 2 * ALL - 1, &at));
    outcomes->at[at] = record->outcome;
    if (record->outcome == OUTCOME_CONFLICT && !str_eq(record->code, "state_differs") &&
        !str_eq(record->code, "claimed"))
        fail_msg("%s: a conflict by %s", record->serial, record->code != NULL ? record->code : "nothing");
}

static void change_outside(struct pipeline *pipeline, int from, int count)
{
    struct err err = ERR_INIT;

    for (int i = from; i < from + count; i++)
        must(abmsim_assign(&pipeline->sim, serial_of(i), ALT, NULL, &err), &err);
}

/* Between the plan and its turn somebody changes what it saw: before the apply, and while it is under way. */
static void an_outside_change_is_a_conflict(void **state)
{
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .stages = "  assign: { batch: 5, linger: 0ms }\n  import: { batch: 5, linger: 0ms }\n",
        .rate_limit = "{ requests: 30, per: 1s, burst: 5 }",
    };
    struct desk_plan *doc = make_plan();
    struct outcomes outcomes = { 0 };
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    const char *plan;
    int before = ADDED - OUTSIDE; /* the first of those changed */

    (void)state;
    pipeline_start(&pipeline, &options);
    add_existing(&pipeline, ADDED, ALL + UNTOUCHED);
    for (int i = 0; i < ADDED; i++) {
        struct err err = ERR_INIT;

        must(abmsim_add_device(&pipeline.sim, serial_of(i), "DE", NULL, NULL, &err), &err);
    }
    plan = desk_plan_write(doc, &pipeline.desk, "plan.json");
    change_outside(&pipeline, before, OUTSIDE);
    pipeline_start_workers(&pipeline);
    pipeline_apply_begin(&pipeline, &push, plan, "--batch-size", "5", NULL);
    /* The plan is under way, and those that are to be removed come last: none has had its turn yet. */
    pipeline_await_stat(&pipeline, "by_operation.putAssignment", 1, 30000);
    change_outside(&pipeline, ADDED + CHANGED, REMOVED);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.deleteAssignment"), 0);
    pipeline_push_end(&pipeline, &push, 120000, &result);

    assert_int_equal(result.status, 1);
    assert_int_equal(result.conflict, OUTSIDE + REMOVED);
    assert_int_equal(result.assigned, ALL - OUTSIDE - REMOVED);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.deleteAssignment"), 0);
    assert_int_equal(pipeline_records(&pipeline, result.run, see_outcome, &outcomes), ALL);
    for (int i = 0; i < ALL; i++) {
        bool is_outside = (i >= before && i < ADDED) || i >= ADDED + CHANGED;
        struct abmsim_device device;
        struct err err = ERR_INIT;

        assert_int_equal(outcomes.at[i], is_outside ? OUTCOME_CONFLICT : OUTCOME_ASSIGNED);
        assert_int_equal(abmsim_device(&pipeline.sim, serial_of(i), &device, &err), 1);
        assert_string_equal(device.blueprint_id, is_outside ? ALT : NEW);
        if (is_outside) /* nothing of ours was sent for it */
            assert_int_equal(device.puts_received, 0);
    }
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_stop(&pipeline);
}

#define MANY 150

/* All of them are read by one request, and changing them takes 15 s: who is changed meanwhile is read again.
 */
static void a_read_is_not_believed_for_long(void **state)
{
    static struct desk_plan doc;
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .rate_limit = "{ requests: 10, per: 1s, burst: 1 }" };
    struct outcomes outcomes = { 0 };
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    int late = MANY - OUTSIDE;

    (void)state;
    pipeline_start(&pipeline, &options);
    add_existing(&pipeline, 0, MANY);
    desk_plan_init(&doc);
    for (int i = 0; i < MANY; i++)
        desk_plan_add(&doc, PLAN_CHANGE, serial_of(i), "DE", OLD, NEW);
    pipeline_start_workers(&pipeline);
    pipeline_apply_begin(&pipeline, &push, desk_plan_write(&doc, &pipeline.desk, "plan.json"), NULL);
    pipeline_await_stat(&pipeline, "by_operation.putAssignment", 1, 60000);
    change_outside(&pipeline, late, OUTSIDE);
    pipeline_push_end(&pipeline, &push, 120000, &result);
    assert_int_equal(pipeline_records(&pipeline, result.run, see_outcome, &outcomes), MANY);
    for (int i = 0; i < MANY; i++)
        if (outcomes.at[i] != (i >= late ? OUTCOME_CONFLICT : OUTCOME_ASSIGNED))
            fail_msg("device %d is %s", i, outcome_name(outcomes.at[i]));
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), MANY - OUTSIDE);
    print_message("%d changes in %.1f s with %lld reads of assignments\n", MANY - OUTSIDE,
                  (double)result.ms / 1000,
                  (long long)pipeline_stat(&pipeline, "by_operation.listAssignments"));
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_stop(&pipeline);
}

/* Two plans over the same devices: each device is one's, and the other knows. */
static void of_two_plans_one_wins_each_device(void **state)
{
    static const char *const wanted[] = { NEW, ALT };
    struct pipeline_options options = { .bin = TEST_BIN };
    struct outcomes outcomes[2] = { { { 0 } } };
    struct pipeline_result results[2];
    struct pipeline_push pushes[2];
    struct pipeline pipeline;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    for (int k = 0; k < 2; k++) {
        static struct desk_plan doc;

        desk_plan_init(&doc);
        if (k == 1) { /* as revert makes them: of no file and no rules */
            doc.head.input_name = doc.head.input_sha256 = doc.head.mapping_sha256 = NULL;
            doc.head.reverts = "another-run";
        }
        for (int i = 0; i < 2 * ALL; i++) /* from both ends: each comes first somewhere */
            desk_plan_add(&doc, PLAN_ADD, serial_of(k == 0 ? i : 2 * ALL - 1 - i), "DE", NULL, wanted[k]);
        pipeline_apply_begin(&pipeline, &pushes[k],
                             desk_plan_write(&doc, &pipeline.desk, k == 0 ? "one.json" : "two.json"),
                             "--batch-size", "10", NULL);
    }
    for (int k = 0; k < 2; k++) {
        pipeline_push_end(&pipeline, &pushes[k], 60000, &results[k]);
        assert_int_equal(pipeline_records(&pipeline, results[k].run, see_outcome, &outcomes[k]), 2 * ALL);
        assert_int_equal(results[k].assigned + results[k].conflict, 2 * ALL);
    }
    print_message("of %d devices %lld went to the one plan, %lld to the other\n", 2 * ALL,
                  (long long)results[0].assigned, (long long)results[1].assigned);
    for (int i = 0; i < 2 * ALL; i++) {
        int winner = outcomes[0].at[i] == OUTCOME_ASSIGNED ? 0 : 1;
        struct abmsim_device device;
        struct err err = ERR_INIT;

        assert_int_equal(outcomes[winner].at[i], OUTCOME_ASSIGNED);
        assert_int_equal(outcomes[1 - winner].at[i], OUTCOME_CONFLICT);
        assert_int_equal(abmsim_device(&pipeline.sim, serial_of(i), &device, &err), 1);
        assert_string_equal(device.blueprint_id, wanted[winner]);
    }
    assert_int_equal(results[0].assigned + results[1].assigned, 2 * ALL);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_stop(&pipeline);
}

/* --- the way there --- */

static bool is_stuck(void *desk)
{
    return desk_says(desk, "waiting: validate has a backlog");
}

/* ^C, and the same command again; the rules are others by then, and a blueprint's server has a new default.
 */
static void goes_on_where_it_was_stopped(void **state)
{
    static const char rules[] =
        "blueprint_mappings:\n  - default: \"" ALT "\"\n    mdm_server: \"mdm-apac\"\n";
    struct pipeline_options options = { .bin = TEST_BIN, .stages = "  validate: { max_backlog: 1000 }\n" };
    struct desk_plan *doc = make_plan();
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct abmsim_device device;
    struct err err = ERR_INIT;
    struct proc proc;
    const char *plan;

    (void)state;
    pipeline_start(&pipeline, &options);
    add_existing(&pipeline, ADDED, ALL + UNTOUCHED);
    plan = desk_plan_write(doc, desk, "plan.json");
    desk_begin(desk, &proc, "apply", "--confirm", "--plan", plan, "--batch-size", "20", NULL);
    if (!proc_until(is_stuck, desk, 20000))
        fail_msg("it never waited: %s", desk->err.data);
    assert_true(proc_signal(&proc, SIGINT));
    desk_expect(desk, desk_wait(desk, &proc), 75, NULL, "stopped after 1 of 5 batches");

    must(fsio_write(desk->rules, rules, sizeof(rules) - 1, 0600, &err), &err);
    pipeline_start_workers(&pipeline);
    pipeline_apply_begin(&pipeline, &push, plan, "--batch-size", "7", NULL); /* as before, whatever is said */
    pipeline_push_end(&pipeline, &push, 60000, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.total, ALL);
    assert_int_equal(desk_number(desk, "ZCARD", "@runs", NULL), 1);
    assert_applied(&pipeline);
    must(abmsim_device(&pipeline.sim, serial_of(0), &device, &err) == 1 ? 0 : -1, &err);
    assert_string_equal(device.mdm_server_id, "");
    desk_expect(desk, desk_ctl(desk, "apply", "--dry-run", "--plan", plan, NULL), 0, NULL,
                "is not what the plan was made with");
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_stop(&pipeline);
}

static bool is_known(void *user)
{
    struct pipeline *pipeline = user;
    char key[96];

    snprintf(key, sizeof(key), "@run:%s", pipeline_last_run(pipeline));
    return desk_number(&pipeline->desk, "HGET", key, "ended", NULL) == ALL - 20;
}

/* A batch that Redis has lost is made again from the plan, with the very same bytes. */
static void puts_back_what_was_lost(void **state)
{
    struct pipeline_options options = { .bin = TEST_BIN };
    struct desk_plan *doc = make_plan();
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct redis_reply *reply;
    const char *plan, *other;
    char run[65];

    (void)state;
    pipeline_start(&pipeline, &options);
    add_existing(&pipeline, ADDED, ALL + UNTOUCHED);
    plan = desk_plan_write(doc, desk, "plan.json");
    desk_expect(desk, desk_ctl(desk, "apply", "--confirm", "--plan", plan, "--batch-size", "20", NULL), 0,
                "5 of 5 batches published", NULL);
    reply = desk_ask(desk, "XRANGE", "@ingest", "-", "+", NULL);
    assert_int_equal(redis_count(reply), 5);
    assert_int_equal(
        desk_number(desk, "XDEL", "@ingest", redis_text(redis_at(redis_at(reply, 1), 0), NULL), NULL), 1);
    redis_reply_free(reply);
    pipeline_start_workers(&pipeline);
    if (!proc_until(is_known, &pipeline, 30000))
        fail_msg("the other batches did not end");
    snprintf(run, sizeof(run), "%s", pipeline_last_run(&pipeline));

    doc->head.operator_ = "another";
    other = desk_plan_write(doc, desk, "other.json");
    desk_expect(desk, desk_ctl(desk, "run", "repair", "--run", run, "--plan", other, NULL), 65, NULL,
                "was pushed with a plan of SHA-256");
    desk_expect(desk,
                desk_ctl(desk, "run", "repair", "--run", run, "--input",
                         pipeline_csv(&pipeline, "devices.csv", "C02", 3), NULL),
                65, NULL, "applies a plan: give that by --plan");
    desk_expect(desk, desk_ctl(desk, "run", "show", run, NULL), 0, "--plan FILE puts them back", NULL);
    desk_expect(desk, desk_ctl(desk, "run", "repair", "--run", run, "--plan", plan, NULL), 0,
                "published 1 batches", NULL);
    assert_true(pipeline_wait_state(&pipeline, run, "closed", 30000));
    assert_applied(&pipeline);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), ADDED + CHANGED);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishes_exactly_the_plan),
        cmocka_unit_test(an_outside_change_is_a_conflict),
        cmocka_unit_test(a_read_is_not_believed_for_long),
        cmocka_unit_test(of_two_plans_one_wins_each_device),
        cmocka_unit_test(goes_on_where_it_was_stopped),
        cmocka_unit_test(puts_back_what_was_lost),
    };

    setenv("ABM_TOKEN", "e2e-token", 1);
    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

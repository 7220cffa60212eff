/*
 * A run that would change too much, or of which too much fails, pauses before it has done so, and goes on
 * when somebody says so - with every process there is, some of them killed meanwhile. And --only-new.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "harness/pipeline.h"

#define DEVICES 1000
#define END_MS  60000
#define PREFIX  "C02"
#define WANTED  "bp-9i0j1k2l"
#define OTHER   "bp-1a2b3c4d"
#define RULES   "blueprint_mappings:\n  - default: \"" WANTED "\"\n"
#define CHANGES "max_changes: 10%"
#define RUN     "r"

static struct pipeline pipeline;

struct fleet {
    int count;   /* devices that ABM knows before the run: the first ones of the file */
    int changed; /* so many of them, from the first on, have another blueprint than the rules want */
};

static const char *serial(int at)
{
    static char text[16];

    snprintf(text, sizeof(text), "%s%09d", PREFIX, at);
    return text;
}

/* Message by message of 50 devices, so that there are many. */
static const char *start(const char *limits, const struct fleet *fleet, const char *const *sim_options,
                         int assigns)
{
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .rules = RULES,
                                        .limits = limits,
                                        .stages = "  import: { linger: 0s }\n"
                                                  "  assign: { batch: 50, lease: 1s, linger: 0s }\n",
                                        .api = "timeout: 400ms",
                                        .sim_options = sim_options };
    struct err err = ERR_INIT;
    const char *csv;

    options.copies[PIPELINE_ASSIGN] = assigns;
    pipeline_start(&pipeline, &options);
    for (int i = 0; i < fleet->count; i++)
        if (abmsim_add_device(&pipeline.sim, serial(i), "DE", i < fleet->changed ? OTHER : WANTED, NULL,
                              &err) != 0)
            fail_msg("%s", err.text);
    csv = pipeline_csv(&pipeline, "devices.csv", PREFIX, DEVICES);
    pipeline_start_workers(&pipeline);
    return csv;
}

static void await(const char *command, const char *key, const char *field, int64_t number)
{
    desk_await_number(&pipeline.desk, command, key, field, number, END_MS);
}

static int64_t field(const char *name)
{
    return desk_number(&pipeline.desk, "HGET", "@run:" RUN, name, NULL);
}

static int64_t changes(void)
{
    return pipeline_stat(&pipeline, "puts_changed");
}

static int64_t sent(void)
{
    return pipeline_stat(&pipeline, "by_operation.putAssignment");
}

/* All that has not ended is parked for assign, or for import. */
static bool is_at_rest(void *unused)
{
    int64_t left = field("expected") - field("ended");

    (void)unused;
    return desk_number(&pipeline.desk, "HGET", "@count:import", "parked", NULL) +
               desk_number(&pipeline.desk, "HGET", "@count:assign", "parked", NULL) ==
           left;
}

static void await_rest(void)
{
    if (!proc_until(is_at_rest, NULL, END_MS))
        fail_msg("%lld of %lld ended; import has parked %lld, assign %lld", (long long)field("ended"),
                 (long long)field("expected"),
                 (long long)desk_number(&pipeline.desk, "HGET", "@count:import", "parked", NULL),
                 (long long)desk_number(&pipeline.desk, "HGET", "@count:assign", "parked", NULL));
}

static bool is_nothing_due(void *unused)
{
    (void)unused;
    return desk_number(&pipeline.desk, "ZCOUNT", "@retry:assign", "1", "1", NULL) +
               desk_number(&pipeline.desk, "ZCOUNT", "@retry:import", "1", "1", NULL) ==
           0;
}

/* Everything that is parked is due: each message is looked at once more, and parked again. */
static void stir(void)
{
    static const char script[] = "for _, key in ipairs(KEYS) do\n"
                                 "  for _, m in ipairs(redis.call('ZRANGE', key, 0, -1)) do\n"
                                 "    redis.call('ZADD', key, 1, m)\n"
                                 "  end\n"
                                 "end\n"
                                 "return 1";

    desk_number(&pipeline.desk, "EVAL", script, "2", "@retry:assign", "@retry:import", NULL);
    assert_true(proc_until(is_nothing_due, NULL, END_MS));
    await_rest();
}

/* Paused: whatever the workers look at, nothing of it is sent. */
static void stands_still(void)
{
    int64_t before, requests;

    await_rest();
    before = sent();
    requests = pipeline_stat(&pipeline, "requests");
    stir();
    stir();
    assert_int_equal(sent(), before);
    assert_int_equal(pipeline_stat(&pipeline, "requests"), requests);
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:" RUN, "state", NULL), "open");
}

static void resume(void)
{
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "resume", "--run", RUN, "--operator", "Ada Lovelace", NULL), 0,
                "run " RUN " goes on after a pause of", NULL);
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:" RUN, "resumed_by", NULL), "Ada Lovelace");
}

static void said_in(const struct pipeline_push *push, const char *text)
{
    struct err err = ERR_INIT;
    struct buf out;

    buf_init(&out, 1 << 20);
    if (fsio_read(push->err_path, &out, &err) != 0)
        fail_msg("%s", err.text);
    if (strstr(out.data, text) == NULL)
        fail_msg("'%s' is not said by import:\n%s", text, out.data);
    buf_release(&out);
}

static void import(const char *csv, struct pipeline_result *result)
{
    struct pipeline_push push;

    pipeline_push_begin(&pipeline, &push, csv, "--run", RUN, "--batch-size", "50", NULL);
    pipeline_push_end(&pipeline, &push, END_MS, result);
}

static void end_whole(void)
{
    await("EXISTS", "@runs:paused", NULL, 0);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static void one_wrong_default_flips_nobody(void **state)
{
    const char *csv = start(CHANGES, &(struct fleet){ DEVICES, DEVICES }, NULL, 2);
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    pipeline_push_begin(&pipeline, &push, csv, "--run", RUN, "--batch-size", "50", NULL);
    await("HEXISTS", "@runs:paused", RUN, 1);
    stands_still();
    if (changes() > DEVICES / 10)
        fail_msg("%lld of %d were changed", (long long)changes(), DEVICES);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "status", NULL), 0,
                "% of the existing assignments would change (max_changes 10%)", NULL);
    desk_expect(&pipeline.desk, 0, 0, "abmctl resume --run " RUN, NULL);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "run", "show", RUN, "--json", NULL), 0,
                "\"by\":\"brake max_changes\"", NULL);
    assert_false(pipeline_push_ends(&push, 0));
    said_in(&push, "run " RUN ": paused: ");
    said_in(&push, "abmctl resume --run " RUN);
    resume();
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, DEVICES);
    assert_int_equal(changes(), DEVICES);
    assert_int_equal(field("granted"), DEVICES);
    end_whole();
}

static void a_few_changes_first_in_the_file_do_not_pause(void **state)
{
    const char *csv = start(CHANGES, &(struct fleet){ DEVICES, DEVICES / 20 }, NULL, 2);
    struct pipeline_result result;

    (void)state;
    import(csv, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, DEVICES / 20);
    assert_int_equal(result.unchanged, DEVICES - DEVICES / 20);
    assert_int_equal(desk_number(&pipeline.desk, "HEXISTS", "@run:" RUN, "brake_changes", NULL), 0);
    assert_int_equal(pipeline_log_count(&pipeline, "\"run_paused\""), 0);
    end_whole();
}

static void new_devices_never_pause(void **state)
{
    const char *csv = start("max_changes: 0%", &(struct fleet){ 0, 0 }, NULL, 1);
    struct pipeline_result result;

    (void)state;
    import(csv, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, DEVICES);
    assert_int_equal(pipeline_log_count(&pipeline, "\"run_paused\""), 0);
    end_whole();
}

static void one_of_one_pauses(void **state)
{
    const char *csv;
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    start(CHANGES, &(struct fleet){ 1, 1 }, NULL, 1);
    csv = pipeline_csv(&pipeline, "one.csv", PREFIX, 1);
    pipeline_push_begin(&pipeline, &push, csv, "--run", RUN, NULL);
    await("HEXISTS", "@runs:paused", RUN, 1);
    stands_still();
    assert_int_equal(changes(), 0);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "status", NULL), 0,
                "run " RUN ": paused: 100 % of the existing assignments would change (max_changes 10%)",
                NULL);
    desk_expect(&pipeline.desk, 0, 0, "abmctl resume --run " RUN, NULL);
    resume();
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 1);
    end_whole();
}

static void failures_pause(void **state)
{
    const char *csv = start("max_failed: 5%", &(struct fleet){ 0, 0 }, NULL, 1);
    struct pipeline_result result;
    struct pipeline_push push;
    struct err err = ERR_INIT;

    (void)state;
    /* 10 % of them, each refused whenever it is asked for */
    for (int i = 0; i < DEVICES; i += 10) {
        char rule[200];

        snprintf(rule, sizeof(rule),
                 "[{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":422,\"code\":\"X\",\"serial\":\"%"
                 "s\"}]",
                 serial(i));
        if (abmsim_control(&pipeline.sim, "POST", "/sim/faults", rule, &err) != 0)
            fail_msg("%s", err.text);
    }
    pipeline_push_begin(&pipeline, &push, csv, "--run", RUN, "--batch-size", "50", NULL);
    await("HEXISTS", "@runs:paused", RUN, 1);
    stands_still();
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "status", NULL), 0,
                "devices failed (max_failed 5% of 1000)", NULL);
    assert_true(field("ended") < DEVICES);
    assert_true(field("failed") > DEVICES / 20);
    resume();
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 1);
    assert_int_equal(result.failed, DEVICES / 10);
    assert_int_equal(result.assigned, DEVICES - DEVICES / 10);
    end_whole();
}

static void see_kept(void *user, const struct device *record)
{
    int *kept = user;

    if (record->outcome == OUTCOME_UNCHANGED && record->code != NULL &&
        strcmp(record->code, "kept_existing") == 0)
        ++*kept;
}

static void only_new_changes_nothing(void **state)
{
    const char *csv = start(CHANGES, &(struct fleet){ DEVICES / 2, DEVICES / 2 }, NULL, 1);
    struct pipeline_result result;
    struct pipeline_push push;
    int kept = 0;

    (void)state;
    pipeline_push_begin(&pipeline, &push, csv, "--run", RUN, "--only-new", NULL);
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.unchanged, DEVICES / 2);
    assert_int_equal(result.assigned, DEVICES / 2);
    assert_int_equal(sent(), DEVICES / 2);
    pipeline_records(&pipeline, RUN, see_kept, &kept);
    assert_int_equal(kept, DEVICES / 2);
    assert_int_equal(pipeline_log_count(&pipeline, "\"run_paused\""), 0);
    end_whole();
}

/* By hand in the midst of it; then the workers of assign are killed, and others look at what they had. */
static void paused_by_hand_nothing_is_sent(void **state)
{
    static const char *const slow[] = { "--propagation", "50", NULL };
    const char *csv = start(NULL, &(struct fleet){ 0, 0 }, slow, 2);
    struct pipeline_result result;
    struct pipeline_push push;
    struct err err = ERR_INIT;

    (void)state;
    if (abmsim_set_faults(&pipeline.sim, "[{\"op\":\"putAssignment\",\"kind\":\"slow\",\"ms\":20}]", &err) !=
        0)
        fail_msg("%s", err.text);
    pipeline_push_begin(&pipeline, &push, csv, "--run", RUN, "--batch-size", "50", NULL);
    pipeline_await_stat(&pipeline, "puts_changed", 60, END_MS);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "pause", "--run", RUN, "--reason", "a freeze", NULL),
                0, "is paused since", NULL);
    stands_still();
    assert_true(field("ended") < DEVICES);
    for (int copy = 0; copy < 2; copy++)
        pipeline_kill_worker(&pipeline, PIPELINE_ASSIGN, copy);
    pipeline_start_workers(&pipeline);
    stands_still();
    resume();
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, DEVICES);
    assert_int_equal(changes(), DEVICES);
    end_whole();
}

/* Killed again and again while they weigh: each row counts once, and what was granted stays granted. */
static void kills_change_no_weight(void **state)
{
    const char *csv = start(CHANGES, &(struct fleet){ DEVICES, DEVICES / 20 }, NULL, 3);
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    pipeline_push_begin(&pipeline, &push, csv, "--run", RUN, "--batch-size", "50", NULL);
    for (int at = 0; at < 6; at++) {
        while (field("weighed") < at * DEVICES / 8 && !pipeline_push_ends(&push, 1))
            continue;
        pipeline_kill_worker(&pipeline, PIPELINE_ASSIGN, at % 3);
        pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, at % 3);
    }
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(field("weighed"), DEVICES);
    assert_int_equal(field("existing"), DEVICES);
    assert_int_equal(field("changing"), DEVICES / 20);
    assert_int_equal(field("granted"), DEVICES / 20);
    assert_int_equal(result.assigned, DEVICES / 20);
    assert_int_equal(pipeline_log_count(&pipeline, "\"run_paused\""), 0);
    end_whole();
}

static void a_cancel_ends_a_paused_run(void **state)
{
    const char *csv = start(CHANGES, &(struct fleet){ DEVICES, DEVICES }, NULL, 1);
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    pipeline_push_begin(&pipeline, &push, csv, "--run", RUN, "--batch-size", "50", NULL);
    await("HEXISTS", "@runs:paused", RUN, 1);
    await_rest();
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "cancel", "--run", RUN, NULL), 0, "cancelled", NULL);
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 1);
    assert_string_equal(result.state, "cancelled");
    assert_int_equal(result.cancelled + result.assigned, DEVICES);
    assert_true(result.assigned <= DEVICES / 10);
    end_whole();
}

static void apply_plan_of(const char *csv)
{
    const char *plan = desk_path(&pipeline.desk, "plan.json");

    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "plan", "--input", csv, "-o", plan, NULL), 0, NULL,
                NULL);
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "apply", "--plan", plan, "--confirm", "--run", RUN, "--batch-size",
                         "50", NULL),
                0, NULL, NULL);
}

/* Of a plan only the changes are in the run, and they are measured all the same by what there is. */
static void a_plan_is_measured_by_all_that_it_saw(void **state)
{
    static const int changed[] = { DEVICES / 20, DEVICES / 2 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        apply_plan_of(start(CHANGES, &(struct fleet){ DEVICES, changed[i] }, NULL, 1));
        if (i == 1) {
            await("HEXISTS", "@runs:paused", RUN, 1);
            stands_still();
            assert_true(changes() <= DEVICES / 10);
            resume();
        }
        assert_true(pipeline_wait_state(&pipeline, RUN, "closed", END_MS));
        assert_int_equal(field("plan_unchanged"), DEVICES - changed[i]);
        assert_int_equal(field("assigned"), changed[i]);
        assert_int_equal(pipeline_log_count(&pipeline, "\"run_paused\""), (int)i);
        end_whole();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_wrong_default_flips_nobody),
        cmocka_unit_test(a_few_changes_first_in_the_file_do_not_pause),
        cmocka_unit_test(new_devices_never_pause),
        cmocka_unit_test(one_of_one_pauses),
        cmocka_unit_test(failures_pause),
        cmocka_unit_test(only_new_changes_nothing),
        cmocka_unit_test(paused_by_hand_nothing_is_sent),
        cmocka_unit_test(kills_change_no_weight),
        cmocka_unit_test(a_cancel_ends_a_paused_run),
        cmocka_unit_test(a_plan_is_measured_by_all_that_it_saw),
    };

    setenv("ABM_TOKEN", "e2e-token", 1); /* plan and apply ask ABM themselves */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

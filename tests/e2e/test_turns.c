/*
 * Who waits for whom: a small run does not wait behind a large one, what is urgent passes everything, and a
 * stage whose next one has enough still does what is due. Counted in requests that the API saw, never in
 * time.
 */
#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "harness/pipeline.h"

static int64_t run_number(struct pipeline *pipeline, const char *run, const char *member)
{
    char key[96];

    snprintf(key, sizeof(key), "@run:%s", run);
    return desk_number(&pipeline->desk, "HGET", key, member, NULL);
}

static void begin_large(struct pipeline *pipeline, struct pipeline_push *push, int count, int64_t puts)
{
    pipeline_push_begin(pipeline, push, pipeline_csv(pipeline, "large.csv", "L", count), "--run", "large",
                        NULL);
    pipeline_await_stat(pipeline, "by_operation.putAssignment", puts, 60000);
}

/* Ten devices behind six thousand: the two runs share each stage's requests from where the small one came. */
static void a_small_run_takes_its_turn(void **state)
{
    static const char *const sim[] = { "--rate", "300/1", "--burst", "40", NULL };
    static struct pipeline pipeline;
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .rate_limit = "{ requests: 300, per: 1s, burst: 40 }",
        .sim_options = sim,
        /* So small that each stage has as much as it takes: the small run passes that too. */
        .stages = "  validate: { max_backlog: 2000 }\n  import: { max_backlog: 1000 }\n"
                  "  assign: { max_backlog: 1000 }\n",
        .copies = { [PIPELINE_ASSIGN] = 2 },
    };
    struct pipeline_result result;
    struct pipeline_push push;
    int64_t before, took;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    begin_large(&pipeline, &push, 6000, 500);
    before = pipeline_stat(&pipeline, "requests");
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "small.csv", "S", 10), 120000, &result);
    took = pipeline_stat(&pipeline, "requests") - before;
    print_message("a run of 10 devices took %lld requests of the API behind a run of 6000\n",
                  (long long)took);
    assert_int_equal(result.assigned, 10);
    assert_int_equal(run_number(&pipeline, "large", "ended") < 6000, 1);
    /* Two workers have a batch of 200 in hand, and one in turn; without turns it takes over 4,000. */
    assert_true(took < 1500);
    pipeline_push_end(&pipeline, &push, 120000, &result);
    assert_int_equal(result.assigned, 6000);
    pipeline_stop_workers(&pipeline, 20000);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

struct run_wait {
    struct pipeline *pipeline;
    const char *run;
};

static bool has_ended(void *user)
{
    struct run_wait *wait = user;

    return run_number(wait->pipeline, wait->run, "assigned") == 1;
}

/* One device behind 50,000, each stage at its limit and four workers in the middle of their batches. */
static void what_is_urgent_passes_everything(void **state)
{
    static const char *const sim[] = { "--rate", "40/1", "--burst", "10", NULL };
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .rate_limit = "{ requests: 40, per: 1s, burst: 10 }",
                                        .sim_options = sim,
                                        .copies = { [PIPELINE_ASSIGN] = 4, [PIPELINE_VERIFY] = 2 } };
    struct run_wait wait = { &pipeline, "urgent" };
    struct pipeline_push push;
    int64_t before, took;
    const char *csv;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    begin_large(&pipeline, &push, 50000, 100);
    csv = pipeline_csv(&pipeline, "urgent.csv", "U", 1);
    before = pipeline_stat(&pipeline, "requests");
    assert_int_equal(desk_ctl(&pipeline.desk, "push", "--input", csv, "--run", "urgent", "--urgent", NULL),
                     0);
    assert_true(proc_until(has_ended, &wait, 60000));
    took = pipeline_stat(&pipeline, "requests") - before;
    print_message("an urgent device took %lld requests of the API, its own four included\n", (long long)took);
    /* Five or so on a quiet machine; without the lane and the slots taken back it is thousands. */
    assert_true(took <= 20);
    assert_int_equal(pipeline_stat(&pipeline, "by_status.429"), 0);
    proc_kill(&push.proc);
    pipeline_stop_workers(&pipeline, 20000);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_run_takes_its_turn),
        cmocka_unit_test(what_is_urgent_passes_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

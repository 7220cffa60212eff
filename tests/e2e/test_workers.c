/* Workers that are told to stop under load, and one that is stopped dead and goes on when all is done. */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "harness/pipeline.h"
#include "queue/status.h"

#define PREFIX "C02"

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int64_t pending_of_all(struct pipeline *pipeline)
{
    static const char *const streams[PIPELINE_STAGES] = { "@ingest", "@import", "@assign", "@verify",
                                                          "@audit" };
    int64_t sum = 0;

    for (int i = 0; i < PIPELINE_STAGES; i++) {
        struct redis_reply *reply = desk_ask(&pipeline->desk, "XPENDING", streams[i],
                                             pipeline_stage_name((enum pipeline_stage)i), NULL);

        sum += redis_integer(redis_at(reply, 0));
        redis_reply_free(reply);
    }
    return sum;
}

static void see_uncharged(void *user, const struct device *record)
{
    (void)user;
    if (record->attempts_all != 0)
        fail_msg("%s was charged %d attempts", record->serial, record->attempts_all);
}

/* As `compose stop` and `up` do, three times under load: with leases of a minute only what was given back can
 * go on. */
static void stops_and_starts_under_load(void **state)
{
    static const char *const sim[] = { "--propagation", "300", NULL };
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .rate_limit = "{ requests: 300, per: 1s, burst: 20 }",
        .sim_options = sim,
        .copies = { [PIPELINE_IMPORT] = 2, [PIPELINE_ASSIGN] = 3, [PIPELINE_VERIFY] = 2 },
    };
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", PREFIX, 2000), NULL);
    for (int stop = 1; stop <= 3; stop++) {
        pipeline_await_stat(&pipeline, "puts_received", 500 * stop, 30000);
        pipeline_stop_workers(&pipeline, 20000);
        assert_int_equal(pending_of_all(&pipeline), 0);
        assert_int_equal(desk_number(&pipeline.desk, "HLEN", "@workers", NULL), 0);
        assert_false(pipeline_push_ends(&push, 0));
        pipeline_start_workers(&pipeline);
    }
    pipeline_push_end(&pipeline, &push, 60000, &result);
    print_message("%lld devices in %.1f s with 3 stops of all workers; %lld PUTs\n", (long long)result.total,
                  (double)result.ms / 1000,
                  (long long)pipeline_stat(&pipeline, "by_operation.putAssignment"));
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 2000);
    assert_int_equal(pipeline_records(&pipeline, result.run, see_uncharged, NULL), 2000);
    pipeline_assert_all(&pipeline, result.run, PREFIX, 2000, OUTCOME_ASSIGNED);
    /* What was under way at a stop was waited for: nothing is sent twice. */
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), 2000);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static bool no_run_is_open(void *user)
{
    return desk_number(user, "HLEN", "@runs:open", NULL) == 0;
}

/* Small messages, of which a worker has more in hand than its batch takes: those go back as they came. */
static void gives_back_what_no_batch_took(void **state)
{
    enum { RUNS = 20, EACH = 35 };
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .rate_limit = "{ requests: 100, per: 1s, burst: 20 }",
    };
    struct pipeline pipeline;
    char name[32], prefix[8];

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_worker(&pipeline, PIPELINE_VALIDATE, 0); /* push waits for it */
    for (int i = 0; i < RUNS; i++) {
        snprintf(name, sizeof(name), "devices-%d.csv", i);
        snprintf(prefix, sizeof(prefix), "C%02d", i);
        desk_expect(
            &pipeline.desk,
            desk_ctl(&pipeline.desk, "push", "--input", pipeline_csv(&pipeline, name, prefix, EACH), NULL), 0,
            NULL, NULL);
    }
    pipeline_start_workers(&pipeline);
    for (int stop = 1; stop <= 3; stop++) {
        pipeline_await_stat(&pipeline, "puts_received", 100 * stop, 30000);
        pipeline_stop_workers(&pipeline, 20000);
        assert_int_equal(pending_of_all(&pipeline), 0);
        pipeline_start_workers(&pipeline);
    }
    if (!proc_until(no_run_is_open, &pipeline.desk, 60000))
        fail_msg("%lld runs did not close",
                 (long long)desk_number(&pipeline.desk, "HLEN", "@runs:open", NULL));
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), RUNS * EACH);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* "at" of the one heartbeat that a stage has; 0: none. */
static int64_t beat_of(struct pipeline *pipeline, const char *stage)
{
    struct redis_reply *beats = desk_ask(&pipeline->desk, "HVALS", "@workers", NULL);
    struct err err = ERR_INIT;
    int64_t at = 0;

    for (size_t i = 0; i < redis_count(beats); i++) {
        size_t len;
        const char *text = redis_text(redis_at(beats, i), &len);
        struct json *beat;

        must(json_parse(text, len, &beat, &err), &err);
        if (strcmp(json_string(json_get(beat, "stage")), stage) == 0)
            (void)json_int(json_get(beat, "at"), &at);
        json_free(beat);
    }
    redis_reply_free(beats);
    return at;
}

struct life {
    struct pipeline *pipeline;
    int64_t since;
};

static bool shows_life(void *user)
{
    struct life *life = user;

    return beat_of(life->pipeline, "assign") - life->since >= STATUS_ALIVE_MS;
}

/* A batch of 200 takes minutes at a usual rate: its worker is there all the while, and says so. */
static void a_worker_long_at_a_batch_shows_life(void **state)
{
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .rate_limit = "{ requests: 4, per: 1s, burst: 4 }",
    };
    struct pipeline_push push;
    struct pipeline pipeline;
    struct life life;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", PREFIX, 200), NULL);
    pipeline_await_stat(&pipeline, "puts_received", 1, 30000);
    life = (struct life){ &pipeline, beat_of(&pipeline, "assign") };
    if (!proc_until(shows_life, &life, 30000))
        fail_msg("the heartbeat stands still while a batch is worked on");
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@count:assign", "passed", NULL), 0);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "status", NULL), 0, "working", NULL);
    pipeline_stop_workers(&pipeline, 20000);
    assert_int_equal(desk_number(&pipeline.desk, "HLEN", "@workers", NULL), 0);
    proc_kill(&push.proc);
    pipeline_stop(&pipeline);
}

static bool has_lost(void *user)
{
    return pipeline_log_count(user, "\"lost_message\"") > 0;
}

/*
 * Guarantee 2: a worker that slept beyond its lease wakes when another has done all that it held: it sends
 * nothing more, and its settle changes nothing. It falls asleep once `asleep_at` PUTs have come in.
 */
static void wake_late(int concurrency, int asleep_at)
{
    char stages[96];
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .stages = stages,
        .api = "timeout: 900ms",
    };
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    struct err err = ERR_INIT;
    int64_t puts, ended;
    char run[96];

    snprintf(stages, sizeof(stages), "  assign: { lease: 2s, concurrency: %d }\n", concurrency);
    pipeline_start(&pipeline, &options);
    /* So slow that the worker is sure to be met at its work. */
    must(abmsim_set_faults(&pipeline.sim, "[{\"op\":\"putAssignment\",\"kind\":\"slow\",\"ms\":800}]", &err),
         &err);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", PREFIX, 200), NULL);
    pipeline_await_stat(&pipeline, "puts_received", asleep_at, 30000);
    assert_true(proc_signal(&pipeline.workers[PIPELINE_ASSIGN][0], SIGSTOP));
    must(abmsim_set_faults(&pipeline.sim, "[]", &err), &err);
    pipeline.copies[PIPELINE_ASSIGN] = 2;
    pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 1);
    pipeline_push_end(&pipeline, &push, 60000, &result);
    pipeline_assert_clean(&pipeline);
    puts = pipeline_stat(&pipeline, "by_operation.putAssignment");
    snprintf(run, sizeof(run), "@run:%s", result.run);
    ended = desk_number(&pipeline.desk, "HGET", run, "ended", NULL);
    assert_true(proc_signal(&pipeline.workers[PIPELINE_ASSIGN][0], SIGCONT));
    if (!proc_until(has_lost, &pipeline, 20000))
        fail_msg("the late worker does not say that its message is another's");
    print_message("200 devices in %.1f s, one worker asleep since PUT %d; %lld PUTs, %lld after it woke\n",
                  (double)result.ms / 1000, asleep_at, (long long)puts,
                  (long long)(pipeline_stat(&pipeline, "by_operation.putAssignment") - puts));
    assert_int_equal(result.assigned, 200);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), puts);
    /* Had it published anything, that would come to an end by and by: everything is seen to be empty. */
    pipeline_assert_clean(&pipeline);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", run, "ended", NULL), ended);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@count:verify", "finished", NULL), 200);
    pipeline_assert_all(&pipeline, result.run, PREFIX, 200, OUTCOME_ASSIGNED);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_workers_run(&pipeline);
    pipeline_stop_workers(&pipeline, 10000);
    pipeline_stop(&pipeline);
}

/* It is refused the permits for what it did not send yet. */
static void a_late_worker_sends_nothing(void **state)
{
    (void)state;
    wake_late(4, 12);
}

/* It has sent everything, and comes to settle. */
static void a_late_settle_changes_nothing(void **state)
{
    (void)state;
    wake_late(256, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops_and_starts_under_load),
        cmocka_unit_test(gives_back_what_no_batch_took),
        cmocka_unit_test(a_worker_long_at_a_batch_shows_life),
        cmocka_unit_test(a_late_worker_sends_nothing),
        cmocka_unit_test(a_late_settle_changes_nothing),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

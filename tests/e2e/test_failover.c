/* A primary that is killed under load, and a replica that the sentinels put in its place. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/pipeline.h"
#include "harness/redis_group.h"

#define PREFIX  "C30"
#define DEVICES 1500

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

struct reached {
    struct pipeline *pipeline;
    int64_t number;
};

static bool has_reached(void *user)
{
    struct reached *reached = user;
    struct err err = ERR_INIT;

    return abmsim_stat(&reached->pipeline->sim, "puts_received", &err) >= reached->number;
}

static void wait_for_puts(struct pipeline *pipeline, int64_t number)
{
    struct reached reached = { pipeline, number };

    if (!proc_until(has_reached, &reached, 60000))
        fail_msg("%lld PUTs did not come in 60 s", (long long)number);
}

static void start(struct pipeline *pipeline, struct pipeline_push *push)
{
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .api = "timeout: 2s",
        .rate_limit = "{ requests: 250, per: 1s, burst: 20 }",
        .copies = { [PIPELINE_IMPORT] = 2, [PIPELINE_ASSIGN] = 2, [PIPELINE_VERIFY] = 2 },
    };

    pipeline_start(pipeline, &options);
    pipeline_start_workers(pipeline);
    pipeline_push_begin(pipeline, push, pipeline_csv(pipeline, "devices.csv", PREFIX, DEVICES), NULL);
    wait_for_puts(pipeline, DEVICES / 3);
}

static void end(struct pipeline *pipeline, struct pipeline_push *push, struct pipeline_result *result)
{
    pipeline_push_end(pipeline, push, 120000, result);
    print_message("%lld devices in %.1f s: %lld assigned, %lld unchanged\n", (long long)result->total,
                  (double)result->ms / 1000, (long long)result->assigned, (long long)result->unchanged);
    assert_string_equal(result->state, "closed");
    assert_int_equal(result->total, DEVICES);
    assert_int_equal(result->failed, 0);
    pipeline_assert_workers_run(pipeline);
    pipeline_assert_no_letters(pipeline);
    pipeline_assert_no_violations(pipeline);
    pipeline_assert_evidence_whole(pipeline);
    pipeline_stop_workers(pipeline, 20000);
}

/* Replication is asynchronous: what the dead primary had not passed on is done again. A note may be among it,
 * so that a device which was assigned before is found unchanged. */
static void goes_on_with_the_replica(void **state)
{
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    struct err err = ERR_INIT;

    (void)state;
    setenv("ABM_REDIS__WAIT_REPLICAS", "0", 1);
    start(&pipeline, &push);
    must(redis_server_fail_over(&pipeline.desk.server, &err), &err);
    end(&pipeline, &push, &result);
    assert_int_equal(result.assigned + result.unchanged, DEVICES);
    assert_true(pipeline_log_count(&pipeline, "\"event\":\"redis_changed\"") > 0);
    pipeline_stop(&pipeline);
}

static bool says_what_it_waits_for(void *pipeline)
{
    struct desk *desk = &((struct pipeline *)pipeline)->desk;

    (void)desk_ctl(desk, "status", NULL);
    return strstr(desk->out.data, "waits for replicas: 0 of 1 hold what was written") != NULL;
}

/* With wait_replicas no device is changed that the next primary would not know of. So all stands still until
 * there is a replica again, and then every record is true. */
static void waits_for_a_replica(void **state)
{
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    struct err err = ERR_INIT;
    struct proc second;
    int64_t puts;

    (void)state;
    setenv("ABM_REDIS__WAIT_REPLICAS", "1", 1);
    setenv("ABM_REDIS__WAIT_TIMEOUT", "300ms", 1);
    start(&pipeline, &push);
    must(redis_server_fail_over(&pipeline.desk.server, &err), &err);
    if (!proc_until(says_what_it_waits_for, &pipeline, 30000))
        fail_msg("status does not say that replicas are missing: %s", pipeline.desk.out.data);
    puts = abmsim_stat(&pipeline.sim, "puts_received", &err);
    assert_true(puts < DEVICES);
    /* Nor does a push say that it is done. */
    desk_begin(&pipeline.desk, &second, "push", "--run", "second", "--input",
               pipeline_csv(&pipeline, "second.csv", "C31", 10), NULL);
    assert_true(desk_says(&pipeline.desk, "waits for replicas: 0 of 1"));
    assert_int_equal(proc_wait(&second, 0), 0);
    must(redis_server_restart(&pipeline.desk.server, &err), &err);
    desk_expect(&pipeline.desk, desk_wait(&pipeline.desk, &second), 0, "1 of 1 batches", NULL);
    assert_true(pipeline_wait_state(&pipeline, "second", "closed", 60000));
    end(&pipeline, &push, &result);
    assert_int_equal(result.assigned, DEVICES);
    pipeline_assert_all(&pipeline, result.run, PREFIX, DEVICES, OUTCOME_ASSIGNED);
    assert_true(pipeline_log_count(&pipeline, "\"event\":\"replicas_short\"") > 0);
    pipeline_stop(&pipeline);
}

static bool says_noreplicas(void *pipeline)
{
    return pipeline_log_count(pipeline, "takes no writes: NOREPLICAS") > 0;
}

/* A primary that no replica follows may have been replaced already: with min-replicas-to-write it refuses,
 * all waits, and goes on when it is followed again. */
static void writes_nothing_that_nobody_follows(void **state)
{
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    struct redis_server *server = &pipeline.desk.server;
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    setenv("ABM_REDIS__WAIT_REPLICAS", "0", 1);
    start(&pipeline, &push);
    buf_init(&out, 4096);
    must(redis_server_ask(server, "CONFIG SET min-replicas-to-write 1", &out, &err), &err);
    redis_server_kill(server->group->replica);
    if (!proc_until(says_noreplicas, &pipeline, 30000))
        fail_msg("no log says that the primary takes no writes");
    assert_false(pipeline_push_ends(&push, 0));
    must(redis_server_restart(server->group->replica, &err), &err);
    end(&pipeline, &push, &result);
    assert_int_equal(result.assigned, DEVICES);
    buf_release(&out);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_with_the_replica),
        cmocka_unit_test(waits_for_a_replica),
        cmocka_unit_test(writes_nothing_that_nobody_follows),
    };

    setenv("TEST_REDIS", "sentinel", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

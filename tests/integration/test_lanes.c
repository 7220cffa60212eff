/*
 * The streams of one stage (queue/lanes.h), on stub stages: runs take turns, a closed gate holds up neither
 * what is due nor a run that has nothing ahead, and what was read from any of them is kept, taken over and
 * given back.
 */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/engine.h"
#include "queue/lanes.h"

#define END_MS 30000

enum { VALIDATE, IMPORT, ASSIGN, VERIFY, AUDIT };

static void wait_for(struct engine *engine, const char *command, int64_t number)
{
    engine_await(engine, command, number, END_MS);
}

/* A run alone stands in the streams that everybody knows; one that comes beside it in others, until it has
 * closed. */
static void a_second_run_has_a_lane_of_its_own(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "");
    engine_start_worker(&engine, VALIDATE);
    engine_push_from(&engine, "r1", 0, 600, 200);
    wait_for(&engine, "XLEN @import", 3);
    engine_push_from(&engine, "r2", 600, 400, 200);
    wait_for(&engine, "XLEN @lane:import:1", 2);
    assert_int_equal(engine_number(&engine, "XLEN @import"), 3);
    assert_int_equal(engine_number(&engine, "HGET @count:import stream"), 1000);
    for (int i = IMPORT; i <= AUDIT; i++)
        engine_start_worker(&engine, i);
    assert_true(engine_wait_state(&engine, "r1", "closed", END_MS));
    assert_true(engine_wait_state(&engine, "r2", "closed", END_MS));
    engine_assert_clean(&engine);
    engine_push_from(&engine, "r3", 1000, 200, 200);
    assert_true(engine_wait_state(&engine, "r3", "closed", END_MS));
    assert_int_equal(engine_run_number(&engine, "r3", "assigned"), 200);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* Puts the stage's newest message of the first lane among those that are due. */
static void park_newest(struct engine *engine)
{
    static const char script[] = "EVAL \"local e = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1] "
                                 "redis.call('XDEL', KEYS[1], e[1]) redis.call('ZADD', KEYS[2], 1, e[2][2]) "
                                 "redis.call('HINCRBY', KEYS[3], 'stream', -200) redis.call('HINCRBY', "
                                 "KEYS[3], 'parked', 200) return 1\" "
                                 "3 @assign @retry:assign @count:assign";

    assert_int_equal(engine_number(engine, script), 1);
}

/* DESIGN.md 4, Back-pressure: "It never holds up a stage's own due messages." */
static void a_closed_gate_lets_due_messages_through(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "  verify: { max_backlog: 100 }\n");
    engine_start_worker(&engine, VALIDATE);
    engine_start_worker(&engine, IMPORT);
    engine_push(&engine, "r1", 800, 200);
    wait_for(&engine, "XLEN @assign", 4);
    park_newest(&engine);
    engine_start_worker(&engine, ASSIGN);
    /* One message fills verify, the one that was due goes all the same; the other two stay. */
    wait_for(&engine, "XLEN @verify", 2);
    wait_for(&engine, "ZCARD @retry:assign", 0);
    assert_int_equal(engine_messages(&engine, "assign"), 2);
    assert_int_equal(engine_number(&engine, "HGET @count:assign stream"), 400);
    engine_start_worker(&engine, VERIFY);
    engine_start_worker(&engine, AUDIT);
    assert_true(engine_wait_state(&engine, "r1", "closed", END_MS));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 800);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* Where the next stage has enough of one run, another hands on one message at a time, and no more than that.
 */
static void a_closed_gate_lets_another_run_through(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "  assign: { max_backlog: 400 }\n");
    engine_start_worker(&engine, VALIDATE);
    engine_start_worker(&engine, IMPORT);
    engine_push_from(&engine, "r1", 0, 1000, 200);
    wait_for(&engine, "XLEN @assign", 2);
    engine_push_from(&engine, "r2", 1000, 400, 200);
    wait_for(&engine, "XLEN @lane:assign:1", 1);
    wait_for(&engine, "XLEN @lane:import:1", 1);
    assert_int_equal(engine_number(&engine, "XLEN @assign"), 2);
    for (int i = ASSIGN; i <= AUDIT; i++)
        engine_start_worker(&engine, i);
    assert_true(engine_wait_state(&engine, "r1", "closed", END_MS));
    assert_true(engine_wait_state(&engine, "r2", "closed", END_MS));
    assert_int_equal(engine_run_number(&engine, "r2", "assigned"), 400);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* Batches that wait in ingest behind another run's are sorted into lanes as soon as their run has one. */
static void ingest_is_sorted_by_run(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "  import: { max_backlog: 200 }\n");
    engine_start_worker(&engine, VALIDATE);
    engine_push_from(&engine, "r1", 0, 1000, 200);
    wait_for(&engine, "XLEN @import", 1);
    assert_int_equal(engine_messages(&engine, "validate"), 4);
    /* As a push does before its first batch. */
    engine_number(&engine, "HSET @runs:lane r2 1");
    engine_push_from(&engine, "r2", 1000, 200, 200);
    wait_for(&engine, "XLEN @lane:import:1", 1);
    assert_int_equal(engine_number(&engine, "XLEN @ingest"), 4);
    assert_int_equal(engine_number(&engine, "XLEN @import"), 1);
    for (int i = IMPORT; i <= AUDIT; i++)
        engine_start_worker(&engine, i);
    assert_true(engine_wait_state(&engine, "r1", "closed", END_MS));
    assert_true(engine_wait_state(&engine, "r2", "closed", END_MS));
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

static void make_file(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fclose(file);
}

/* What a worker holds of another lane is renewed while it lives, and another's once it is dead. */
static void a_lane_is_leased_as_any_stream(void **state)
{
    struct engine engine;
    char hang[256], env[300];

    (void)state;
    engine_start(&engine, "  assign: { lease: 1s }\n");
    snprintf(hang, sizeof(hang), "%s/hang", engine.dir);
    snprintf(env, sizeof(env), "STUB_HANG=%s", hang);
    make_file(hang);
    for (int i = 0; i < ENGINE_STAGES; i++)
        if (i != ASSIGN)
            engine_start_worker(&engine, i);
    engine_number(&engine, "HSET @runs:lane r1 3");
    engine_push(&engine, "r1", 200, 200);
    wait_for(&engine, "XLEN @lane:assign:3", 1);
    engine.extra_env[0] = env;
    engine_start_worker(&engine, ASSIGN);
    /* Three leases long it is renewed... */
    wait_for(&engine, "EXISTS @lane:assign:3", 1);
    engine_number(&engine, "CONFIG RESETSTAT");
    while (redis_server_number(&engine.redis,
                               "EVAL \"local n = 0 for l in string.gmatch(redis.call('INFO', "
                               "'commandstats'), 'cmdstat_xclaim:calls=(%d+)') do n = l end return "
                               "tonumber(n)\" 0") < 6)
        (void)engine_wait_state(&engine, "r1", "never", 50);
    assert_int_equal(
        redis_server_number(&engine.redis,
                            "EVAL \"local p = redis.call('XPENDING', KEYS[1], 'assign', '-', '+', 1)[1] "
                            "return p[3] < 1000 and p[4] or -1\" 1 {abm:t}:lane:assign:3"),
        1);
    /* ... then its owner dies. */
    proc_kill(&engine.workers[ASSIGN]);
    remove(hang);
    engine.extra_env[0] = NULL;
    engine_start_worker(&engine, ASSIGN);
    assert_true(engine_wait_state(&engine, "r1", "closed", END_MS));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 200);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* A worker that stops gives back what it has of every lane, and leaves all groups. */
static void a_stop_gives_back_all_lanes(void **state)
{
    struct engine engine;
    char hang[256], env[300];

    (void)state;
    engine_start(&engine, "  assign: { lease: 60s }\n");
    snprintf(hang, sizeof(hang), "%s/hang", engine.dir);
    snprintf(env, sizeof(env), "STUB_HANG=%s", hang);
    make_file(hang);
    for (int i = 0; i < ENGINE_STAGES; i++)
        if (i != ASSIGN)
            engine_start_worker(&engine, i);
    engine_number(&engine, "HSET @runs:lane r1 urgent r2 2");
    engine_push_from(&engine, "r1", 0, 400, 200);
    engine_push_from(&engine, "r2", 400, 400, 200);
    wait_for(&engine, "XLEN @lane:assign:urgent", 2);
    wait_for(&engine, "XLEN @lane:assign:2", 2);
    engine.extra_env[0] = env;
    engine_start_worker(&engine, ASSIGN);
    wait_for(&engine,
             "EVAL \"return redis.call('XPENDING', KEYS[1], 'assign')[1] > 0 and 1 or 0\" 1 "
             "@lane:assign:urgent",
             1);
    proc_signal(&engine.workers[ASSIGN], SIGTERM);
    remove(hang);
    assert_int_equal(proc_wait(&engine.workers[ASSIGN], 10000), 1);
    assert_int_equal(proc_status(&engine.workers[ASSIGN]), 0);
    for (int lane = 0; lane < LANES; lane++) {
        char command[128], key[KEY_MAX_BYTES];
        struct keys keys;

        keys_init(&keys, "t");
        snprintf(command, sizeof(command),
                 "EVAL \"return #redis.call('XINFO', 'CONSUMERS', KEYS[1], 'assign')\" 1 %s",
                 lane_key(&keys, "assign", lane, key));
        assert_int_equal(redis_server_number(&engine.redis, command), 0);
    }
    engine.extra_env[0] = NULL;
    engine_start_worker(&engine, ASSIGN);
    assert_true(engine_wait_state(&engine, "r1", "closed", 20000));
    assert_true(engine_wait_state(&engine, "r2", "closed", 20000));
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_run_has_a_lane_of_its_own),
        cmocka_unit_test(a_closed_gate_lets_due_messages_through),
        cmocka_unit_test(a_closed_gate_lets_another_run_through),
        cmocka_unit_test(ingest_is_sorted_by_run),
        cmocka_unit_test(a_lane_is_leased_as_any_stream),
        cmocka_unit_test(a_stop_gives_back_all_lanes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

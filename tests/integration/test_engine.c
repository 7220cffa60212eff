/* The skeleton over a real Redis with real processes: what DESIGN.md 4 promises of a message's life. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/rand.h"
#include "harness/engine.h"
#include "queue/status.h"

static void runs_through(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "");
    engine_start_all(&engine);
    engine_push(&engine, "r1", 5000, 1000);
    assert_true(engine_wait_state(&engine, "r1", "closed", 30000));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 5000);
    assert_int_equal(engine_run_number(&engine, "r1", "ended"), 5000);
    engine_assert_clean(&engine);
    /* On SIGTERM each exits with 0 and takes its consumer along. */
    for (int i = 0; i < ENGINE_STAGES; i++)
        assert_int_equal(proc_stop(&engine.workers[i], 10000), 0);
    assert_int_equal(engine_number(&engine, "HLEN @workers"), 0);
    engine_stop(&engine);
}

/* Guarantees 1 and 2: one worker after another dies, at any moment; every device ends once. */
static void loses_nothing_when_workers_die(void **state)
{
    struct engine engine;
    int64_t until;
    int kills = 0;

    (void)state;
    engine_start(
        &engine,
        "  validate: { lease: 1s }\n  import: { lease: 1s, batch: 50 }\n  assign: { lease: 1s, batch: 50 }\n"
        "  verify: { lease: 1s, batch: 50 }\n  audit: { lease: 1s }\n");
    engine.extra_env[0] = "STUB_RETRY=10";
    engine_start_all(&engine);
    engine_push(&engine, "r1", 20000, 500);
    until = clock_boot_ms() + 60000;
    while (!engine_wait_state(&engine, "r1", "closed", 40) && clock_boot_ms() < until) {
        int victim = (int)(rand_u32() % ENGINE_STAGES);

        if (kills < 60) {
            proc_kill(&engine.workers[victim]);
            engine_start_worker(&engine, victim);
            kills++;
        }
    }
    assert_true(engine_wait_state(&engine, "r1", "closed", 60000));
    assert_true(kills > 5);
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 20000);
    assert_int_equal(engine_run_number(&engine, "r1", "ended"), 20000);
    assert_int_equal(engine_number(&engine, "XLEN @dead:import"), 0);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* Guarantee 5: one device that crashes its worker becomes a dead letter, the other 199 end well. */
static void isolates_a_crasher(void **state)
{
    struct engine engine;
    int64_t until;

    (void)state;
    engine_start(&engine, "  import: { lease: 1s }\n");
    engine.extra_env[0] = "STUB_ABORT=DEV000000077";
    for (int i = 0; i < ENGINE_STAGES; i++) {
        engine.extra_env[0] = i == 1 ? "STUB_ABORT=DEV000000077" : NULL;
        engine_start_worker(&engine, i);
    }
    engine.extra_env[0] = "STUB_ABORT=DEV000000077";
    engine_push(&engine, "r1", 200, 200);
    until = clock_boot_ms() + 120000;
    while (!engine_wait_state(&engine, "r1", "closed", 50) && clock_boot_ms() < until)
        if (proc_wait(&engine.workers[1], 0) == 1)
            engine_start_worker(&engine, 1);
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 199);
    assert_int_equal(engine_run_number(&engine, "r1", "failed"), 1);
    assert_int_equal(engine_number(&engine, "XLEN @dead:import"), 1);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* Redis itself dies under load, with every write on disk: nothing is lost, nothing doubled. */
static void survives_redis(void **state)
{
    struct engine engine;
    struct err err = ERR_INIT;

    (void)state;
    engine_start(&engine, "  import: { batch: 20 }\n  assign: { batch: 20 }\n");
    engine_start_all(&engine);
    engine_push(&engine, "r1", 20000, 500);
    for (int i = 0; i < 3; i++) {
        (void)engine_wait_state(&engine, "r1", "closed", 150);
        redis_server_kill(&engine.redis);
        if (redis_server_restart(&engine.redis, &err) != 0)
            fail_msg("%s", err.text);
    }
    assert_true(engine_wait_state(&engine, "r1", "closed", 90000));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 20000);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* A batch pushed again is dropped, another one under its number is a dead letter. */
static void knows_a_batch_again(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "");
    engine_push(&engine, "r1", 100, 100);
    engine_push(&engine, "r1", 100, 100);
    engine_push(&engine, "r1", 90, 90);
    engine_start_all(&engine);
    assert_true(engine_wait_state(&engine, "r1", "closed", 20000));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 100);
    while (engine_number(&engine, "XLEN @ingest") > 0)
        (void)engine_wait_state(&engine, "r1", "never", 20);
    assert_int_equal(engine_number(&engine, "XLEN @dead:validate"), 1);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* A stopped worker keeps nothing and takes nothing along. */
static void gives_back_on_sigterm(void **state)
{
    struct engine engine;
    char hang[256], env[300];
    FILE *file;

    (void)state;
    engine_start(&engine, "  assign: { lease: 60s }\n");
    snprintf(hang, sizeof(hang), "%s/hang", engine.dir);
    snprintf(env, sizeof(env), "STUB_HANG=%s", hang);
    for (int i = 0; i < ENGINE_STAGES; i++)
        if (i != 2)
            engine_start_worker(&engine, i);
    file = fopen(hang, "w");
    assert_non_null(file);
    fclose(file);
    engine.extra_env[0] = env;
    engine_start_worker(&engine, 2);
    engine_push(&engine, "r1", 1000, 1000);
    while (engine_number(&engine, "XLEN @assign") < 5)
        (void)engine_wait_state(&engine, "r1", "never", 20);
    proc_signal(&engine.workers[2], SIGTERM);
    remove(hang);
    assert_int_equal(proc_wait(&engine.workers[2], 10000), 1);
    assert_int_equal(proc_status(&engine.workers[2]), 0);
    /* With a lease of a minute, only what was given back can be done now. */
    engine.extra_env[0] = NULL;
    engine_start_worker(&engine, 2);
    assert_true(engine_wait_state(&engine, "r1", "closed", 20000));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 1000);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* Waits until the stage says so, and returns whether it did. */
static bool wait_for_why(struct engine *engine, int stage, enum status_why why, const char *words)
{
    static const struct status_limit limits[STATUS_STAGES] = {
        { 10000, 10000 }, { 10000, 10000 }, { 10000, 10000 }, { 10000, 10000 }, { 10000, 10000 }
    };
    struct redis_settings settings = { .url = engine->redis.unix_url };
    struct err err = ERR_INIT;
    struct status_view view;
    struct redis *redis;
    struct keys keys;
    struct pool *pool = pool_new(1 << 20);
    bool is_so = false;
    int64_t end = clock_boot_ms() + 20000;

    keys_init(&keys, "t");
    assert_non_null(pool);
    if (redis_new(&settings, &redis, &err) != 0 || redis_connect(redis, &err) != 0)
        fail_msg("%s", err.text);
    while (!is_so && clock_boot_ms() < end) {
        pool_reset(pool);
        if (status_fetch(redis, &keys, pool, &view, &err) != 0)
            fail_msg("%s", err.text);
        status_judge(&view, limits);
        is_so = view.stages[stage].why == why && strstr(view.stages[stage].reason, words) != NULL;
        if (!is_so)
            (void)engine_wait_state(engine, "r1", "never", 20);
    }
    redis_free(redis);
    pool_free(pool);
    return is_so;
}

/* Where nobody of a stage can go on, an operator is told why; and no more once somebody can. */
static void says_why_it_is_stuck(void **state)
{
    struct engine engine;
    char stuck[256], env[300];
    FILE *file;

    (void)state;
    engine_start(&engine, "");
    snprintf(stuck, sizeof(stuck), "%s/stuck", engine.dir);
    snprintf(env, sizeof(env), "STUB_STUCK=%s", stuck);
    file = fopen(stuck, "w");
    assert_non_null(file);
    fclose(file);
    for (int i = 0; i < ENGINE_STAGES; i++) {
        engine.extra_env[0] = i == 4 ? env : NULL;
        engine_start_worker(&engine, i);
    }
    engine_push(&engine, "r1", 10, 10);
    assert_true(wait_for_why(&engine, 4, STATUS_FATAL, "fatal: spool: the stub says so (make audit.spool"));
    assert_true(engine_run_number(&engine, "r1", "ended") <= 0);
    remove(stuck);
    assert_true(engine_wait_state(&engine, "r1", "closed", 20000));
    assert_true(wait_for_why(&engine, 4, STATUS_IDLE, "idle"));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 10);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

static bool has_empty_audit(void *user)
{
    return engine_number(user, "XLEN @audit") == 0;
}

/* Whoever may write to a stream may name any run there: nothing of it is retried for ever. */
static void drops_the_closing_of_an_unknown_run(void **state)
{
    struct engine engine;
    char stuck[256], env[300];
    FILE *file;

    (void)state;
    engine_start(&engine, "");
    snprintf(stuck, sizeof(stuck), "%s/stuck", engine.dir);
    snprintf(env, sizeof(env), "STUB_STUCK=%s", stuck);
    file = fopen(stuck, "w"); /* the handler would keep it for ever: it is not asked */
    assert_non_null(file);
    fclose(file);
    engine_number(&engine, "XADD @audit * m "
                           "'{\"version\":1,\"uid\":\"u\",\"run\":\"nobody\",\"n\":0,\"close\":true}'");
    assert_int_equal(engine_number(&engine, "XLEN @audit"), 1);
    engine.extra_env[0] = env;
    engine_start_worker(&engine, 4);
    assert_true(proc_until(has_empty_audit, &engine, 20000));
    assert_int_equal(engine_number(&engine, "EXISTS @run:nobody"), 0);
    assert_int_equal(engine_number(&engine, "XLEN @dead:audit"), 0);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

static bool has_one_outcome(void *user)
{
    return engine_number(user, "XLEN @audit") == 1;
}

/* When a device came to the stage that ended it is nothing to audit: it comes there anew. */
static void ends_without_the_stay_of_its_last_stage(void **state)
{
    struct err err = ERR_INIT;
    struct engine engine;
    struct buf message;

    (void)state;
    engine_start(&engine, "");
    for (int i = 0; i < 4; i++)
        engine_start_worker(&engine, i);
    engine_push(&engine, "r1", 1, 1);
    assert_true(proc_until(has_one_outcome, &engine, 20000));
    buf_init(&message, 65536);
    assert_int_equal(redis_server_ask(&engine.redis, "XRANGE {abm:t}:audit - +", &message, &err), 0);
    assert_non_null(strstr(message.data, "\"outcome\":\"assigned\""));
    assert_null(strstr(message.data, "\"since\""));
    buf_release(&message);
    engine_stop(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_through),
        cmocka_unit_test(loses_nothing_when_workers_die),
        cmocka_unit_test(isolates_a_crasher),
        cmocka_unit_test(survives_redis),
        cmocka_unit_test(knows_a_batch_again),
        cmocka_unit_test(gives_back_on_sigterm),
        cmocka_unit_test(says_why_it_is_stuck),
        cmocka_unit_test(drops_the_closing_of_an_unknown_run),
        cmocka_unit_test(ends_without_the_stay_of_its_last_stage),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Faults of the engine that were found and mended, on stub stages: what once lost devices or stopped a stage.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "harness/engine.h"
#include "queue/control.h"

#define END_MS 30000

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static struct redis *connect_to(struct engine *engine)
{
    struct redis_settings settings = { .url = engine->redis.unix_url };
    struct err err = ERR_INIT;
    struct redis *redis;

    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    return redis;
}

/* A command with {abm:t}: for every '@', which must not be refused. */
static void tell(struct engine *engine, const char *command)
{
    struct err err = ERR_INIT;
    struct buf whole, out;

    buf_init(&whole, 4096);
    buf_init(&out, 65536);
    for (const char *c = command; *c != '\0'; c++) {
        if (*c == '@')
            buf_add_str(&whole, "{abm:t}:");
        else
            buf_add_char(&whole, *c);
    }
    must(redis_server_ask(&engine->redis, whole.data, &out, &err), &err);
    buf_release(&whole);
    buf_release(&out);
}

static void wait_for(struct engine *engine, const char *command, int64_t number)
{
    engine_await(engine, command, number, END_MS);
}

/* All that was parked has been due for 2 s of Redis's clock. */
static bool is_long_due(void *user)
{
    struct engine *engine = user;
    struct err err = ERR_INIT;
    char command[96];
    struct buf out;

    buf_init(&out, 256);
    must(redis_server_ask(&engine->redis, "TIME", &out, &err), &err);
    snprintf(command, sizeof(command), "ZCOUNT @retry:import -inf %lld",
             (strtoll(out.data, NULL, 10) - 2) * 1000);
    buf_release(&out);
    return engine_number(engine, command) == engine_number(engine, "ZCARD @retry:import");
}

/* Somebody's SET over the stream that due messages go to: what is parked for it stays parked until that is
 * mended, and then goes on. */
static void a_wrong_key_loses_nothing_that_is_parked(void **state)
{
    struct engine engine;
    int64_t parked;

    (void)state;
    engine_start(&engine, "  import: { retry: { base: 2s, cap: 2s } }\n");
    engine.extra_env[0] = "STUB_RETRY=100";
    engine_start_worker(&engine, 0);
    engine_start_worker(&engine, 1);
    engine_push(&engine, "r1", 600, 200);
    wait_for(&engine, "HGET @count:import parked", 600);
    parked = engine_number(&engine, "ZCARD @retry:import");
    assert_true(parked > 0);
    tell(&engine, "SET @lane:import:due mistake");
    engine.extra_env[0] = NULL;
    engine_start_worker(&engine, 2); /* the others move what is due as well */
    assert_true(proc_until(is_long_due, &engine, END_MS));
    assert_int_equal(engine_number(&engine, "ZCARD @retry:import"), parked);
    assert_int_equal(engine_number(&engine, "HGET @count:import parked"), 600);
    tell(&engine, "DEL @lane:import:due");
    engine_start_worker(&engine, 3);
    engine_start_worker(&engine, 4);
    assert_true(engine_wait_state(&engine, "r1", "closed", END_MS));
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), 600);
    assert_int_equal(engine_run_number(&engine, "r1", "ended"), 600);
    for (int i = 0; i < ENGINE_STAGES; i++)
        assert_int_equal(proc_wait(&engine.workers[i], 0), 0);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

static void push_large(struct engine *engine, const char *run, int batch, int batches, size_t model_bytes)
{
    struct redis *redis = connect_to(engine);
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_addf(&text,
             "{\"version\":1,\"run\":\"%s\",\"batch\":%d,\"batches\":%d,\"devices\":[{\"row\":%d,\"serial\":"
             "\"BIG%09d\",\"country\":\"JP\",\"model\":\"",
             run, batch, batches, batch, batch);
    for (size_t i = 0; i < model_bytes; i++)
        buf_add_char(&text, 'm');
    buf_add_str(&text, "\"}]}");
    must(buf_check(&text, "batch", &err), &err);
    must(redis_callv(redis, &reply, &err, "XADD", "{abm:t}:ingest", "*", "batch", text.data, NULL), &err);
    redis_reply_free(reply);
    buf_release(&text);
    redis_free(redis);
}

static void cancel(struct engine *engine, const char *run)
{
    struct redis *redis = connect_to(engine);
    char its_state[CONTROL_STATE_BYTES];
    enum control_answer answer;
    struct err err = ERR_INIT;
    struct keys keys;
    int64_t left;

    keys_init(&keys, "t");
    must(control_cancel(redis, &keys, run, &answer, its_state, &left, &err), &err);
    assert_int_equal(answer, CONTROL_DONE);
    redis_free(redis);
}

/* No rule has looked at a device that a cancel ends in validate: its text may be larger than any message. */
static void oversized_text_of_a_cancelled_run_stops_nobody(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "");
    engine_start_worker(&engine, 0);
    push_large(&engine, "r1", 1, 2, 10);
    wait_for(&engine, "XLEN @import", 1);
    assert_int_equal(proc_stop(&engine.workers[0], 10000), 0);
    push_large(&engine, "r1", 2, 2, (size_t)300 * 1024);
    cancel(&engine, "r1");
    engine_push(&engine, "r2", 100, 100);
    engine_start_all(&engine);
    assert_true(engine_wait_state(&engine, "r2", "closed", END_MS));
    assert_true(engine_wait_state(&engine, "r1", "cancelled", END_MS));
    assert_int_equal(engine_run_number(&engine, "r1", "cancelled"), 2);
    assert_int_equal(engine_run_number(&engine, "r2", "assigned"), 100);
    assert_int_equal(engine_number(&engine, "XLEN @dead:validate"), 0);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* As for a run of whole devices: its batches on ingest end one by one, each of their devices cancelled. */
static void a_cancel_waits_for_the_batches_in_ingest(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "");
    engine_start_worker(&engine, 0);
    push_large(&engine, "r1", 1, 4, 10);
    wait_for(&engine, "XLEN @import", 1);
    assert_int_equal(proc_stop(&engine.workers[0], 10000), 0);
    for (int batch = 2; batch <= 4; batch++)
        push_large(&engine, "r1", batch, 4, 10);
    cancel(&engine, "r1");
    for (int i = 1; i < ENGINE_STAGES; i++)
        engine_start_worker(&engine, i);
    wait_for(&engine, "HGET @run:r1 ended", 1);
    assert_false(engine_wait_state(&engine, "r1", "cancelled", 0)); /* three batches are to be read yet */
    engine_start_worker(&engine, 0);
    assert_true(engine_wait_state(&engine, "r1", "cancelled", END_MS));
    assert_int_equal(engine_run_number(&engine, "r1", "cancelled"), 4);
    assert_int_equal(engine_run_number(&engine, "r1", "ended"), 4);
    assert_int_equal(engine_number(&engine, "XLEN @dead:validate"), 0);
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* A run of which validate has seen nothing yet is cancelled as well. */
static void a_cancel_before_the_first_batch_is_read(void **state)
{
    struct engine engine;

    (void)state;
    engine_start(&engine, "");
    for (int batch = 1; batch <= 2; batch++)
        push_large(&engine, "r1", batch, 2, 10);
    cancel(&engine, "r1");
    engine_start_all(&engine);
    assert_true(engine_wait_state(&engine, "r1", "cancelled", END_MS));
    assert_int_equal(engine_run_number(&engine, "r1", "cancelled"), 2);
    engine_assert_clean(&engine);
    assert_int_equal(engine_number(&engine, "EXISTS @runs:cancelled"), 0);
    engine_stop(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_key_loses_nothing_that_is_parked),
        cmocka_unit_test(oversized_text_of_a_cancelled_run_stops_nobody),
        cmocka_unit_test(a_cancel_waits_for_the_batches_in_ingest),
        cmocka_unit_test(a_cancel_before_the_first_batch_is_read),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

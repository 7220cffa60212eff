/* A cluster of three: the slot of an organization moves to another node while five stages work on its keys.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "harness/engine.h"
#include "queue/stream.h"

#define SLOT    2624 /* of {abm:t} */
#define DEVICES 12000

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* How often the server, whoever has the keys now, answered with that error. */
static int64_t errors_of(const struct redis_server *server, const char *word)
{
    struct redis_server alone = *server;
    struct err err = ERR_INIT;
    char line[64];
    const char *at;
    int64_t count = 0;
    struct buf out;

    alone.group = NULL;
    buf_init(&out, 1 << 20);
    must(redis_server_ask(&alone, "INFO errorstats", &out, &err), &err);
    snprintf(line, sizeof(line), "errorstat_%s:count=", word);
    at = strstr(out.data, line);
    if (at != NULL)
        count = strtoll(at + strlen(line), NULL, 10);
    buf_release(&out);
    return count;
}

struct progress {
    struct engine *engine;
    int64_t number;
};

static bool has_ended(void *user)
{
    struct progress *progress = user;

    return engine_run_number(progress->engine, "r1", "ended") >= progress->number;
}

static bool is_logged(const struct engine *engine, const char *text)
{
    static const char *const names[] = { "validate", "import", "assign", "verify", "audit" };
    bool is = false;

    for (int i = 0; i < ENGINE_STAGES; i++) {
        struct err err = ERR_INIT;
        char path[192];
        struct buf log;

        snprintf(path, sizeof(path), "%s/%s.log", engine->dir, names[i]);
        buf_init(&log, 64u << 20);
        must(fsio_read(path, &log, &err), &err);
        is = is || (log.len > 0 && strstr(log.data, text) != NULL);
        buf_release(&log);
    }
    return is;
}

/* A script that ran on half a slot would take off what it then could not put on: devices would be missing,
 * and the run would never close. */
static void follows_a_slot_under_load(void **state)
{
    struct engine engine;
    struct progress progress = { &engine, DEVICES / 10 };
    struct err err = ERR_INIT;

    (void)state;
    engine_start(&engine, "  import: { batch: 50 }\n  assign: { batch: 50 }\n  verify: { batch: 50 }\n");
    engine.extra_env[0] = "STUB_RETRY=20";
    engine_start_all(&engine);
    engine_push(&engine, "r1", DEVICES, 200);
    assert_true(proc_until(has_ended, &progress, 60000));
    must(redis_server_begin_move(&engine.redis, SLOT, &err), &err);
    must(redis_server_move_keys(&engine.redis, SLOT, 5, &err), &err);
    must(redis_server_end_move(&engine.redis, SLOT, &err), &err);
    assert_true(engine_wait_state(&engine, "r1", "closed", 90000));
    print_message("%d devices; the node that lost the slot said MOVED %lld, ASK %lld, TRYAGAIN %lld times\n",
                  DEVICES, (long long)errors_of(&engine.redis, "MOVED"),
                  (long long)errors_of(&engine.redis, "ASK"),
                  (long long)errors_of(&engine.redis, "TRYAGAIN"));
    assert_int_equal(engine_run_number(&engine, "r1", "ended"), DEVICES);
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), DEVICES);
    assert_true(errors_of(&engine.redis, "TRYAGAIN") > 0);
    assert_true(errors_of(&engine.redis, "MOVED") > 0);
    engine_assert_clean(&engine);
    assert_false(is_logged(&engine, "non local key"));
    engine_stop(&engine);
}

static const char *get(struct redis *redis, const char *key)
{
    static char text[64];
    struct redis_reply *reply;
    struct err err = ERR_INIT;

    must(redis_callv(redis, &reply, &err, "GET", key, NULL), &err);
    snprintf(text, sizeof(text), "%s", redis_text(reply, NULL));
    redis_reply_free(reply);
    return text;
}

/* The node that has the keys dies, and its replica takes over: whoever is asked names it from then on. */
static void follows_a_failover_under_load(void **state)
{
    struct engine engine;
    struct progress progress = { &engine, DEVICES / 10 };
    struct err err = ERR_INIT;

    (void)state;
    setenv("TEST_REDIS", "cluster-replica", 1);
    engine_start(&engine, "  import: { batch: 50 }\n  assign: { batch: 50 }\n  verify: { batch: 50 }\n");
    setenv("TEST_REDIS", "cluster", 1);
    engine.extra_env[0] = "STUB_RETRY=20";
    engine_start_all(&engine);
    engine_push(&engine, "r1", DEVICES, 200);
    assert_true(proc_until(has_ended, &progress, 60000));
    must(redis_server_fail_over(&engine.redis, &err), &err);
    assert_true(engine_wait_state(&engine, "r1", "closed", 90000));
    assert_int_equal(engine_run_number(&engine, "r1", "ended"), DEVICES);
    assert_int_equal(engine_run_number(&engine, "r1", "assigned"), DEVICES);
    assert_true(is_logged(&engine, "\"redis_changed\""));
    engine_assert_clean(&engine);
    engine_stop(&engine);
}

/* All keys that the script names are there: nothing but its own look at the slot holds it back. */
static void runs_nothing_on_half_a_slot(void **state)
{
    struct redis_settings settings = { .key = "{abm:t}:", .timeout_ms = 300 };
    struct err err = ERR_INIT;
    struct engine engine;
    struct redis *redis;
    struct keys keys;

    (void)state;
    engine_start(&engine, "");
    keys_init(&keys, "t");
    settings.url = engine.redis.url;
    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    must(stream_make_group(redis, &keys, "import", &err), &err);
    must(redis_server_begin_move(&engine.redis, SLOT, &err), &err);
    assert_int_equal(stream_make_group(redis, &keys, "import", &err), -1);
    assert_int_equal(err.code, ERR_REDIS_LOST);
    assert_non_null(strstr(err.text, "TRYAGAIN the slot is moving to another node"));
    must(redis_server_move_keys(&engine.redis, SLOT, 0, &err), &err);
    must(redis_server_end_move(&engine.redis, SLOT, &err), &err);
    must(redis_connect(redis, &err), &err);
    must(stream_make_group(redis, &keys, "import", &err), &err);
    redis_free(redis);
    engine_stop(&engine);
}

/* A plain command goes where ASK says, and once alone; a script waits until the slot has moved, and then goes
 * along. */
static void takes_ask_and_moved_apart(void **state)
{
    struct redis_settings settings = { .key = "{abm:t}:", .timeout_ms = 300 };
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct engine engine;
    struct redis *redis;
    char was[128];

    (void)state;
    engine_start(&engine, "");
    settings.url = engine.redis.url;
    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    snprintf(was, sizeof(was), "%s", redis_identity(redis));
    must(redis_callv(redis, &reply, &err, "SET", "{abm:t}:k", "here", NULL), &err);
    redis_reply_free(reply);
    must(redis_server_begin_move(&engine.redis, SLOT, &err), &err);
    assert_string_equal(get(redis, "{abm:t}:k"), "here");
    assert_int_equal(errors_of(&engine.redis, "ASK"), 0);
    must(redis_server_move_keys(&engine.redis, SLOT, 0, &err), &err);
    assert_string_equal(get(redis, "{abm:t}:k"), "here");
    assert_int_equal(errors_of(&engine.redis, "ASK"), 1);
    assert_string_equal(redis_identity(redis), was);
    /* With the key declared the server says ASK, and our own scripts say TRYAGAIN before that. */
    assert_int_equal(redis_callv(redis, &reply, &err, "EVAL", "return redis.call('SET', KEYS[1], 'new')", "1",
                                 "{abm:t}:k", NULL),
                     -1);
    assert_int_equal(err.code, ERR_REDIS_LOST);
    assert_non_null(strstr(err.text, "does not serve: ASK"));
    assert_false(redis_is_connected(redis));
    must(redis_connect(redis, &err), &err);
    must(redis_server_end_move(&engine.redis, SLOT, &err), &err);
    must(
        redis_callv(redis, &reply, &err, "EVAL", "return redis.call('GET', KEYS[1])", "1", "{abm:t}:k", NULL),
        &err);
    assert_string_equal(redis_text(reply, NULL), "here");
    redis_reply_free(reply);
    assert_string_not_equal(redis_identity(redis), was);
    redis_free(redis);
    engine_stop(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_a_slot_under_load),
        cmocka_unit_test(follows_a_failover_under_load),
        cmocka_unit_test(runs_nothing_on_half_a_slot),
        cmocka_unit_test(takes_ask_and_moved_apart),
    };

    setenv("TEST_REDIS", "cluster", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The run book and what hangs on it, in a Redis where somebody else has written as well. */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/redis_server.h"
#include "queue/shared.h"

#define RUN_KEY   "{abm:t}:run:r1"
#define PARTS_KEY RUN_KEY ":parts"

struct book {
    struct redis_server server;
    struct redis *redis;
    struct keys keys;
    struct shared shared;
    struct runbook runbook;
    struct pool *pool;
};

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int start(void **state)
{
    static struct book book;
    struct redis_settings settings = { .url = book.server.unix_url };
    struct err err = ERR_INIT;

    memset(&book, 0, sizeof(book));
    must(redis_server_start(&book.server, NULL, &err), &err);
    must(redis_new(&settings, &book.redis, &err), &err);
    must(redis_connect(book.redis, &err), &err);
    keys_init(&book.keys, "t");
    book.shared =
        (struct shared){ .redis = book.redis, .keys = &book.keys, .stage = "audit", .consumer = "c" };
    book.runbook = shared_runbook(&book.shared);
    book.pool = pool_new(1 << 20);
    assert_non_null(book.pool);
    *state = &book;
    return 0;
}

static int stop(void **state)
{
    struct book *book = *state;

    pool_free(book->pool);
    redis_free(book->redis);
    redis_server_stop(&book->server);
    return 0;
}

static void put(struct book *book, const char *key, const char *name, const char *value)
{
    struct redis_reply *reply;
    struct err err = ERR_INIT;

    must(redis_callv(book->redis, &reply, &err, "HSET", key, name, value, NULL), &err);
    redis_reply_free(reply);
}

static void caps_numbers(void **state)
{
    static const struct {
        const char *what, *value;
        int64_t want, want_part;
    } rows[] = {
        { "a number", "7", 7, 7 },
        { "none", "x", 0, 0 },
        { "the largest", "9007199254740992", REDIS_NUMBER_MAX, 9007199 },
        { "above", "9223372036854775807", REDIS_NUMBER_MAX, 9223372 },
        { "far above", "99999999999999999999999999", REDIS_NUMBER_MAX, 9999999 },
        { "far below", "-99999999999999999999999999", -REDIS_NUMBER_MAX, 0 },
    };
    struct book *book = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct run_view view;
        struct run_part *parts;
        size_t count;
        char part[96];

        snprintf(part, sizeof(part), "aa %s", rows[i].value);
        put(book, RUN_KEY, "expected", rows[i].value);
        put(book, PARTS_KEY, "u.jsonl", part);
        must(runbook_view(&book->runbook, "r1", book->pool, &view, &err), &err);
        must(runbook_parts(&book->runbook, "r1", book->pool, &parts, &count, &err), &err);
        if (view.expected != rows[i].want || count != 1 || parts[0].count != rows[i].want_part)
            fail_msg("%s: %lld, %lld devices", rows[i].what, (long long)view.expected,
                     (long long)parts[0].count);
    }
}

/* What the API said of its own end never keeps a run from closing. */
static void leaves_out_deprecations_it_cannot_read(void **state)
{
    static const char good[] = "[{\"op\":\"list\",\"sunset_at\":\"2027-01-01\"}]";
    static char large[128 * 1024 + 1];
    static const struct {
        const char *what, *value;
        size_t want;
    } rows[] = {
        { "one", good, 1 },
        { "no JSON", "[{", 0 },
        { "above the limit", large, 0 },
    };
    struct book *book = *state;

    memset(large, ' ', sizeof(large) - 1);
    memcpy(large, good, strlen(good));
    put(book, RUN_KEY, "state", "open");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct run_view view;

        put(book, "{abm:t}:cache:deprecations", "value", rows[i].value);
        if (runbook_view(&book->runbook, "r1", book->pool, &view, &err) != 1 ||
            view.deprecation_count != rows[i].want)
            fail_msg("%s: %s", rows[i].what, err.text);
    }
}

/* config/redis.conf takes every value of ours, and none that a worker should not have to hold. */
static void refuses_what_no_value_of_ours_is(void **state)
{
    static const struct {
        const char *what;
        size_t size;
        bool is_taken;
    } rows[] = {
        { "a large catalogue", 16 << 20, true },
        { "the largest", 32 << 20, true },
        { "larger", (32 << 20) + 1, false },
    };
    struct redis_server server;
    const char *const config[] = { "include " TEST_TOP "/config/redis.conf", "port 0", NULL };
    struct err err = ERR_INIT;
    char *value = calloc(1, (32 << 20) + 1);

    (void)state;
    assert_non_null(value);
    signal(SIGPIPE, SIG_IGN); /* as workers have it: Redis hangs up on what is too large */
    must(redis_server_start_alone(&server, config, &err), &err);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redis_settings settings = { .url = server.unix_url };
        struct redis_reply *reply = NULL;
        struct redis_args args;
        struct redis *redis;

        must(redis_new(&settings, &redis, &err), &err);
        must(redis_connect(redis, &err), &err);
        redis_args_init(&args);
        redis_arg(&args, "SET");
        redis_arg(&args, "k");
        redis_arg_len(&args, value, rows[i].size);
        if ((redis_call(redis, &args, &reply, &err) == 0) != rows[i].is_taken)
            fail_msg("%s: %s", rows[i].what, err.text);
        redis_reply_free(reply);
        redis_args_release(&args);
        redis_free(redis);
    }
    redis_server_stop(&server);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(caps_numbers, start, stop),
        cmocka_unit_test_setup_teardown(leaves_out_deprecations_it_cannot_read, start, stop),
        cmocka_unit_test(refuses_what_no_value_of_ours_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

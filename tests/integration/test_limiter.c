/*
 * The bucket of the rate limit on a real Redis: what it gives in order, to whom first, and what it makes of a
 * server that was restarted or whose clock was set back. Slots are counted, and compared with the clock of
 * the server.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/redis_server.h"
#include "queue/shared.h"

#define LIMIT       "{abm:t}:limit:default"
#define INTERVAL_US 50000 /* 20 requests a second */

struct bucket {
    struct redis_server server;
    struct redis *redis;
    struct keys keys;
};

/* One worker's view of the bucket. All go over one connection here: the script is what decides. */
static struct shared worker(struct bucket *bucket, const char *stage, const char *consumer)
{
    return (struct shared){ .redis = bucket->redis,
                            .keys = &bucket->keys,
                            .stage = stage,
                            .consumer = consumer,
                            .rate = { .interval_us = INTERVAL_US, .tolerance_us = 0 } };
}

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int start(void **state)
{
    static struct bucket bucket;
    struct redis_settings settings = { .url = bucket.server.unix_url };
    struct err err = ERR_INIT;

    memset(&bucket, 0, sizeof(bucket));
    must(redis_server_start(&bucket.server, NULL, &err), &err);
    must(redis_new(&settings, &bucket.redis, &err), &err);
    must(redis_connect(bucket.redis, &err), &err);
    keys_init(&bucket.keys, "t");
    *state = &bucket;
    return 0;
}

static int stop(void **state)
{
    struct bucket *bucket = *state;

    redis_free(bucket->redis);
    redis_server_stop(&bucket->server);
    return 0;
}

static enum permit ask(struct shared *shared, int64_t *wait_ms_r)
{
    struct limiter limiter = shared_limiter(shared);
    struct err err = ERR_INIT;
    enum permit permit;
    int count;

    must(limiter_take(&limiter, "default", NULL, 1, &permit, &count, wait_ms_r, &err), &err);
    return permit;
}

/* Until it is granted; how often it had to ask again. */
static int wait_for_slot(struct shared *shared)
{
    int64_t wait_ms;
    int tries = 0;

    while (ask(shared, &wait_ms) != PERMIT_GRANTED) {
        assert_true(++tries < 1000);
        usleep((useconds_t)wait_ms * 1000);
    }
    return tries;
}

static int64_t number(struct bucket *bucket, const char *command, const char *key, const char *field)
{
    struct err err = ERR_INIT;
    struct redis_reply *reply;
    int64_t value;

    must(redis_callv(bucket->redis, &reply, &err, command, key, field, NULL), &err);
    value = strtoll(redis_text(reply, NULL), NULL, 10);
    redis_reply_free(reply);
    return value;
}

static void set(struct bucket *bucket, const char *field, const char *value)
{
    struct err err = ERR_INIT;
    struct redis_reply *reply;

    must(redis_callv(bucket->redis, &reply, &err, "HSET", LIMIT, field, value, NULL), &err);
    redis_reply_free(reply);
}

static int64_t now_us(struct bucket *bucket)
{
    struct err err = ERR_INIT;
    struct redis_reply *reply;
    int64_t us;

    must(redis_callv(bucket->redis, &reply, &err, "TIME", NULL), &err);
    us = redis_integer(redis_at(reply, 0)) * 1000000 + redis_integer(redis_at(reply, 1));
    redis_reply_free(reply);
    return us;
}

/* Slots that were given, from how far the arrival time has moved. Never more than the time allows. */
static void urgent_takes_the_first_reserved_slot(void **state)
{
    struct bucket *bucket = *state;
    struct shared others[4], urgent = worker(bucket, "assign", "u");
    char names[4][8];
    int64_t wait_ms, first_us, before;

    urgent.is_urgent = true;
    for (int i = 0; i < 4; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        others[i] = worker(bucket, "assign", names[i]);
    }
    wait_for_slot(&others[0]);
    /* Four slots are reserved, one after the other. */
    for (int i = 0; i < 4; i++) {
        while (ask(&others[i], &wait_ms) == PERMIT_LATER && others[i].reserved_us[0] == '\0')
            ;
        assert_true(others[i].reserved_us[0] != '\0');
    }
    first_us = strtoll(others[0].reserved_us, NULL, 10);
    before = number(bucket, "HGET", LIMIT, "tat");
    assert_int_equal(ask(&urgent, &wait_ms), PERMIT_LATER);
    assert_true(urgent.reserved_us[0] != '\0');
    assert_true(llabs(strtoll(urgent.reserved_us, NULL, 10) - first_us) <= INTERVAL_US);
    /* Four taken back, one given. */
    assert_int_equal(number(bucket, "HGET", LIMIT, "tat"), before - 3 * INTERVAL_US);
    /* None of the others may send at the moment that it had. */
    usleep(4 * INTERVAL_US);
    assert_int_equal(ask(&urgent, &wait_ms), PERMIT_GRANTED);
    for (int i = 0; i < 4; i++)
        assert_true(ask(&others[i], &wait_ms) == PERMIT_LATER || i == 0);
}

/* Ten workers, an urgent one that comes again and again: what all are given fits the rate. */
static void the_rate_holds_beside_what_is_urgent(void **state)
{
    struct bucket *bucket = *state;
    struct shared others[10], urgent = worker(bucket, "assign", "u");
    char names[10][8];
    int64_t began = now_us(bucket), took, wait_ms;
    int granted = 0, urgent_granted = 0;

    urgent.is_urgent = true;
    for (int i = 0; i < 10; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        others[i] = worker(bucket, i % 2 == 0 ? "assign" : "verify", names[i]);
    }
    while (granted < 40) {
        for (int i = 0; i < 10; i++)
            granted += ask(&others[i], &wait_ms) == PERMIT_GRANTED;
        if (granted % 4 == 1 && ask(&urgent, &wait_ms) == PERMIT_GRANTED) {
            granted++;
            urgent_granted++;
        }
        usleep(5000);
    }
    took = now_us(bucket) - began;
    print_message("%d slots, %d of them urgent, in %lld ms\n", granted, urgent_granted,
                  (long long)(took / 1000));
    assert_true(urgent_granted > 0);
    assert_true(granted <= took / INTERVAL_US + 1);
}

static void a_clock_set_back_holds_nobody_up(void **state)
{
    struct bucket *bucket = *state;
    struct shared one = worker(bucket, "assign", "c");
    char text[24];
    int64_t wait_ms;

    wait_for_slot(&one);
    snprintf(text, sizeof(text), "%lld", (long long)now_us(bucket) + INT64_C(3600000000));
    set(bucket, "tat", text);
    (void)ask(&one, &wait_ms);
    assert_true(wait_ms <= 1000);
    wait_for_slot(&one);
    assert_true(number(bucket, "HGET", LIMIT, "tat") < now_us(bucket) + 1000000);
}

static void another_server_begins_with_an_empty_bucket(void **state)
{
    struct bucket *bucket = *state;
    struct shared one = worker(bucket, "assign", "c");
    char text[24];
    int64_t wait_ms;

    one.rate.tolerance_us = 10 * INTERVAL_US;
    wait_for_slot(&one);
    /* A bucket that is full by now: eleven at once, as far as this server remembers. */
    snprintf(text, sizeof(text), "%lld", (long long)now_us(bucket) - 20 * INTERVAL_US);
    set(bucket, "tat", text);
    assert_int_equal(ask(&one, &wait_ms), PERMIT_GRANTED);
    set(bucket, "tat", text);
    set(bucket, "server", "the-one-before");
    assert_int_equal(ask(&one, &wait_ms), PERMIT_LATER);
    assert_true(number(bucket, "HGET", LIMIT, "tat") > now_us(bucket) + 9 * INTERVAL_US);
}

static void one_worker_gives_way(void **state)
{
    struct bucket *bucket = *state;
    struct shared one = worker(bucket, "assign", "c1"), two = worker(bucket, "assign", "c2");
    struct shared other = worker(bucket, "verify", "c3");
    struct err err = ERR_INIT;
    struct redis_reply *reply;
    int64_t wait_ms;

    must(redis_callv(bucket->redis, &reply, &err, "XGROUP", "CREATE", "{abm:t}:lane:assign:urgent", "assign",
                     "0", "MKSTREAM", NULL),
         &err);
    redis_reply_free(reply);
    must(redis_callv(bucket->redis, &reply, &err, "XADD", "{abm:t}:lane:assign:urgent", "*", "m", "{}", NULL),
         &err);
    redis_reply_free(reply);
    assert_int_not_equal(ask(&other, &wait_ms), PERMIT_STOPPED);
    assert_int_equal(ask(&one, &wait_ms), PERMIT_STOPPED);
    assert_int_not_equal(ask(&two, &wait_ms), PERMIT_STOPPED);
    /* Somebody has it now. */
    must(redis_callv(bucket->redis, &reply, &err, "XREADGROUP", "GROUP", "assign", "c1", "COUNT", "1",
                     "STREAMS", "{abm:t}:lane:assign:urgent", ">", NULL),
         &err);
    redis_reply_free(reply);
    set(bucket, "yield:assign", "0");
    assert_int_not_equal(ask(&two, &wait_ms), PERMIT_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(urgent_takes_the_first_reserved_slot, start, stop),
        cmocka_unit_test_setup_teardown(the_rate_holds_beside_what_is_urgent, start, stop),
        cmocka_unit_test_setup_teardown(a_clock_set_back_holds_nobody_up, start, stop),
        cmocka_unit_test_setup_teardown(another_server_begins_with_an_empty_bucket, start, stop),
        cmocka_unit_test_setup_teardown(one_worker_gives_way, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

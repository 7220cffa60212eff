/*
 * Groups and streams deleted by hand under a run. A group loses nothing: its stream is read again from the
 * first entry. What stood in a stream is lost with it: it is named, and its run never says that it is whole.
 */
#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "harness/redis_faults.h"

#define DEVICES 600

static const char *const streams[] = { "@ingest", "@import", "@assign", "@verify", "@audit" };

/* One group after another is destroyed until the run has closed, or for five seconds. */
static bool destroys_until_closed(void *user)
{
    struct redis_faults *faults = user;
    static unsigned turn;
    unsigned at = turn++ % PIPELINE_STAGES;

    if (turn % 8 == 0)
        (void)desk_number(&faults->pipeline.desk, "XGROUP", "DESTROY", streams[at],
                          pipeline_stage_name((enum pipeline_stage)at), NULL);
    return clock_boot_ms() > faults->boot_ms + 5000 ||
           pipeline_wait_state(&faults->pipeline, faults->run, "closed", 0);
}

static void groups(struct redis_faults *faults)
{
    redis_faults_load(faults, DEVICES);
    redis_faults_release(faults);
    faults->boot_ms = clock_boot_ms();
    (void)proc_until(destroys_until_closed, faults, 30000);
    redis_faults_expect_logged(faults, "group_missing");
    redis_faults_end(faults, "groups destroyed all along");
}

struct depth {
    struct redis_faults *faults;
    const char *command;
};

static bool is_some(void *user)
{
    struct depth *depth = user;

    return redis_faults_tell(depth->faults, depth->command) > 0;
}

static int64_t in_lanes(struct desk *desk)
{
    struct redis_reply *lanes = desk_ask(desk, "KEYS", "@lane:*", NULL);
    int64_t count = 0;

    for (size_t i = 0; i < redis_count(lanes); i++)
        count += desk_number(desk, "XLEN", redis_text(redis_at(lanes, i), NULL), NULL);
    redis_reply_free(lanes);
    return count;
}

/* All has come to rest: nothing waits, is in hand or parked. */
static bool is_at_rest(void *user)
{
    struct redis_faults *faults = user;
    struct desk *desk = &faults->pipeline.desk;
    int64_t left = 0;

    for (int i = 0; i < PIPELINE_STAGES; i++) {
        char zset[32];

        snprintf(zset, sizeof(zset), "@retry:%s", pipeline_stage_name((enum pipeline_stage)i));
        left += desk_number(desk, "XLEN", streams[i], NULL) + desk_number(desk, "ZCARD", zset, NULL);
    }
    return left + in_lanes(desk) == 0;
}

/* Its stage's reader has its group again. */
static bool has_group(void *user)
{
    struct redis_faults *faults = user;

    return desk_number(&faults->pipeline.desk, "EXISTS", "@assign", NULL) == 1;
}

/* The run that lost devices stays open, short of them, and another goes through beside it. */
static void expect_short(struct redis_faults *faults, const char *name, const char *run, int64_t lost)
{
    struct desk *desk = &faults->pipeline.desk;
    char key[96];
    int64_t ended, expected;

    if (!proc_until(is_at_rest, faults, 30000))
        fail_msg("%s: something is left", name);
    snprintf(key, sizeof(key), "@run:%s", run);
    ended = desk_number(desk, "HGET", key, "ended", NULL);
    expected = desk_number(desk, "HGET", key, "expected", NULL);
    assert_int_equal(expected - ended, lost);
    redis_faults_row(faults, name, (int)lost, 0);
    redis_faults_load(faults, 100);
    redis_faults_release(faults);
    redis_faults_end(faults, "  a run beside it");
    assert_string_equal(desk_text(desk, "HGET", key, "state", NULL), "open");
    assert_int_equal(desk_number(desk, "HEXISTS", key, "manifest_path", NULL), 0);
    desk_expect(desk, desk_ctl(desk, "status", NULL), 0, run, NULL);
}

static bool has_all(void *user)
{
    return redis_faults_tell(user, "HGET @count:assign stream") == DEVICES;
}

static void stream_at_rest(struct redis_faults *faults)
{
    struct depth depth = { faults, "XLEN @assign" };
    int64_t lost;
    char run[32];

    /* Nobody reads it meanwhile: what stands there has come whole, and is in nobody's hand. */
    assert_int_equal(proc_stop(&faults->pipeline.workers[PIPELINE_ASSIGN][0], 10000), 0);
    redis_faults_load(faults, DEVICES);
    redis_faults_release(faults);
    if (!proc_until(is_some, &depth, 20000))
        fail_msg("nothing comes to assign");
    assert_true(proc_until(has_all, faults, 20000));
    lost = redis_faults_tell(faults, "HGET @count:assign stream");
    redis_faults_tell(faults, "DEL @assign");
    pipeline_start_worker(&faults->pipeline, PIPELINE_ASSIGN, 0);
    snprintf(run, sizeof(run), "%s", faults->run);
    expect_short(faults, "a stream deleted at rest", run, lost);
}

static void stream_in_hand(struct redis_faults *faults)
{
    struct depth depth = { faults, "EVAL \"return redis.call('XPENDING', KEYS[1], 'assign')[1]\" 1 @assign" };
    struct err err = ERR_INIT;
    char run[32], words[160];

    if (abmsim_set_faults(&faults->pipeline.sim, "[{\"op\":\"putAssignment\",\"kind\":\"slow\",\"ms\":400}]",
                          &err) != 0)
        fail_msg("%s", err.text);
    redis_faults_load(faults, 100);
    snprintf(run, sizeof(run), "%s", faults->run);
    redis_faults_release(faults);
    if (!proc_until(is_some, &depth, 20000))
        fail_msg("nothing comes into the hand of assign");
    redis_faults_tell(faults, "DEL @assign");
    snprintf(words, sizeof(words), "\"run\":\"%s\",\"devices\":", run);
    redis_faults_expect_logged(faults, words);
    redis_faults_expect_logged(faults, "message_gone");
    if (abmsim_set_faults(&faults->pipeline.sim, "[]", &err) != 0)
        fail_msg("%s", err.text);
    assert_true(proc_until(has_group, faults, 20000));
    expect_short(faults, "a stream deleted with all in hand", run, 100);
}

static void with(void (*fault)(struct redis_faults *faults))
{
    struct redis_faults faults;

    redis_faults_start(&faults, TEST_BIN, false);
    fault(&faults);
    redis_faults_stop(&faults);
}

static void reads_again_what_a_group_had(void **state)
{
    (void)state;
    with(groups);
}

static void never_closes_what_lost_a_stream(void **state)
{
    (void)state;
    with(stream_at_rest);
}

static void names_what_was_in_hand(void **state)
{
    (void)state;
    with(stream_in_hand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_again_what_a_group_had),
        cmocka_unit_test(never_closes_what_lost_a_stream),
        cmocka_unit_test(names_what_was_in_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

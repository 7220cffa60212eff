/*
 * Workers that are stopped dead (SIGSTOP) for longer than their lease and then go on: another has done their
 * work, and perhaps a second run has wanted something else since. What they still send comes to nothing.
 */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/json.h"
#include "harness/toll.h"
#include "harness/wires.h"
#include "queue/scripts.h"

#define WAIT_MS 30000

static void start(struct pipeline *pipeline, struct wires *wires)
{
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .stages =
            "  validate: { lease: 1s }\n  import: { lease: 1s }\n"
            "  assign: { lease: 1s, concurrency: 1 }\n  verify: { lease: 1s }\n  audit: { lease: 1s }\n",
        .api = "timeout: 300ms",
        .copies = { 2, 2, 2, 2, 2 }, /* the second ones are started as the first fall asleep */
    };

    pipeline_start(pipeline, &options);
    wires_lay(wires, pipeline, NULL);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        pipeline_start_worker(pipeline, (enum pipeline_stage)stage, 0);
}

static void end(struct pipeline *pipeline, struct wires *wires)
{
    pipeline_assert_no_letters(pipeline);
    pipeline_assert_no_violations(pipeline);
    pipeline_assert_evidence_whole(pipeline);
    pipeline_assert_clean(pipeline);
    pipeline_stop_workers(pipeline, 20000);
    pipeline_stop(pipeline);
    wires_take_down(wires);
}

static bool has_caught(void *user)
{
    return tcp_proxy_has_caught(user);
}

static bool has_matched(void *user)
{
    return tcp_proxy_matches(user) > 0;
}

/* The first copy has come to the point: it falls asleep, the second takes its place. */
static void fall_asleep(struct pipeline *pipeline, enum pipeline_stage stage, struct tcp_proxy *at)
{
    if (!proc_until(has_caught, at, WAIT_MS))
        fail_msg("%s never came to the point", pipeline_stage_name(stage));
    assert_true(proc_signal(&pipeline->workers[stage][0], SIGSTOP));
    if (pipeline->workers[stage][1].pid == 0)
        pipeline_start_worker(pipeline, stage, 1);
}

/* It goes on, and is seen to look for work again: whatever it had in mind is done with. */
static void wake(struct pipeline *pipeline, struct wires *wires, enum pipeline_stage stage)
{
    struct tcp_proxy *redis = wires->at[stage][0].redis;

    tcp_proxy_catch(redis, &(struct tcp_catch){ .point = TCP_NEVER, .request = "XREADGROUP" });
    assert_true(proc_signal(&pipeline->workers[stage][0], SIGCONT));
    if (!proc_until(has_matched, redis, WAIT_MS))
        fail_msg("%s does not look for work any more", pipeline_stage_name(stage));
}

/* The settle of each stage in turn leaves and is late: it arrives when the run is closed, and finds its
 * message another's. */
static void late_settles_change_nothing(void **state)
{
    enum { DEVICES = 200 };
    const char *const texts[PIPELINE_STAGES] = { lua_register, lua_settle, lua_settle, lua_settle,
                                                 lua_account };
    char shas[PIPELINE_STAGES][48];
    struct pipeline_result result;
    struct toll_mark before, closed, after;
    struct pipeline_push push;
    static struct pipeline pipeline;
    struct toll toll = { 0 };
    struct wires wires;
    int64_t manifests;

    (void)state;
    start(&pipeline, &wires);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        snprintf(shas[stage], sizeof(shas[stage]), "%s", wires_sha(&pipeline, texts[stage]));
        tcp_proxy_catch(wires.at[stage][0].redis,
                        &(struct tcp_catch){ .point = TCP_BEFORE_REQUEST, .request = shas[stage] });
    }
    toll_mark(&pipeline, &before);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "C02", DEVICES), NULL);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        fall_asleep(&pipeline, (enum pipeline_stage)stage, wires.at[stage][0].redis);
    pipeline_push_end(&pipeline, &push, WAIT_MS, &result);
    pipeline_assert_clean(&pipeline);
    toll_mark(&pipeline, &closed);
    manifests = desk_number(&pipeline.desk, "HGET", "@chain", "sequence", NULL);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        struct tcp_proxy *redis = wires.at[stage][0].redis;

        tcp_proxy_catch(redis,
                        &(struct tcp_catch){ .point = TCP_NEVER, .request = shas[stage], .reply = "lost" });
        tcp_proxy_release(redis, TCP_GOES_ON);
        if (!proc_until(has_matched, redis, WAIT_MS))
            fail_msg("the late settle of %s was not refused",
                     pipeline_stage_name((enum pipeline_stage)stage));
        wake(&pipeline, &wires, (enum pipeline_stage)stage);
    }
    pipeline_assert_clean(&pipeline);
    toll_mark(&pipeline, &after);
    toll_take(&pipeline, &before, result.run, "C02", DEVICES, &toll);
    print_message("5 late settles of %d devices: %lld lost, %lld doubled\n", DEVICES, (long long)toll.lost,
                  (long long)toll.doubled);
    assert_int_equal(toll.lost + toll.doubled, 0);
    assert_memory_equal(&closed, &after, sizeof(after));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@chain", "sequence", NULL), manifests);
    assert_int_equal(result.assigned, DEVICES);
    end(&pipeline, &wires);
}

#define SERIAL "C02ZZZZZZZZZ"

/* A run of one device; by the rules its country says what it gets. */
static void push_one(struct pipeline *pipeline, struct pipeline_push *push, const char *name,
                     const char *country)
{
    char text[96], file[32];
    int len = snprintf(text, sizeof(text), "serial,country\n" SERIAL ",%s\n", country);

    snprintf(file, sizeof(file), "%s.csv", name);
    pipeline_push_begin(pipeline, push, desk_file(&pipeline->desk, file, text, (size_t)len), NULL);
}

static struct abmsim_device device_of(struct pipeline *pipeline)
{
    struct abmsim_device device;
    struct err err = ERR_INIT;

    if (abmsim_device(&pipeline->sim, SERIAL, &device, &err) != 1)
        fail_msg("the API does not know the device: %s", err.text);
    return device;
}

static void expect_closed(struct pipeline *pipeline, struct pipeline_push *push)
{
    struct pipeline_result result;

    pipeline_push_end(pipeline, push, WAIT_MS, &result);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 1);
}

static bool has_lost(void *user)
{
    return pipeline_log_count(user, "\"lost_message\"") > 0;
}

/* The permit is on its way to the worker as it falls asleep: when it wakes, the permit is old, and it asks
 * anew. */
static void an_old_permit_sends_nothing(void **state)
{
    char sha[48];
    struct pipeline_push push;
    static struct pipeline pipeline;
    struct tcp_proxy *redis;
    struct wires wires;
    int64_t puts;

    (void)state;
    start(&pipeline, &wires);
    redis = wires.at[PIPELINE_ASSIGN][0].redis;
    snprintf(sha, sizeof(sha), "%s", wires_sha(&pipeline, lua_limiter));
    /* A mutation's permit names its run; a read's does not. */
    tcp_proxy_catch(redis, &(struct tcp_catch){ TCP_BEFORE_REPLY, sha, "-first-", "granted", 0 });
    push_one(&pipeline, &push, "first", "DE");
    fall_asleep(&pipeline, PIPELINE_ASSIGN, redis);
    tcp_proxy_release(redis, TCP_GOES_ON);
    expect_closed(&pipeline, &push);
    assert_string_equal(device_of(&pipeline).blueprint_id, "bp-9i0j1k2l");
    push_one(&pipeline, &push, "second", "JP");
    expect_closed(&pipeline, &push);
    puts = pipeline_stat(&pipeline, "by_operation.putAssignment");
    wake(&pipeline, &wires, PIPELINE_ASSIGN);
    if (!proc_until(has_lost, &pipeline, WAIT_MS))
        fail_msg("the late worker does not say that its message is another's");
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), puts);
    assert_string_equal(device_of(&pipeline).blueprint_id, "bp-5e6f7g8h");
    end(&pipeline, &wires);
}

static bool is_redone(void *user)
{
    return pipeline_stat(user, "by_operation.putAssignment") == 1;
}

static bool has_come_late(void *user)
{
    return pipeline_stat(user, "by_operation.putAssignment") == 2;
}

/* The PUT has left, and is held up: it arrives while the device's claim is kept for just that. The second run
 * waits for the end of the claim, so that its own PUT is the last. */
static void a_put_held_up_comes_before_the_second_run(void **state)
{
    struct pipeline_push first, second;
    static struct pipeline pipeline;
    struct tcp_proxy *api;
    struct wires wires;

    (void)state;
    start(&pipeline, &wires);
    api = wires.at[PIPELINE_ASSIGN][0].api;
    tcp_proxy_catch(api, &(struct tcp_catch){ .point = TCP_BEFORE_REQUEST, .request = "PUT /" });
    push_one(&pipeline, &first, "first", "DE");
    fall_asleep(&pipeline, PIPELINE_ASSIGN, api);
    if (!proc_until(is_redone, &pipeline, WAIT_MS))
        fail_msg("no other worker takes the device over");
    expect_closed(&pipeline, &first);
    push_one(&pipeline, &second, "second", "JP");
    assert_int_equal(desk_number(&pipeline.desk, "ZCARD", "@held", NULL), 1);
    tcp_proxy_release(api, TCP_GOES_ON);
    if (!proc_until(has_come_late, &pipeline, WAIT_MS))
        fail_msg("the PUT did not arrive");
    assert_int_equal(desk_number(&pipeline.desk, "ZCARD", "@held", NULL), 1);
    assert_string_equal(device_of(&pipeline).blueprint_id, "bp-9i0j1k2l"); /* the second run waits */
    expect_closed(&pipeline, &second);
    wake(&pipeline, &wires, PIPELINE_ASSIGN);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.putAssignment"), 3);
    assert_int_equal(device_of(&pipeline).puts_changed, 2);
    assert_string_equal(device_of(&pipeline).blueprint_id, "bp-5e6f7g8h");
    end(&pipeline, &wires);
}

/* The number of the manifest that the witness beside the spool knows; -1: it cannot be read. */
static int64_t witnessed(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;
    int64_t sequence = -1;
    struct json *head;
    struct buf text;

    buf_init(&text, 1 << 20);
    if (fsio_read(desk_path(&pipeline->desk, "spool/acme/.chain"), &text, &err) == 0 &&
        json_parse(text.data, strcspn(text.data, "\n"), &head, &err) == 0) {
        (void)json_int(json_get(head, "sequence"), &sequence);
        json_free(head);
    }
    buf_release(&text);
    return sequence;
}

/* A closer falls asleep in the middle of a closing; another closes its run, and one more. What the sleeper
 * still does changes neither the chain nor a sink. */
static void a_late_closer_changes_nothing(void **state)
{
    static const struct {
        const char *what, *script, *prefix, *second;
        enum tcp_point point;
    } rows[] = {
        { "before its envelope is stored", lua_chain_store, "K0", "L0", TCP_BEFORE_REQUEST },
        { "after it was stored", lua_chain_store, "K1", "L1", TCP_BEFORE_REPLY },
        { "shipped, before the head moves", lua_chain_move, "K2", "L2", TCP_BEFORE_REQUEST },
    };
    static struct pipeline pipeline;
    struct wires wires;

    (void)state;
    start(&pipeline, &wires);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tcp_proxy *redis = wires.at[PIPELINE_AUDIT][0].redis;
        struct pipeline_result result;
        struct pipeline_push push;
        int64_t manifests;
        char sha[48];

        snprintf(sha, sizeof(sha), "%s", wires_sha(&pipeline, rows[i].script));
        tcp_proxy_catch(redis, &(struct tcp_catch){ .point = rows[i].point, .request = sha });
        pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "first.csv", rows[i].prefix, 10), NULL);
        fall_asleep(&pipeline, PIPELINE_AUDIT, redis);
        pipeline_push_end(&pipeline, &push, WAIT_MS, &result);
        assert_string_equal(result.state, "closed");
        pipeline_import(&pipeline, pipeline_csv(&pipeline, "second.csv", rows[i].second, 10), WAIT_MS,
                        &result);
        assert_string_equal(result.state, "closed");
        manifests = desk_number(&pipeline.desk, "HGET", "@chain", "sequence", NULL);
        tcp_proxy_release(redis, TCP_GOES_ON);
        wake(&pipeline, &wires, PIPELINE_AUDIT);
        if (desk_number(&pipeline.desk, "HGET", "@chain", "sequence", NULL) != manifests)
            fail_msg("%s: the late closer moved the chain", rows[i].what);
        if (witnessed(&pipeline) != manifests)
            fail_msg("%s: the late closer put %lld over the witness of %lld", rows[i].what,
                     (long long)witnessed(&pipeline), (long long)manifests);
        pipeline_assert_evidence_whole(&pipeline);
        assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_AUDIT][1], 20000), 0);
        /* The sleeper goes on where the other was. */
        pipeline_import(&pipeline,
                        pipeline_csv(&pipeline, "third.csv",
                                     i == 0   ? "M0"
                                     : i == 1 ? "M1"
                                              : "M2",
                                     10),
                        WAIT_MS, &result);
        assert_string_equal(result.state, "closed");
        assert_int_equal(desk_number(&pipeline.desk, "HGET", "@chain", "sequence", NULL), manifests + 1);
        pipeline_assert_evidence_whole(&pipeline);
    }
    end(&pipeline, &wires);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_settles_change_nothing),
        cmocka_unit_test(an_old_permit_sends_nothing),
        cmocka_unit_test(a_put_held_up_comes_before_the_second_run),
        cmocka_unit_test(a_late_closer_changes_nothing),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Guarantees 1 and 2 on a bad network: between the workers and Redis, and between them and the API, lines are
 * slow, narrow and cut, and Redis dies; nothing is lost and nothing doubled.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "harness/storm.h"

static void bad_lines_lose_nothing(void **state)
{
    static const struct {
        const char *what, *prefix;
        struct tcp_weather redis, api;
        int devices;
    } rows[] = {
        { "slow, with jitter",
          "N0",
          { .delay_ms = 3, .jitter_ms = 10 },
          { .delay_ms = 20, .jitter_ms = 60 },
          300 },
        { "narrow", "N1", { .bytes_a_second = 200000 }, { .bytes_a_second = 20000 }, 300 },
        { "slower than the API's time-out", "N2", { 0 }, { .jitter_ms = 500 }, 100 },
    };
    static struct storm storm;

    (void)state;
    storm_begin(&storm, TEST_BIN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wires_redis(&storm.wires, &rows[i].redis);
        wires_api(&storm.wires, &rows[i].api);
        storm_push(&storm, rows[i].prefix, rows[i].devices);
        storm_settle(&storm, rows[i].what, rows[i].prefix);
    }
    storm_end(&storm);
}

static struct wire *some_wire(struct storm *storm)
{
    int stage = (int)(rand_u32() % PIPELINE_STAGES);

    return &storm->wires.at[stage][rand_u32() % (unsigned)storm->pipeline.copies[stage]];
}

/* Each 40 ms a line is cut, in order or with a reset, at once or in the middle of what it carries next. */
static void cut_lines_lose_nothing(void **state)
{
    static struct storm storm;
    int cuts = 0;

    (void)state;
    storm_begin(&storm, TEST_BIN);
    storm_push(&storm, "N3", 1500);
    storm_await_load(&storm); /* at its start a worker without Redis may end */
    while (!pipeline_push_ends(&storm.push, 40)) {
        struct wire *wire = some_wire(&storm);
        struct tcp_proxy *proxy = rand_u32() % 3 == 0 ? wire->api : wire->redis;
        int64_t bytes = 1 + (int64_t)(rand_u32() % 3000);

        cuts++;
        if (rand_u32() % 2 == 0)
            (void)tcp_proxy_cut(proxy, rand_u32() % 2 == 0);
        else
            tcp_proxy_set(proxy, rand_u32() % 2 == 0 ? &(struct tcp_weather){ .cut_after = bytes }
                                                     : &(struct tcp_weather){ .cut_after_answer = bytes });
        /* Another line is whole again. */
        wire = some_wire(&storm);
        tcp_proxy_set(wire->redis, &(struct tcp_weather){ 0 });
        tcp_proxy_set(wire->api, &(struct tcp_weather){ 0 });
    }
    print_message("%d cuts\n", cuts);
    storm_settle(&storm, "cut", "N3");
    wires_redis(&storm.wires, NULL);
    wires_api(&storm.wires, NULL);
    storm_end(&storm);
}

static bool has_caught(void *user)
{
    return tcp_proxy_has_caught(user);
}

/* abmctl's own line is cut, too, from its first batch on: what it published and was not told of, it publishes
 * again under the same number, and the run holds it once. */
static void a_push_over_cut_lines_pushes_once(void **state)
{
    static struct storm storm;
    struct tcp_proxy *line;
    struct err err = ERR_INIT;
    char url[64];
    int cuts = 0;

    (void)state;
    storm_begin(&storm, TEST_BIN);
    if (tcp_proxy_start(storm.pipeline.desk.server.port, TCP_RESP, &line, &err) != 0)
        fail_msg("%s", err.text);
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d/0", tcp_proxy_port(line));
    /* The second batch is there, and abmctl is never told. */
    tcp_proxy_catch(line, &(struct tcp_catch){ .point = TCP_BEFORE_REPLY, .request = "\"batch\":2" });
    assert_int_equal(setenv("ABM_REDIS__URL", url, 1), 0);
    storm_push(&storm, "NA", 3500);
    assert_int_equal(unsetenv("ABM_REDIS__URL"), 0);
    if (!proc_until(has_caught, line, 30000))
        fail_msg("abmctl publishes no second batch");
    tcp_proxy_release(line, TCP_DROPPED);
    for (; cuts < 30 && !pipeline_push_ends(&storm.push, 100); cuts++)
        (void)tcp_proxy_cut(line, cuts % 2 == 0);
    print_message("%d cuts\n", cuts);
    storm_settle(&storm, "a push over cut lines", "NA");
    storm_end(&storm);
    tcp_proxy_stop(line);
}

static void kill_redis(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;

    redis_disconnect(pipeline->desk.redis);
    redis_server_kill(&pipeline->desk.server);
    if (redis_server_restart(&pipeline->desk.server, &err) != 0)
        fail_msg("%s", err.text);
}

/* appendfsync always: what was answered is there again. Under load of all stages at once, and nothing else
 * goes wrong. */
static void redis_dies_and_loses_nothing(void **state)
{
    static struct storm storm;
    int kills = 0;

    (void)state;
    storm_begin(&storm, TEST_BIN);
    storm_push(&storm, "N9", 3000);
    storm_await_load(&storm);
    while (!pipeline_push_ends(&storm.push, 500)) {
        kill_redis(&storm.pipeline);
        kills++;
    }
    print_message("Redis killed %d times\n", kills);
    storm_settle(&storm, "Redis killed", "N9");
    assert_true(kills >= 10);
    storm_end(&storm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lines_lose_nothing),
        cmocka_unit_test(cut_lines_lose_nothing),
        cmocka_unit_test(a_push_over_cut_lines_pushes_once),
        cmocka_unit_test(redis_dies_and_loses_nothing),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

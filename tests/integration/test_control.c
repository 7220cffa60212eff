/* Pause, resume, cancel, close, status, health and dead letters, against the states that workers leave in
 * Redis. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>

#include "harness/desk.h"

static int start(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    desk_start(desk, "stages: { verify: { max_backlog: 100 } }\n");
    *state = desk;
    return 0;
}

static int stop(void **state)
{
    desk_stop(*state);
    free(*state);
    return 0;
}

/* A heartbeat that is alive for the whole test. */
static void put_worker(struct desk *desk, const char *stage, const char *worker_state)
{
    char consumer[64], beat[256];

    snprintf(consumer, sizeof(consumer), "%s-host-1-x", stage);
    snprintf(beat, sizeof(beat),
             "{\"stage\":\"%s\",\"host\":\"h\",\"pid\":1,\"started\":1,\"at\":9999999999999,\"state\":\"%s\","
             "\"hand\":0}",
             stage, worker_state);
    desk_number(desk, "HSET", "@workers", consumer, beat, NULL);
}

static void put_message(struct desk *desk, const char *stage, const char *devices)
{
    char stream[32], count[40], body[256];

    snprintf(stream, sizeof(stream), "@%s", stage);
    snprintf(count, sizeof(count), "@count:%s", stage);
    snprintf(body, sizeof(body), "{\"version\":1,\"uid\":\"u\",\"run\":\"r1\",\"n\":%s,\"devices\":[]}",
             devices);
    desk_text(desk, "XADD", stream, "*", "m", body, NULL);
    desk_number(desk, "HINCRBY", count, "stream", devices, NULL);
}

static void pauses_and_resumes(void **state)
{
    struct desk *desk = *state;

    desk_expect(desk, desk_ctl(desk, "pause", "assign", "--reason", "a new token", NULL), 0,
                "assign is paused", NULL);
    assert_string_equal(desk_text(desk, "HGET", "@pause:assign", "by", NULL), "tester");
    assert_string_equal(desk_text(desk, "HGET", "@pause:assign", "reason", NULL), "a new token");
    assert_true(desk_number(desk, "HGET", "@pause:assign", "since", NULL) > 1700000000000);
    /* the time paused counts from the first */
    desk_number(desk, "HSET", "@pause:assign", "since", "1000", NULL);
    desk_expect(desk, desk_ctl(desk, "pause", "assign", "--reason", "other", "--json", NULL), 0,
                "\"changed\":false", NULL);
    assert_int_equal(desk_number(desk, "HGET", "@pause:assign", "since", NULL), 1000);
    desk_expect(desk, desk_ctl(desk, "status", NULL), 0, "paused by tester: other", NULL);
    desk_expect(desk, desk_ctl(desk, "resume", "assign", NULL), 0, "goes on", NULL);
    assert_int_equal(desk_number(desk, "EXISTS", "@pause:assign", NULL), 0);
    assert_true(desk_number(desk, "HGET", "@count:assign", "stalled", NULL) > 1700000000000);
    desk_expect(desk, desk_ctl(desk, "resume", "assign", NULL), 0, "was not paused", NULL);
    desk_expect(desk, desk_ctl(desk, "pause", "asign", NULL), 64, NULL, "did you mean 'assign'?");
}

static void names_the_reason(void **state)
{
    struct desk *desk = *state;

    put_worker(desk, "validate", "idle");
    put_worker(desk, "import", "working");
    put_worker(desk, "assign", "working");
    put_worker(desk, "verify", "working");
    put_worker(desk, "audit", "fatal: audit.key cannot be read");
    put_message(desk, "assign", "3");
    put_message(desk, "verify", "150");
    desk_number(desk, "ZADD", "@retry:import", "9999999999999", "{\"n\":5}", NULL);
    desk_number(desk, "HSET", "@count:import", "parked", "5", NULL);
    desk_expect(desk, desk_ctl(desk, "status", "--json", NULL), 0,
                "{\"stage\":\"validate\",\"reason\":\"idle\"", NULL);
    desk_expect(desk, 0, 0, "{\"stage\":\"import\",\"reason\":\"looks again at ", NULL);
    desk_expect(desk, 0, 0, "{\"stage\":\"assign\",\"reason\":\"waits for verify\",\"backlog\":3,", NULL);
    desk_expect(desk, 0, 0, "{\"stage\":\"verify\",\"reason\":\"working\",\"backlog\":150,", NULL);
    desk_expect(desk, 0, 0, "{\"stage\":\"audit\",\"reason\":\"fatal: audit.key cannot be read\"", NULL);
    desk_expect(desk, 0, 0, "\"breaker\":null", NULL);

    desk_number(desk, "HSET", "@limit:default", "pause", "9999999999999", NULL);
    desk_expect(desk, desk_ctl(desk, "status", "--json", NULL), 0,
                "{\"stage\":\"verify\",\"reason\":\"rate limit until 2286-", NULL);
    desk_number(desk, "HSET", "@pause:api", "code", "abm_5xx", "text", "503 Service Unavailable", "since",
                "1764000000000", NULL);
    desk_expect(desk, desk_ctl(desk, "status", "--json", NULL), 0,
                "{\"stage\":\"verify\",\"reason\":\"breaker: 503 Service Unavailable since "
                "2025-11-24T16:00:00.000Z\"",
                NULL);
    desk_expect(desk, 0, 0, "{\"stage\":\"audit\",\"reason\":\"fatal: ", NULL); /* it needs no API */
    desk_number(desk, "HDEL", "@workers", "verify-host-1-x", NULL);
    desk_expect(desk, desk_ctl(desk, "status", "--json", NULL), 0,
                "{\"stage\":\"verify\",\"reason\":\"no worker\"", NULL);
}

static void tells_health(void **state)
{
    static const char *const stages[] = { "validate", "import", "assign", "verify", "audit" };
    struct desk *desk = *state;

    desk_expect(desk, desk_ctl(desk, "health", NULL), 1, "acme: not healthy", NULL);
    for (size_t i = 0; i < 5; i++)
        put_worker(desk, stages[i], "idle");
    desk_expect(desk, desk_ctl(desk, "health", NULL), 0, "acme: healthy", NULL);
    desk_number(desk, "HSET", "@pause:api", "text", "503", "since", "1764000000000", NULL);
    desk_expect(desk, desk_ctl(desk, "health", "--json", NULL), 1, "\"healthy\":false", NULL);
    redis_server_halt(&desk->server);
    desk_expect(desk, desk_ctl(desk, "health", NULL), 69, NULL, "cannot reach Redis");
}

static void put_run(struct desk *desk, const char *run_state, const char *batches, const char *ended)
{
    desk_number(desk, "HSET", "@run:r1", "num", "7", "state", run_state, "batches", batches, "come", "1",
                "expected", "10", "ended", ended, "created", "1764000000000", "source_name", "devices.csv",
                NULL);
    desk_number(desk, "HSET", "@runs:open", "7", "r1", NULL);
    desk_number(desk, "ZADD", "@runs", "1764000000000", "r1", NULL);
}

static void cancels(void **state)
{
    struct desk *desk = *state;

    put_run(desk, "open", "1", "4");
    desk_number(desk, "ZADD", "@retry:assign", "9999999999999",
                "{\"version\":1,\"uid\":\"a\",\"run\":\"r1\",\"n\":5,\"devices\":[]}", "9999999999999",
                "{\"version\":1,\"uid\":\"b\",\"run\":\"r2\",\"n\":7,\"devices\":[]}", NULL);
    desk_number(desk, "HSET", "@count:assign", "parked", "12", NULL);
    desk_expect(desk, desk_ctl(desk, "cancel", "--run", "r1", "--json", NULL), 0, "\"left\":6,\"unparked\":1",
                NULL);
    assert_int_equal(desk_number(desk, "HGET", "@run:r1", "is_cancelled", NULL), 1);
    assert_int_equal(desk_number(desk, "SISMEMBER", "@runs:cancelled", "r1", NULL), 1);
    assert_int_equal(desk_number(desk, "HEXISTS", "@run:r1", "cancelled", NULL), 0); /* that counts devices */
    assert_string_equal(desk_text(desk, "HGET", "@run:r1", "state", NULL), "open");
    assert_int_equal(desk_number(desk, "XLEN", "@assign", NULL), 1);
    assert_int_equal(desk_number(desk, "HGET", "@count:assign", "stream", NULL), 5);
    assert_int_equal(desk_number(desk, "HGET", "@count:assign", "parked", NULL), 7);
    assert_int_equal(desk_number(desk, "ZCARD", "@retry:assign", NULL), 1);
    desk_expect(desk, desk_ctl(desk, "cancel", "--run", "r1", NULL), 0, "was cancelled before", NULL);
    desk_expect(desk, desk_ctl(desk, "status", NULL), 0, "cancelling", NULL);
    desk_expect(desk, desk_ctl(desk, "cancel", "--run", "none", NULL), 65, NULL, "there is no run 'none'");
    desk_expect(desk, desk_ctl(desk, "cancel", NULL), 64, NULL, "--run is missing");
}

/* All has ended, only batches are missing: a cancelled or closed run waits for none. */
static void closes(void **state)
{
    struct desk *desk = *state;

    put_run(desk, "open", "2", "4");
    desk_expect(desk, desk_ctl(desk, "run", "close", "r1", NULL), 0, "6 devices are still on their way",
                NULL);
    assert_int_equal(desk_number(desk, "HGET", "@run:r1", "forced", NULL), 1);
    assert_string_equal(desk_text(desk, "HGET", "@run:r1", "state", NULL), "open");
    desk_number(desk, "HSET", "@run:r1", "ended", "10", NULL);
    desk_expect(desk, desk_ctl(desk, "run", "close", "r1", NULL), 0, NULL, NULL);
    assert_string_equal(desk_text(desk, "HGET", "@run:r1", "state", NULL), "closing");
    assert_int_equal(desk_number(desk, "XLEN", "@audit", NULL), 1);
    desk_expect(desk, desk_ctl(desk, "run", "close", "r1", NULL), 77, NULL, "run r1 is closing already");
    desk_expect(desk, desk_ctl(desk, "cancel", "--run", "r1", NULL), 77, NULL, "run r1 is closing already");

    desk_number(desk, "DEL", "@audit", "@run:r1", NULL);
    put_run(desk, "open", "2", "10");
    desk_expect(desk, desk_ctl(desk, "cancel", "--run", "r1", NULL), 0, NULL, NULL);
    assert_string_equal(desk_text(desk, "HGET", "@run:r1", "state", NULL), "closing");
    assert_int_equal(desk_number(desk, "XLEN", "@audit", NULL), 1);

    desk_number(desk, "DEL", "@run:r1", NULL);
    put_run(desk, "open", "1", "4");
    desk_expect(desk, desk_ctl(desk, "run", "close", "r1", NULL), 77, NULL, "misses no batch");
    desk_expect(desk, desk_ctl(desk, "run", "close", NULL), 64, NULL, "operand is missing");
}

static void shows_runs(void **state)
{
    struct desk *desk = *state;

    put_run(desk, "open", "1", "4");
    desk_number(desk, "HSET", "@run:r1", "failed", "2", "operator", "jane\033[2J", NULL);
    desk_expect(desk, desk_ctl(desk, "run", "list", NULL), 0, "devices.csv", NULL);
    desk_expect(desk, desk_ctl(desk, "run", "show", "r1", NULL), 0, "4 of 10 devices", NULL);
    assert_null(strchr(desk->out.data, '\033'));
    desk_expect(desk, desk_ctl(desk, "run", "show", "r1", "--json", NULL), 0, "\"failed\":2", NULL);
    desk_expect(desk, desk_ctl(desk, "status", "--run", "r1", "--json", NULL), 0, "\"ended\":4", NULL);
    desk_expect(desk, desk_ctl(desk, "status", "--run", "r2", NULL), 65, NULL, "there is no run 'r2'");
}

static void watches(void **state)
{
    struct desk *desk = *state;
    struct err err = ERR_INIT;
    struct proc watch;

    desk_begin(desk, &watch, "status", "--watch", "--every", "20ms", "--json", NULL);
    assert_true(desk_says(desk, "\"stages\":"));
    redis_server_kill(&desk->server);
    redis_disconnect(desk->redis);
    assert_true(desk_says(desk, "waiting: "));
    assert_int_equal(redis_server_restart(&desk->server, &err), 0);
    assert_true(desk_says(desk, "connected to Redis again"));
    proc_signal(&watch, SIGINT);
    desk_expect(desk, desk_wait(desk, &watch), 0, NULL, NULL);
}

static void shows_and_drops_letters(void **state)
{
    struct desk *desk = *state;
    char name[96];

    put_run(desk, "open", "1", "4");
    desk_number(desk, "HSET", "@run:r1", "dead", "1", NULL);
    desk_number(desk, "HSET", "@letters", "FVFGH0000001", "1 r1", NULL);
    snprintf(name, sizeof(name), "assign:%s",
             desk_text(desk, "XADD", "@dead:assign", "*", "run", "r1", "serial", "FVFGH0000001", "row", "3",
                       "seq", "0", "code", "abm_refused", "text", "no\033[2J", "at", "1764000000000", "d",
                       "{\"x\":1}", NULL));
    desk_expect(desk, desk_ctl(desk, "dead", "list", NULL), 0, name, NULL);
    assert_null(strchr(desk->out.data, '\033'));
    desk_expect(desk, desk_ctl(desk, "dead", "list", "--json", NULL), 0, "\"code\":\"abm_refused\"", NULL);
    desk_expect(desk, desk_ctl(desk, "dead", "list", "--code", "deadline", NULL), 0, "no dead letter", NULL);
    desk_expect(desk, desk_ctl(desk, "dead", "list", "--stage", "verify", "--json", NULL), 0, "[]", NULL);
    desk_expect(desk, desk_ctl(desk, "dead", "list", "--serial", "FVFGH0000001", NULL), 0, name, NULL);
    desk_expect(desk, desk_ctl(desk, "dead", "show", name, NULL), 0, "ABM refused this device", NULL);
    desk_expect(desk, desk_ctl(desk, "dead", "show", "assign:1-0", NULL), 65, NULL,
                "there is no dead letter");
    desk_expect(desk, desk_ctl(desk, "dead", "show", "1-0", NULL), 64, NULL, "no dead letter's id");
    desk_expect(desk, desk_ctl(desk, "dead", "drop", name, NULL), 0, "is dropped", NULL);
    desk_expect(desk, desk_ctl(desk, "dead", "drop", name, NULL), 65, NULL, NULL);
    assert_int_equal(desk_number(desk, "EXISTS", "@letters", NULL), 0);
    assert_int_equal(desk_number(desk, "HGET", "@run:r1", "dead", NULL), 0);
}

int main(void)
{
#define CONTROL_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CONTROL_TEST(pauses_and_resumes),
        CONTROL_TEST(names_the_reason),
        CONTROL_TEST(tells_health),
        CONTROL_TEST(cancels),
        CONTROL_TEST(closes),
        CONTROL_TEST(shows_runs),
        CONTROL_TEST(watches),
        CONTROL_TEST(shows_and_drops_letters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

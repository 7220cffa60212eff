/* Replay against the states that stages leave in Redis: what moves, what is counted, and what is refused. */
#include "harness/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/message.h"
#include "harness/desk.h"

static int start(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    desk_start(desk, "");
    *state = desk;
    return 0;
}

static int stop(void **state)
{
    desk_stop(*state);
    free(*state);
    return 0;
}

/* A run of ten devices, all ended, `dead` of them failed. */
static void put_run(struct desk *desk, const char *run, const char *num, const char *run_state,
                    const char *dead)
{
    char key[96];

    snprintf(key, sizeof(key), "@run:%s", run);
    desk_number(desk, "HSET", key, "num", num, "state", run_state, "batches", "1", "come", "1", "expected",
                "10", "ended", "10", "failed", dead, "dead", dead, "manifest", "1", "closed", "5", NULL);
    if (strcmp(run_state, "open") == 0)
        desk_number(desk, "HSET", "@runs:open", num, run, NULL);
    desk_number(desk, "ZADD", "@runs", num, run, NULL);
}

/* A letter as settle lays it; its id in id[64]. */
static void put_letter(struct desk *desk, const char *stage, const char *run, const char *serial,
                       const char *row, char *id)
{
    const struct device device = {
        .row = atol(row), .serial = serial, .blueprint_id = "bp-1", .device_id = "d-1", .attempts = 8
    };
    char key[64], value[96];
    struct buf json;

    snprintf(key, sizeof(key), "@dead:%s", stage);
    buf_init(&json, 4096);
    message_print_device(&json, &device);
    snprintf(value, sizeof(value), "1 %s", run);
    desk_number(desk, "HSET", "@letters", serial, value, NULL);
    snprintf(id, 64, "%s",
             desk_text(desk, "XADD", key, "*", "run", run, "serial", serial, "row", row, "seq", "0", "code",
                       "abm_refused", "text", "ABM said no", "at", "1764000000000", "d", json.data, NULL));
    buf_release(&json);
}

static int64_t run_number(struct desk *desk, const char *run, const char *field)
{
    char key[96];

    snprintf(key, sizeof(key), "@run:%s", run);
    return desk_number(desk, "HGET", key, field, NULL);
}

static void assert_run(struct desk *desk, const char *run, const char *run_state, int64_t ended,
                       int64_t failed)
{
    char key[96];

    snprintf(key, sizeof(key), "@run:%s", run);
    assert_string_equal(desk_text(desk, "HGET", key, "state", NULL), run_state);
    assert_int_equal(run_number(desk, run, "ended"), ended);
    assert_int_equal(run_number(desk, run, "failed"), failed);
    assert_int_equal(run_number(desk, run, "dead"), failed);
}

static void read_message(struct desk *desk, const char *stream, struct pool *pool, struct message *message)
{
    struct redis_reply *all = desk_ask(desk, "XRANGE", stream, "-", "+", NULL);
    struct err err = ERR_INIT;
    size_t len;
    const char *text = redis_text(redis_at(redis_at(redis_at(all, 0), 1), 1), &len);

    if (message_parse(text, len, pool, message, &err) != 0)
        fail_msg("%s: %s", stream, err.text);
    redis_reply_free(all);
}

static void puts_back_into_an_open_run(void **state)
{
    struct desk *desk = *state;
    struct pool *pool = pool_new(1 << 20);
    struct message message;
    char id[64];

    put_run(desk, "r1", "7", "open", "2");
    put_letter(desk, "assign", "r1", "FVFGH0000001", "3", id);
    put_letter(desk, "assign", "r1", "FVFGH0000002", "4", id);
    desk_expect(desk, desk_ctl(desk, "replay", "--stage", "assign", "--all", "--dry-run", NULL), 0,
                "would replay 2", NULL);
    assert_int_equal(desk_number(desk, "XLEN", "@dead:assign", NULL), 2);
    desk_expect(desk, desk_ctl(desk, "replay", "--stage", "assign", "--all", NULL), 0,
                "replayed 2, refused 0", NULL);
    assert_int_equal(desk_number(desk, "XLEN", "@dead:assign", NULL), 0);
    assert_int_equal(desk_number(desk, "XLEN", "@assign", NULL), 2);
    assert_int_equal(desk_number(desk, "HGET", "@count:assign", "stream", NULL), 2);
    assert_int_equal(desk_number(desk, "EXISTS", "@letters", NULL), 0);
    assert_string_equal(desk_text(desk, "HGET", "@claims:0", "FVFGH0000001", NULL), "7:3");
    assert_run(desk, "r1", "open", 8, 0);
    read_message(desk, "@assign", pool, &message);
    assert_string_equal(message.run, "r1");
    assert_int_equal(message.count, 1);
    assert_int_equal(message.devices[0].seq, 1);
    assert_int_equal(message.devices[0].attempts, 0);
    assert_string_equal(message.devices[0].device_id, "d-1");
    pool_free(pool);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", NULL), 0, "no dead letter matches", NULL);
}

static void opens_a_closed_run_again(void **state)
{
    static const char *const states[] = { "closed", "incomplete", "cancelled" };
    struct desk *desk = *state;

    for (size_t i = 0; i < 3; i++) {
        char run[8], num[8], id[64], serial[16];

        snprintf(run, sizeof(run), "r%zu", i);
        snprintf(num, sizeof(num), "%zu", i + 1);
        snprintf(serial, sizeof(serial), "FVFGH000000%zu", i);
        put_run(desk, run, num, states[i], "1");
        put_letter(desk, "verify", run, serial, "3", id);
        desk_expect(desk, desk_ctl(desk, "replay", "--run", run, NULL), 0, "replayed 1", NULL);
        assert_run(desk, run, "open", 9, 0);
        assert_string_equal(desk_text(desk, "HGET", "@runs:open", num, NULL), run);
        assert_int_equal(run_number(desk, run, "manifest"), 1); /* the next one is 2 */
        assert_int_equal(run_number(desk, run, "closed"), 0);
    }
    /* verify's go back to assign */
    assert_int_equal(desk_number(desk, "XLEN", "@assign", NULL), 3);
    assert_int_equal(desk_number(desk, "XLEN", "@verify", NULL), 0);
}

static void begins_where_told(void **state)
{
    struct desk *desk = *state;
    char id[64], name[96];

    put_run(desk, "r1", "7", "open", "2");
    put_letter(desk, "assign", "r1", "FVFGH0000001", "3", id);
    snprintf(name, sizeof(name), "assign:%s", id);
    put_letter(desk, "assign", "r1", "FVFGH0000002", "4", id);
    desk_expect(desk, desk_ctl(desk, "replay", "--id", name, "--from", "import", NULL), 0, "replayed 1",
                NULL);
    assert_int_equal(desk_number(desk, "XLEN", "@import", NULL), 1);
    assert_int_equal(desk_number(desk, "XLEN", "@dead:assign", NULL), 1);
    desk_expect(desk, desk_ctl(desk, "replay", "--id", name, NULL), 65, NULL, "there is no dead letter");
    desk_expect(desk, desk_ctl(desk, "replay", "--all", "--from", "audit", NULL), 64, NULL, "--from 'audit'");
    desk_expect(desk, desk_ctl(desk, "replay", "--code", "abm_refused", NULL), 0, "replayed 1", NULL);
}

static void refuses_what_another_run_has(void **state)
{
    struct desk *desk = *state;
    char id[64];

    put_run(desk, "r1", "7", "closed", "1");
    put_run(desk, "r2", "8", "open", "0");
    put_letter(desk, "assign", "r1", "FVFGH0000001", "3", id);
    desk_number(desk, "HSET", "@claims:0", "FVFGH0000001", "8:1", NULL);
    desk_number(desk, "HSET", "@claims:meta", "n", "1", "count", "1", NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", NULL), 1, "replayed 0, refused 1",
                "run r2 holds the device");
    assert_run(desk, "r1", "closed", 10, 1);
    assert_int_equal(desk_number(desk, "XLEN", "@assign", NULL), 0);

    /* r2 has finished it: its word is the later one */
    desk_number(desk, "DEL", "@claims:0", "@claims:meta", NULL);
    desk_number(desk, "HSET", "@letters", "FVFGH0000001", "1 r2", NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", "--json", NULL), 1, "\"code\":\"superseded\"", NULL);
    assert_int_equal(desk_number(desk, "XLEN", "@dead:assign", NULL), 1);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", "--force", NULL), 0, "replayed 1", NULL);
    assert_run(desk, "r1", "open", 9, 0);
    assert_string_equal(desk_text(desk, "HGET", "@claims:0", "FVFGH0000001", NULL), "7:3");
}

static void takes_over_by_force(void **state)
{
    struct desk *desk = *state;
    char id[64];

    put_run(desk, "r1", "7", "closed", "1");
    put_run(desk, "r2", "8", "open", "0");
    put_letter(desk, "assign", "r1", "FVFGH0000001", "3", id);
    desk_number(desk, "HSET", "@claims:0", "FVFGH0000001", "8:1", NULL);
    desk_number(desk, "HSET", "@claims:meta", "n", "1", "count", "1", NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", "--force", NULL), 0, "replayed 1", NULL);
    assert_string_equal(desk_text(desk, "HGET", "@claims:0", "FVFGH0000001", NULL), "7:3");
    assert_int_equal(desk_number(desk, "HGET", "@claims:meta", "count", NULL), 1);
}

/* A claim that no script of ours wrote holds nobody up. */
static void takes_a_broken_claim_as_none(void **state)
{
    static const char *const broken[] = { "", "x", "8", "8:1@soon", "8:1@99999999999999999999" };
    struct desk *desk = *state;
    char id[64];

    put_run(desk, "r2", "8", "open", "0");
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        put_run(desk, "r1", "7", "closed", "1");
        put_letter(desk, "assign", "r1", "FVFGH0000001", "3", id);
        desk_number(desk, "HSET", "@claims:0", "FVFGH0000001", broken[i], NULL);
        desk_number(desk, "HSET", "@claims:meta", "n", "1", "count", "1", NULL);
        desk_expect(desk, desk_ctl(desk, "replay", "--all", NULL), 0, "replayed 1", NULL);
        assert_string_equal(desk_text(desk, "HGET", "@claims:0", "FVFGH0000001", NULL), "7:3");
    }
}

static void waits_for_late_writes(void **state)
{
    struct desk *desk = *state;
    char id[64];

    put_run(desk, "r1", "7", "closed", "1");
    put_letter(desk, "assign", "r1", "FVFGH0000001", "3", id);
    desk_number(desk, "HSET", "@claims:0", "FVFGH0000001", "8:1@9999999999999", NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", NULL), 1, NULL, "may still be on its way");
    /* kept for its own run: that is what replay goes on with */
    desk_number(desk, "HSET", "@claims:0", "FVFGH0000001", "7:3@9999999999999", NULL);
    desk_number(desk, "ZADD", "@held", "9999999999999", "FVFGH0000001", NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", NULL), 0, "replayed 1", NULL);
    assert_string_equal(desk_text(desk, "HGET", "@claims:0", "FVFGH0000001", NULL), "7:3");
    assert_int_equal(desk_number(desk, "ZCARD", "@held", NULL), 0);
}

/* The outcome of the letter's device is still on its way to audit: its claim stands. */
static void waits_until_the_outcome_is_counted(void **state)
{
    struct desk *desk = *state;
    struct proc replay;
    char id[64];

    put_run(desk, "r1", "7", "open", "1");
    put_letter(desk, "assign", "r1", "FVFGH0000001", "3", id);
    desk_number(desk, "HSET", "@claims:0", "FVFGH0000001", "7:3", NULL);
    desk_number(desk, "HSET", "@claims:meta", "n", "1", "count", "1", NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", "--dry-run", NULL), 1, NULL, "not recorded yet");
    desk_begin(desk, &replay, "replay", "--all", NULL);
    assert_int_equal(proc_wait(&replay, 300), 0);
    assert_int_equal(desk_number(desk, "XLEN", "@dead:assign", NULL), 1);
    desk_number(desk, "DEL", "@claims:0", "@claims:meta", NULL);
    desk_expect(desk, desk_wait(desk, &replay), 0, "replayed 1", NULL);
}

static void refuses_what_it_cannot_do(void **state)
{
    struct desk *desk = *state;
    char id[64];

    put_letter(desk, "assign", "gone", "FVFGH0000001", "3", id);
    desk_text(desk, "XADD", "@dead:validate", "*", "run", "r1", "serial", "", "row", "0", "seq", "0", "code",
              "message_malformed", "text", "devices: a number", "at", "1", "batch", "{\"devices\":1}", NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", NULL), 1, "replayed 0, refused 2",
                "run gone is not kept");
    assert_non_null(strstr(desk->err.data, "send the batch again"));
    assert_int_equal(desk_number(desk, "XLEN", "@dead:assign", NULL), 1);
    assert_int_equal(desk_number(desk, "XLEN", "@dead:validate", NULL), 1);
    desk_expect(desk, desk_ctl(desk, "replay", NULL), 64, NULL, "give --all");
    desk_expect(desk, desk_ctl(desk, "replay", "--stage", "asign", NULL), 64, NULL, "did you mean 'assign'");
    desk_expect(desk, desk_ctl(desk, "replay", "--code", "nonsense", NULL), 64, NULL, "no error code");
}

static void is_refused_by_a_full_redis(void **state)
{
    struct desk *desk = *state;
    char id[64];

    put_run(desk, "r1", "7", "open", "1");
    put_letter(desk, "assign", "r1", "FVFGH0000001", "3", id);
    desk_text(desk, "CONFIG", "SET", "maxmemory", "1", NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", NULL), 75, NULL, NULL);
    assert_int_equal(desk_number(desk, "XLEN", "@dead:assign", NULL), 1);
    assert_run(desk, "r1", "open", 10, 1);
    /* dropping frees memory, so it is not refused */
    char name[96];
    snprintf(name, sizeof(name), "assign:%s", id);
    desk_expect(desk, desk_ctl(desk, "dead", "drop", name, NULL), 0, NULL, NULL);
    assert_int_equal(desk_number(desk, "XLEN", "@dead:assign", NULL), 0);
}

/* Two at once: each letter goes back once. */
static void puts_nothing_back_twice(void **state)
{
    struct desk *desk = *state, other = *desk;
    struct proc procs[2];
    int64_t sum = 0, one;
    char id[64];

    put_run(desk, "r1", "7", "open", "200");
    desk_number(desk, "HSET", "@run:r1", "expected", "200", "ended", "200", NULL);
    for (int i = 0; i < 200; i++) {
        char serial[16], row[8];

        snprintf(serial, sizeof(serial), "FVFGH%07d", i);
        snprintf(row, sizeof(row), "%d", i + 2);
        put_letter(desk, "assign", "r1", serial, row, id);
    }
    snprintf(other.out_path, sizeof(other.out_path), "%s/out2", desk->dir);
    snprintf(other.err_path, sizeof(other.err_path), "%s/err2", desk->dir);
    buf_init(&other.out, 1 << 20);
    buf_init(&other.err, 1 << 20);
    desk_begin(desk, &procs[0], "replay", "--all", NULL);
    desk_begin(&other, &procs[1], "replay", "--all", NULL);
    assert_in_range(desk_wait(desk, &procs[0]), 0, 1);
    assert_in_range(desk_wait(&other, &procs[1]), 0, 1);
    assert_int_equal(sscanf(desk->out.data, "replayed %" SCNd64, &one), 1);
    sum += one;
    assert_int_equal(sscanf(other.out.data, "replayed %" SCNd64, &one), 1);
    sum += one;
    assert_int_equal(sum, 200);
    assert_int_equal(desk_number(desk, "XLEN", "@assign", NULL), 200);
    assert_int_equal(run_number(desk, "r1", "dead"), 0);
    buf_release(&other.out);
    buf_release(&other.err);
}

int main(void)
{
#define REPLAY_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        REPLAY_TEST(puts_back_into_an_open_run),
        REPLAY_TEST(opens_a_closed_run_again),
        REPLAY_TEST(begins_where_told),
        REPLAY_TEST(refuses_what_another_run_has),
        REPLAY_TEST(takes_over_by_force),
        REPLAY_TEST(waits_for_late_writes),
        REPLAY_TEST(takes_a_broken_claim_as_none),
        REPLAY_TEST(waits_until_the_outcome_is_counted),
        REPLAY_TEST(refuses_what_it_cannot_do),
        REPLAY_TEST(is_refused_by_a_full_redis),
        REPLAY_TEST(puts_nothing_back_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Push against a Redis without any worker: what it publishes, what it resumes, what it waits for. */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "domain/ingest.h"
#include "harness/desk.h"

#define ALL_MAX 64

static int start(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    desk_start(desk, "stages: { validate: { max_backlog: 100000 } }\n");
    *state = desk;
    return 0;
}

/* Validate takes three messages, then push waits. */
static int start_small(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    desk_start(desk, "stages: { validate: { max_backlog: 3000 } }\n");
    *state = desk;
    return 0;
}

static int stop(void **state)
{
    desk_stop(*state);
    free(*state);
    return 0;
}

/* The run that the last push named. */
static void read_run(struct desk *desk, char run[65])
{
    const char *at = strstr(desk->out.data, "\"run\":\"");

    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"run\":\"%64[^\"]\"", run), 1);
}

static size_t read_hashes(struct desk *desk, char hashes[ALL_MAX][SHA256_HEX])
{
    struct redis_reply *all = desk_ask(desk, "XRANGE", "@ingest", "-", "+", NULL);
    size_t count = redis_count(all);

    assert_true(count <= ALL_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t len;
        const char *text = redis_text(redis_at(redis_at(redis_at(all, i), 1), 1), &len);

        sha256_hex(text, len, hashes[i]);
    }
    redis_reply_free(all);
    return count;
}

static void publishes_what_it_read(void **state)
{
    struct desk *desk = *state;
    const char *input =
        desk_devices(desk, "devices.csv", 1500,
                     "abc,DE\nFVFGH0000003,DE\nFVFGH0000004,JP\nFVFGH9999999,UK\nFVFGH8888888,BR\n");
    struct pool *pool = pool_new(16u * 1024 * 1024);
    struct redis_reply *all;
    struct err err = ERR_INIT;
    size_t devices = 0, rejected = 0;
    char run[65];

    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--json", NULL), 1,
                "\"batches\":2,\"published\":2", NULL);
    read_run(desk, run);
    assert_non_null(strstr(desk->err.data, "{\"row\":1502,\"serial\":\"abc\",\"code\":\"serial_format\""));
    assert_non_null(
        strstr(desk->err.data, "{\"row\":1503,\"serial\":\"FVFGH0000003\",\"code\":\"duplicate\""));
    assert_non_null(
        strstr(desk->err.data, "{\"row\":1504,\"serial\":\"FVFGH0000004\",\"code\":\"duplicate_differs\""));
    assert_non_null(strstr(desk->err.data, "\"code\":\"country_unknown\""));
    assert_non_null(strstr(desk->err.data, "{\"row\":1506,\"serial\":\"FVFGH8888888\",\"code\":\"no_rule\""));
    all = desk_ask(desk, "XRANGE", "@ingest", "-", "+", NULL);
    assert_int_equal(redis_count(all), 2);
    for (size_t i = 0; i < 2; i++) {
        struct ingest batch;
        size_t len;
        const char *text = redis_text(redis_at(redis_at(redis_at(all, i), 1), 1), &len);

        if (ingest_parse(text, len, pool, &batch, &err) != 0)
            fail_msg("%s", err.text);
        assert_string_equal(batch.run, run);
        assert_int_equal(batch.batch, i + 1);
        assert_int_equal(batch.batches, 2);
        assert_string_equal(batch.operator_, "tester");
        assert_string_equal(batch.git_commit, "0123abc");
        assert_string_equal(batch.source_name, "devices.csv");
        assert_true(batch.count + batch.rejected_count <= 1000);
        devices += batch.count;
        rejected += batch.rejected_count;
    }
    assert_int_equal(devices, 1501); /* the one without a rule is validate's to reject */
    assert_int_equal(rejected, 4);
    redis_reply_free(all);
    pool_free(pool);
}

static void keeps_the_mapping(void **state)
{
    struct desk *desk = *state;
    const char *at;
    char key[96];

    desk_expect(desk, desk_ctl(desk, "push", "--input", desk_devices(desk, "d.csv", 1, ""), "--json", NULL),
                0, NULL, NULL);
    at = strstr(desk->out.data, "\"mapping_sha256\":\"");
    assert_non_null(at);
    snprintf(key, sizeof(key), "@rules:%.64s", at + strlen("\"mapping_sha256\":\""));
    assert_non_null(strstr(desk_text(desk, "GET", key, NULL), "blueprint_mappings"));
}

static void resumes_with_the_same_bytes(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 25, "abc,DE\n");
    char hashes[ALL_MAX][SHA256_HEX], later[ALL_MAX][SHA256_HEX], run[65], again[65], key[96];

    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--batch-size", "10", "--json", NULL), 1,
                "\"resumed\":false", NULL);
    read_run(desk, run);
    /* Nothing was registered yet, but all is on its way: nothing is sent twice, also where other options are
     * given. */
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--batch-size", "7", NULL), 1,
                "3 of 3 batches published (0 of them now)", NULL);
    assert_int_equal(read_hashes(desk, hashes), 3);
    /* What Redis has lost is sent again, byte by byte. */
    desk_number(desk, "DEL", "@ingest", NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--batch-size", "7", "--json", NULL), 1,
                "\"batches\":3,\"published\":3,\"resumed\":true", NULL);
    read_run(desk, again);
    assert_string_equal(run, again);
    assert_int_equal(read_hashes(desk, later), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(hashes[i], later[i]);
    /* Batch 2 came: only the others are sent. */
    desk_number(desk, "DEL", "@ingest", NULL);
    snprintf(key, sizeof(key), "@run:%s", run);
    desk_number(desk, "HSET", key, "state", "open", NULL);
    snprintf(key, sizeof(key), "@run:%s:batches", run);
    desk_number(desk, "HSET", key, "2", hashes[1], NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--json", NULL), 1, "\"published\":2", NULL);
    assert_int_equal(read_hashes(desk, later), 2);
    assert_string_equal(later[0], hashes[0]);
    assert_string_equal(later[1], hashes[2]);
}

static void begins_a_new_run_once_closed(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 3, "");
    char run[65], again[65], key[96];

    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--json", NULL), 0, NULL, NULL);
    read_run(desk, run);
    snprintf(key, sizeof(key), "@run:%s", run);
    desk_number(desk, "HSET", key, "state", "closed", NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--json", NULL), 0, "\"resumed\":false", NULL);
    read_run(desk, again);
    snprintf(key, sizeof(key), "%s-2", run);
    assert_string_equal(again, key);
    assert_int_equal(desk_number(desk, "HLEN", "@pushed", NULL), 1);
}

static void guards_ids(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 3, ""),
               *other = desk_devices(desk, "other.csv", 4, "");

    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--run", "mine", NULL), 0, "run mine", NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--run", "else", NULL), 77, NULL,
                "open as run mine");
    desk_expect(desk, desk_ctl(desk, "push", "--input", other, "--run", "mine", NULL), 77, NULL,
                "run mine is open");
    desk_number(desk, "HSET", "@run:mine", "state", "closed", NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--run", "mine", NULL), 77, NULL,
                "run mine is closed");
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--run", "no/id", NULL), 65, NULL,
                "no run id");
}

/* Past ingest, as its bytes say as well; the same push again finds it there. */
static void publishes_what_is_urgent_past_all(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "urgent.csv", 3, "");
    const char *large = desk_devices(desk, "large.csv", 1001, "");
    struct redis_reply *all;

    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--urgent", NULL), 0, "1 of 1 batches", NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--urgent", NULL), 0, "0 of them now", NULL);
    assert_int_equal(desk_number(desk, "EXISTS", "@ingest", NULL), 0);
    all = desk_ask(desk, "XRANGE", "@lane:validate:urgent", "-", "+", NULL);
    assert_int_equal(redis_count(all), 1);
    assert_non_null(strstr(redis_text(redis_at(redis_at(redis_at(all, 0), 1), 1), NULL), "\"urgent\":true"));
    redis_reply_free(all);
    desk_expect(desk, desk_ctl(desk, "push", "--input", large, "--urgent", NULL), 65, NULL,
                "large.csv makes 2 batches: an urgent push is one batch of at most 1000 rows");
    assert_int_equal(desk_number(desk, "HLEN", "@pushed", NULL), 1);
}

static void publishes_nothing_where_strict(void **state)
{
    static const struct {
        const char *what, *tail;
        int want;
    } rows[] = {
        { "a broken serial", "abc,DE\n", 65 },
        { "no rule", "FVFGH8888888,BR\n", 65 },
        { "a duplicate for another blueprint", "FVFGH0000001,JP\n", 65 },
        { "a row too short", "FVFGH8888888\n", 65 },
        { "a duplicate of the same", "FVFGH0000001,DE\n", 0 },
        { "all well", "", 0 },
    };
    struct desk *desk = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *input = desk_devices(desk, "devices.csv", 3, rows[i].tail);
        int got;

        desk_number(desk, "DEL", "@ingest", "@pushed", NULL);
        got = desk_ctl(desk, "push", "--input", input, "--strict", NULL);
        if (got != rows[i].want || desk_number(desk, "EXISTS", "@ingest", NULL) != (rows[i].want == 0))
            fail_msg("%s: exit %d: %s", rows[i].what, got, desk->err.data);
    }
}

static void reads_every_form_and_pipes(void **state)
{
    static const char yaml[] = "devices:\n  - { serial: FVFGH0000001, country: DE }\n";
    static const char jsonl[] = "{\"serial\":\"FVFGH0000001\",\"country\":\"DE\"}\n";
    struct desk *desk = *state;
    const char *path;

    path = desk_file(desk, "devices.yaml", yaml, sizeof(yaml) - 1);
    desk_expect(desk, desk_ctl(desk, "push", "--input", path, "--run", "a", NULL), 0, "1 rows", NULL);
    path = desk_file(desk, "devices.jsonl", jsonl, sizeof(jsonl) - 1);
    desk_expect(desk, desk_ctl(desk, "push", "--input", path, "--run", "b", NULL), 0, "1 rows", NULL);
    desk->stdin_file = path;
    desk_number(desk, "DEL", "@pushed", NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", "-", "--format", "jsonl", "--run", "c", NULL), 0,
                "1 rows", NULL);
    desk->stdin_file = desk_devices(desk, "d.csv", 5, "");
    desk_expect(desk, desk_ctl(desk, "push", "--input", "-", "--run", "d", NULL), 0, "5 rows", NULL);
}

static void waits_for_validate(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 5, "");
    struct proc push;

    desk_begin(desk, &push, "push", "--input", input, "--batch-size", "1", NULL);
    assert_true(
        desk_says(desk, "waiting: validate has a backlog of 3000 devices (limit 3000); validate: no worker"));
    assert_int_equal(desk_number(desk, "XLEN", "@ingest", NULL), 3);
    desk_number(desk, "DEL", "@ingest", NULL);
    desk_expect(desk, desk_wait(desk, &push), 0, "5 of 5 batches published", NULL);
    assert_int_equal(desk_number(desk, "XLEN", "@ingest", NULL), 2);
}

static void goes_on_after_a_stop(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 5, "");
    struct proc push;

    desk_begin(desk, &push, "push", "--input", input, "--batch-size", "1", "--run", "r", NULL);
    assert_true(desk_says(desk, "waiting: validate"));
    proc_signal(&push, SIGINT);
    desk_expect(desk, desk_wait(desk, &push), 75, NULL, "stopped after 3 of 5 batches of run r");
    desk_number(desk, "DEL", "@ingest", NULL);
    desk_number(desk, "HSET", "@run:r", "state", "open", NULL);
    desk_number(desk, "HSET", "@run:r:batches", "1", "x", "2", "x", "3", "x", NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, NULL), 0,
                "run r: 5 of 5 batches published (2 of them now)", NULL);
}

static void stops_where_its_run_is_cancelled(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 5, "");
    struct proc push;

    desk_begin(desk, &push, "push", "--input", input, "--batch-size", "1", "--run", "r", NULL);
    assert_true(desk_says(desk, "waiting: validate"));
    desk_number(desk, "HSET", "@run:r", "state", "open", "is_cancelled", "1", NULL);
    desk_expect(desk, desk_wait(desk, &push), 77, NULL, "run r is cancelled: 3 of 5 batches were published");
    assert_int_equal(desk_number(desk, "XLEN", "@ingest", NULL), 3);
}

static void waits_for_a_full_redis(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 5, "");
    struct proc push;

    desk_text(desk, "CONFIG", "SET", "maxmemory", "1", NULL);
    desk_begin(desk, &push, "push", "--input", input, NULL);
    assert_true(desk_says(desk, "waiting: Redis is full"));
    assert_int_equal(desk_number(desk, "EXISTS", "@ingest", NULL), 0);
    desk_text(desk, "CONFIG", "SET", "maxmemory", "0", NULL);
    desk_expect(desk, desk_wait(desk, &push), 0, "1 of 1 batches", NULL);
}

static void outlives_redis(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 5, "");
    struct err err = ERR_INIT;
    struct proc push;

    desk_begin(desk, &push, "push", "--input", input, "--batch-size", "1", NULL);
    assert_true(desk_says(desk, "waiting: validate"));
    redis_server_kill(&desk->server);
    redis_disconnect(desk->redis);
    assert_true(desk_says(desk, "waiting: cannot reach Redis"));
    assert_int_equal(redis_server_restart(&desk->server, &err), 0);
    assert_true(desk_says(desk, "connected to Redis again"));
    desk_number(desk, "DEL", "@ingest", NULL);
    desk_expect(desk, desk_wait(desk, &push), 0, "5 of 5 batches", NULL);
}

static void refuses_a_file_that_changes(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 5, "");
    struct proc push;
    FILE *file;

    desk_begin(desk, &push, "push", "--input", input, "--batch-size", "1", NULL);
    assert_true(desk_says(desk, "waiting: validate"));
    file = fopen(input, "a");
    assert_non_null(file);
    fputs("FVFGH7777777,DE\n", file);
    fclose(file);
    desk_number(desk, "DEL", "@ingest", NULL);
    desk_expect(desk, desk_wait(desk, &push), 75, NULL, "changed while it was read");
}

static void waits_for_the_end(void **state)
{
    static const struct {
        const char *what, *state, *outcome;
        int want;
    } rows[] = {
        { "all assigned", "closed", "assigned", 0 },
        { "one failed", "closed", "failed", 1 },
        { "incomplete", "incomplete", "assigned", 1 },
        { "cancelled", "cancelled", "cancelled", 1 },
    };
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 3, "");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char run[16], key[32], want[128];
        struct proc push;

        snprintf(run, sizeof(run), "run-%zu", i);
        snprintf(key, sizeof(key), "@run:%s", run);
        desk_number(desk, "DEL", "@pushed", "@ingest", NULL);
        desk_begin(desk, &push, "import", "--input", input, "--run", run, "--json", NULL);
        assert_int_equal(proc_wait(&push, 300), 0); /* it does not end before the run */
        desk_number(desk, "HSET", key, "state", rows[i].state, "expected", "3", "ended", "3", rows[i].outcome,
                    "3", "manifest_path", "/e/m.json", NULL);
        snprintf(want, sizeof(want), "{\"run\":\"%s\",\"total\":3,", run);
        desk_expect(desk, desk_wait(desk, &push), rows[i].want, want, NULL);
        snprintf(want, sizeof(want),
                 "\"state\":\"%s\",\"manifest\":\"/e/m.json\",\"seconds\":", rows[i].state);
        desk_expect(desk, rows[i].want, rows[i].want, want, NULL);
        assert_int_equal(strcspn(desk->out.data, "\n") + 1, desk->out.len); /* one line, alone */
    }
}

static void gives_up_waiting_in_time(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 3, "");

    desk_expect(desk, desk_ctl(desk, "push", "--input", input, "--wait", "--timeout", "200ms", NULL), 75,
                NULL, "has not ended in the time given");
}

int main(void)
{
#define PUSH_TEST(name)  cmocka_unit_test_setup_teardown(name, start, stop)
#define SMALL_TEST(name) cmocka_unit_test_setup_teardown(name, start_small, stop)
    const struct CMUnitTest tests[] = {
        PUSH_TEST(publishes_what_it_read),
        PUSH_TEST(keeps_the_mapping),
        PUSH_TEST(resumes_with_the_same_bytes),
        PUSH_TEST(begins_a_new_run_once_closed),
        PUSH_TEST(guards_ids),
        PUSH_TEST(publishes_what_is_urgent_past_all),
        PUSH_TEST(publishes_nothing_where_strict),
        PUSH_TEST(reads_every_form_and_pipes),
        SMALL_TEST(waits_for_validate),
        SMALL_TEST(goes_on_after_a_stop),
        SMALL_TEST(stops_where_its_run_is_cancelled),
        PUSH_TEST(waits_for_a_full_redis),
        SMALL_TEST(outlives_redis),
        SMALL_TEST(refuses_a_file_that_changes),
        PUSH_TEST(waits_for_the_end),
        PUSH_TEST(gives_up_waiting_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

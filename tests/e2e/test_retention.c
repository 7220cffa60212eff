/* runs.keep: what has been closed for that long goes, with all that hangs on it; evidence, open runs and what
 * needs a person stay. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "harness/pipeline.h"

#define END_MS 60000

static struct pipeline pipeline;

static void start(const char *keep)
{
    pipeline_start(&pipeline, &(struct pipeline_options){ .bin = TEST_BIN, .more = keep });
}

static void wait_number(const char *command, const char *key, const char *field, int64_t number)
{
    desk_await_number(&pipeline.desk, command, key, field, number, END_MS);
}

static int64_t keys_like(const char *pattern)
{
    struct redis_reply *reply = desk_ask(&pipeline.desk, "KEYS", pattern, NULL);
    int64_t count = (int64_t)redis_count(reply);

    redis_reply_free(reply);
    return count;
}

static void import(const char *csv, const char *run, int want)
{
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "import", "--input", csv, "--run", run, NULL), want,
                NULL, NULL);
}

static bool is_gone(void *path)
{
    struct buf text;
    struct err err = ERR_INIT;
    bool is_missing;

    buf_init(&text, 4096);
    is_missing = fsio_read(path, &text, &err) != 0 && err.code == ERR_FILE_MISSING;
    buf_release(&text);
    return is_missing;
}

/* Nothing of a run is left but its evidence; and its name, given once more, goes on behind that. */
static void a_run_goes_with_all_that_hangs_on_it(void **state)
{
    char left[320], folder[256];
    struct err err = ERR_INIT;
    const char *csv;

    (void)state;
    start("runs: { keep: 1s }");
    csv = pipeline_csv(&pipeline, "a.csv", "C02", 10);
    pipeline_start_workers(&pipeline);
    import(csv, "a", 0);
    /* What crashes leave: a part that no step has listed, a note of a message that is gone, a worker's word.
     */
    snprintf(folder, sizeof(folder), "%s/spool/acme/a", pipeline.desk.dir);
    snprintf(left, sizeof(left), "%s/left.jsonl", folder);
    assert_int_equal(fsio_mkdirs(folder, 0700, &err), 0);
    assert_int_equal(fsio_write(left, "x", 1, 0600, &err), 0);
    desk_number(&pipeline.desk, "HSET", "@note:5d0c-1f", "C02000000001", "{}", NULL);
    desk_number(&pipeline.desk, "HSET", "@workers", "assign-gone-1", "{\"stage\":\"assign\",\"at\":1000}",
                NULL);
    desk_number(&pipeline.desk, "SADD", "@runs:cancelled", "never-came", NULL);
    desk_number(&pipeline.desk, "HSET", "@letters", "C02000000001", "1 a", NULL);
    desk_number(&pipeline.desk, "HSET", "@pushed", "00:11", "never-came 1000 {}", NULL);
    wait_number("ZCARD", "@runs", NULL, 0);
    wait_number("HLEN", "@pushed", NULL, 0);
    wait_number("EXISTS", "@note:5d0c-1f", NULL, 0);
    wait_number("HEXISTS", "@workers", "assign-gone-1", 0);
    wait_number("SCARD", "@runs:cancelled", NULL, 0);
    wait_number("EXISTS", "@letters", NULL, 0);
    assert_int_equal(keys_like("{abm:acme}:run:*"), 0);
    assert_int_equal(keys_like("{abm:acme}:rules:*"), 0);
    assert_int_equal(desk_number(&pipeline.desk, "HLEN", "@workers", NULL), PIPELINE_STAGES);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "run", "list", "--json", NULL), 0, "[]", NULL);
    /* The file was too young when the run went: it goes with the next of that name. */
    import(csv, "a", 0);
    wait_number("ZCARD", "@runs", NULL, 0);
    if (!proc_until(is_gone, left, END_MS))
        fail_msg("%s is still there", left);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_workers_run(&pipeline);
    pipeline_stop(&pipeline);
}

/* An open run is nobody's to trim, nor is one with a dead letter, as long as somebody may replay it. */
static void what_needs_a_person_stays(void **state)
{
    static const char refusal[] = "[{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":422,\"code\":"
                                  "\"DEVICE_NOT_ELIGIBLE\",\"serial\":\"C02000000003\"}]";
    static const char first[] =
        "{\"version\":1,\"run\":\"open\",\"batch\":1,\"batches\":2,\"devices\":[{\"serial\":"
        "\"C05000000001\",\"country\":\"DE\"}]}";
    struct err err = ERR_INIT;
    char id[64];
    const char *at;

    (void)state;
    start("runs: { keep: 1s }");
    assert_int_equal(abmsim_set_faults(&pipeline.sim, refusal, &err), 0);
    pipeline_start_workers(&pipeline);
    redis_reply_free(desk_ask(&pipeline.desk, "XADD", "@ingest", "*", "batch", first, NULL));
    import(pipeline_csv(&pipeline, "dead.csv", "C02", 5), "dead", 1);
    import(pipeline_csv(&pipeline, "well.csv", "C03", 5), "well", 0);
    wait_number("ZCARD", "@runs", NULL, 2);
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:open", "state", NULL), "open");
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:dead", "state", NULL), "closed");
    assert_int_equal(desk_number(&pipeline.desk, "EXISTS", "@run:well", NULL), 0);
    /* All three were pushed or judged by one mapping: it stays for those that stay. */
    assert_true(keys_like("{abm:acme}:rules:*") > 1);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "dead", "list", "--json", NULL), 0, "\"id\":\"",
                NULL);
    at = strstr(pipeline.desk.out.data, "\"id\":\"");
    assert_int_equal(sscanf(at, "\"id\":\"%63[^\"]\"", id), 1);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "dead", "drop", id, NULL), 0, NULL, NULL);
    wait_number("ZCARD", "@runs", NULL, 1);
    assert_int_equal(desk_number(&pipeline.desk, "EXISTS", "@run:dead", "@letters", NULL), 0);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_stop(&pipeline);
}

/* Thousands of them, behind open ones that stay: each call takes a few, and all that is due goes. */
static void many_runs_go(void **state)
{
    enum { RUNS = 5000, OPEN = 100 };
    static const char plant[] = "for i = 1, tonumber(ARGV[1]) do\n"
                                "  local run, is_open = 'run-' .. i, i <= tonumber(ARGV[2])\n"
                                "  redis.call('HSET', KEYS[1] .. run, 'num', i, 'state', is_open and 'open' "
                                "or 'closed', 'closed', 2000 + i,\n"
                                "    'mapping_sha256', 'm' .. i % 7)\n"
                                "  redis.call('HSET', KEYS[1] .. run .. ':batches', '1', 'x')\n"
                                "  redis.call('HINCRBY', KEYS[3], 'm' .. i % 7, 1)\n"
                                "  redis.call('SET', KEYS[4] .. 'm' .. i % 7, 'rules')\n"
                                "  redis.call('ZADD', KEYS[2], 1000 + i, run)\n"
                                "end\n";
    char count[16], open[16];

    (void)state;
    start("runs: { keep: 30d }");
    snprintf(count, sizeof(count), "%d", RUNS);
    snprintf(open, sizeof(open), "%d", OPEN);
    redis_reply_free(desk_ask(&pipeline.desk, "EVAL", plant, "4", "@run:", "@runs", "@rules:named",
                              "@rules:", count, open, NULL));
    assert_int_equal(desk_number(&pipeline.desk, "ZCARD", "@runs", NULL), RUNS);
    pipeline_start_worker(&pipeline, PIPELINE_AUDIT, 0);
    wait_number("ZCARD", "@runs", NULL, OPEN);
    assert_int_equal(keys_like("{abm:acme}:run:run-*"), 2 * OPEN);
    assert_int_equal(keys_like("{abm:acme}:rules:m*"), 7); /* the open ones name each of them */
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_with_all_that_hangs_on_it),
        cmocka_unit_test(what_needs_a_person_stays),
        cmocka_unit_test(many_runs_go),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What a loss of power takes with appendfsync everysec: Redis comes back as it was a moment ago, while push,
 * the API, the spool and the sinks know more. Redis is killed and its append-only file is cut at a chosen
 * byte, so that exactly the tail is lost; a SIGKILL alone loses nothing that was answered, since the kernel
 * has it.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/rand.h"
#include "evidence/dsse.h"
#include "evidence/manifest.h"
#include "harness/pipeline.h"

#define END_MS 60000
#define PREFIX "C02"

static struct pipeline pipeline;

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void start(void)
{
    pipeline_start(&pipeline,
                   &(struct pipeline_options){ .bin = TEST_BIN,
                                               .stages = "  validate: { lease: 2s, max_backlog: 3000 }\n"
                                                         "  import: { lease: 2s }\n"
                                                         "  assign: { lease: 2s }\n"
                                                         "  verify: { lease: 2s }\n"
                                                         "  audit: { lease: 2s }\n",
                                               .api = "timeout: 900ms" });
    assert_string_equal(desk_text(&pipeline.desk, "CONFIG", "SET", "appendfsync", "everysec", NULL), "OK");
}

static int64_t mark(void)
{
    int64_t bytes = redis_server_aof_bytes(&pipeline.desk.server);

    assert_true(bytes > 0);
    return bytes;
}

static void lose_since(int64_t bytes)
{
    struct err err = ERR_INIT;

    redis_disconnect(pipeline.desk.redis);
    must(redis_server_lose(&pipeline.desk.server, bytes, &err), &err);
}

static void wait_number(const char *command, const char *key, const char *field, int64_t number)
{
    desk_await_number(&pipeline.desk, command, key, field, number, END_MS);
}

static int64_t manifest_sequence(const char *run, int number)
{
    struct pool *pool = pool_new(1 << 20);
    struct buf envelope, payload;
    struct manifest manifest;
    struct err err = ERR_INIT;
    char path[320];

    snprintf(path, sizeof(path), "%s/acme/%s/manifest-%d.dsse.json", pipeline.evidence, run, number);
    buf_init(&envelope, DSSE_ENVELOPE_MAX);
    buf_init(&payload, DSSE_PAYLOAD_MAX);
    must(fsio_read(path, &envelope, &err), &err);
    must(dsse_open(envelope.data, envelope.len, NULL, &payload, &err), &err);
    must(manifest_parse(payload.data, payload.len, pool, &manifest, &err), &err);
    buf_release(&envelope);
    buf_release(&payload);
    pool_free(pool);
    return manifest.sequence;
}

static void import(const char *csv, const char *run)
{
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "import", "--input", csv, "--run", run, NULL), 0,
                NULL, NULL);
}

/* Every write that was answered is there after a SIGKILL, whatever appendfsync says. */
static void a_kill_alone_loses_nothing(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    start();
    for (int i = 0; i < 2000; i++)
        (void)desk_number(&pipeline.desk, "INCR", "@answered", NULL);
    redis_disconnect(pipeline.desk.redis);
    redis_server_kill(&pipeline.desk.server);
    must(redis_server_restart(&pipeline.desk.server, &err), &err);
    assert_string_equal(desk_text(&pipeline.desk, "GET", "@answered", NULL), "2000");
    pipeline_stop(&pipeline);
}

/* Push was told of three batches; the third is gone. It says so, and what repair puts back closes the run. */
static void a_lost_batch_is_told_and_put_back(void **state)
{
    const char *csv;
    struct proc push;

    (void)state;
    start();
    csv = pipeline_csv(&pipeline, "a.csv", PREFIX, 300);
    desk_begin(&pipeline.desk, &push, "import", "--input", csv, "--run", "a", "--batch-size", "100", NULL);
    wait_number("XLEN", "@ingest", NULL, 3);
    lose_since(mark() - 100);
    assert_int_equal(desk_number(&pipeline.desk, "XLEN", "@ingest", NULL), 2);
    pipeline_start_workers(&pipeline);
    desk_expect(&pipeline.desk, desk_wait(&pipeline.desk, &push), 75, NULL,
                "1 batches and 0 devices of run a stand nowhere");
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:a", "state", NULL), "open");
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "run", "repair", "--run", "a", "--input", csv, NULL),
                0, "published 1 batches, put back 0 devices", NULL);
    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    pipeline_assert_all(&pipeline, "a", PREFIX, 300, OUTCOME_ASSIGNED);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* The whole run is gone, and whoever waits for it is told; pushed again it is done. */
static void a_lost_run_is_told(void **state)
{
    const char *csv;
    struct proc push;
    int64_t before;

    (void)state;
    start();
    csv = pipeline_csv(&pipeline, "a.csv", PREFIX, 100);
    (void)desk_number(&pipeline.desk, "INCR", "@before", NULL);
    before = mark();
    desk_begin(&pipeline.desk, &push, "import", "--input", csv, "--run", "a", NULL);
    wait_number("XLEN", "@ingest", NULL, 1);
    lose_since(before);
    pipeline_start_workers(&pipeline);
    desk_expect(&pipeline.desk, desk_wait(&pipeline.desk, &push), 75, NULL,
                "Redis knows nothing of run a any more");
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "run", "repair", "--run", "a", "--input", csv, NULL),
                65, NULL, "push the file again");
    import(csv, "a");
    pipeline_assert_all(&pipeline, "a", PREFIX, 100, OUTCOME_ASSIGNED);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* A run was closed and its manifest shipped, and then Redis is back before audit counted its devices. */
static void a_closing_that_is_forgotten_finds_its_manifest(void **state)
{
    const char *csv;
    struct proc push;
    int64_t before;

    (void)state;
    start();
    csv = pipeline_csv(&pipeline, "a.csv", PREFIX, 100);
    for (int stage = 0; stage < PIPELINE_AUDIT; stage++)
        pipeline_start_worker(&pipeline, (enum pipeline_stage)stage, 0);
    desk_begin(&pipeline.desk, &push, "import", "--input", csv, "--run", "a", NULL);
    wait_number("HGET", "@count:audit", "stream", 100);
    before = mark();
    pipeline_start_worker(&pipeline, PIPELINE_AUDIT, 0);
    desk_expect(&pipeline.desk, desk_wait(&pipeline.desk, &push), 0, "run a is closed", NULL);
    pipeline_kill_worker(&pipeline, PIPELINE_AUDIT, 0);
    lose_since(before);
    assert_string_equal(desk_text(&pipeline.desk, "HGET", "@run:a", "state", NULL), "open");
    pipeline_start_worker(&pipeline, PIPELINE_AUDIT, 0);
    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    assert_int_equal(pipeline_log_count(&pipeline, "\"chain_restored\""), 1);
    pipeline_assert_all(&pipeline, "a", PREFIX, 100, OUTCOME_ASSIGNED);
    import(pipeline_csv(&pipeline, "b.csv", "C03", 10), "b");
    assert_int_equal(manifest_sequence("b", 1), 2);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* Two runs were closed of which Redis knows nothing any more. The next does not take their place in the
 * chain, and one of them pushed again goes on behind its own manifest. */
static void the_chain_does_not_fork(void **state)
{
    const char *csv;
    int64_t before;

    (void)state;
    start();
    pipeline_start_workers(&pipeline);
    import(pipeline_csv(&pipeline, "z.csv", "C09", 5), "z");
    before = mark();
    csv = pipeline_csv(&pipeline, "a.csv", PREFIX, 10);
    import(csv, "a");
    import(pipeline_csv(&pipeline, "b.csv", "C03", 10), "b");
    lose_since(before);
    assert_int_equal(desk_number(&pipeline.desk, "EXISTS", "@run:a", "@run:b", NULL), 0);
    import(pipeline_csv(&pipeline, "c.csv", "C04", 10), "c");
    assert_int_equal(manifest_sequence("z", 1), 1);
    assert_int_equal(manifest_sequence("a", 1), 2);
    assert_int_equal(manifest_sequence("b", 1), 3);
    assert_int_equal(manifest_sequence("c", 1), 4);
    import(csv, "a");
    assert_int_equal(manifest_sequence("a", 2), 5);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:a", "manifest", NULL), 2);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static void count(void *user, const struct device *record)
{
    int *counts = user;

    counts[record->outcome]++;
}

/* The changes were made, and the messages are back before assign; their notes are gone, so it finds what is
 * wanted and cannot know who did it: README says so. Nothing is lost or doubled. */
static void changes_that_are_forgotten_are_found_made(void **state)
{
    int counts[OUTCOME_COUNT] = { 0 };
    int64_t before;

    (void)state;
    start();
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        if (stage != PIPELINE_ASSIGN && stage != PIPELINE_VERIFY)
            pipeline_start_worker(&pipeline, (enum pipeline_stage)stage, 0);
    desk_expect(&pipeline.desk,
                desk_ctl(&pipeline.desk, "push", "--input", pipeline_csv(&pipeline, "a.csv", PREFIX, 100),
                         "--run", "a", NULL),
                0, NULL, NULL);
    wait_number("HGET", "@count:assign", "stream", 100);
    before = mark();
    pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 0);
    wait_number("HGET", "@count:verify", "stream", 100);
    pipeline_kill_worker(&pipeline, PIPELINE_ASSIGN, 0);
    lose_since(before);
    wait_number("HGET", "@count:assign", "stream", 100);
    pipeline_start_workers(&pipeline);
    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    assert_int_equal(pipeline_records(&pipeline, "a", count, counts), 100);
    assert_int_equal(counts[OUTCOME_UNCHANGED], 100);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

/* Up to 200 KB of the tail lost again and again, under load. Whoever waited is never told that all is well
 * while it is not. */
static void loses_power_under_load(void **state)
{
    enum { DEVICES = 3000, LOSSES = 10 };
    int counts[OUTCOME_COUNT] = { 0 }, repairs = 0, told = 0;
    struct pipeline_push push;
    int64_t lost_bytes = 0;
    const char *csv;

    (void)state;
    start();
    csv = pipeline_csv(&pipeline, "a.csv", PREFIX, DEVICES);
    pipeline_start_workers(&pipeline);
    wait_number("HLEN", "@workers", NULL, PIPELINE_STAGES); /* one that finds no Redis at its start ends */
    pipeline_push_begin(&pipeline, &push, csv, "--run", "a", "--batch-size", "50", NULL);
    for (int i = 0; i < LOSSES && !pipeline_push_ends(&push, 150 + (int64_t)(rand_u32() % 200)); i++) {
        int64_t bytes = mark(), less = (int64_t)(rand_u32() % 200000);

        less = less < bytes / 2 ? less : bytes / 2;
        lost_bytes += less;
        lose_since(bytes - less);
        pipeline_assert_workers_run(&pipeline);
    }
    /* An import that ended well, ended well; one that was told of a loss is made good. */
    if (!pipeline_push_ends(&push, END_MS))
        fail_msg("the import waits for ever");
    while (proc_status(&push.proc) != 0) {
        if (++told > 20)
            fail_msg("exit %d again and again", proc_status(&push.proc));
        if (proc_status(&push.proc) == 75 &&
            desk_ctl(&pipeline.desk, "run", "repair", "--run", "a", "--input", csv, NULL) == 0)
            repairs++;
        /* 77: it closes just now. */
        if (pipeline_wait_state(&pipeline, "a", "closed",
                                repairs > 0 || proc_status(&push.proc) == 77 ? 20000 : 0))
            break;
        pipeline_push_begin(&pipeline, &push, csv, "--run", "a", "--batch-size", "50", NULL);
        if (!pipeline_push_ends(&push, END_MS))
            fail_msg("the import waits for ever");
    }
    assert_true(pipeline_wait_state(&pipeline, "a", "closed", END_MS));
    assert_true(pipeline_records(&pipeline, "a", count, counts) >= DEVICES);
    print_message(
        "%lld bytes lost in %d losses; told of it %d times, %d repairs; assigned %d, unchanged %d\n",
        (long long)lost_bytes, LOSSES, told, repairs, counts[OUTCOME_ASSIGNED], counts[OUTCOME_UNCHANGED]);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:a", "ended", NULL), DEVICES);
    assert_true(counts[OUTCOME_ASSIGNED] + counts[OUTCOME_UNCHANGED] >= DEVICES);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_workers_run(&pipeline);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_alone_loses_nothing),
        cmocka_unit_test(a_lost_batch_is_told_and_put_back),
        cmocka_unit_test(a_lost_run_is_told),
        cmocka_unit_test(a_closing_that_is_forgotten_finds_its_manifest),
        cmocka_unit_test(the_chain_does_not_fork),
        cmocka_unit_test(changes_that_are_forgotten_are_found_made),
        cmocka_unit_test(loses_power_under_load),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

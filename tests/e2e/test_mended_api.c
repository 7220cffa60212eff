/*
 * Faults of the engine that were found and mended, where they met the API or the evidence: each row of this
 * program is one that a run once got stuck on, lost time by, or told wrongly.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "harness/pipeline.h"

#define END_MS 60000

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void set_faults(struct pipeline *pipeline, const char *rules)
{
    struct err err = ERR_INIT;

    must(abmsim_set_faults(&pipeline->sim, rules, &err), &err);
}

struct stat_wait {
    struct pipeline *pipeline;
    const char *name;
    int64_t at_least;
};

static bool has_counted(void *user)
{
    struct stat_wait *wait = user;

    return pipeline_stat(wait->pipeline, wait->name) >= wait->at_least;
}

struct length_wait {
    struct pipeline *pipeline;
    const char *stream;
    int64_t at_least;
};

static bool is_so_long(void *user)
{
    struct length_wait *wait = user;

    return desk_number(&wait->pipeline->desk, "XLEN", wait->stream, NULL) >= wait->at_least;
}

static void assert_ended_well(struct pipeline *pipeline)
{
    pipeline_assert_no_letters(pipeline);
    pipeline_assert_clean(pipeline);
    pipeline_assert_evidence_whole(pipeline);
    pipeline_assert_no_violations(pipeline);
    pipeline_assert_workers_run(pipeline);
}

/* No other device can speak for the operation: the breaker opens, closes, and the device is tried anew. */
static void a_single_device_gets_over_one_500(void **state)
{
    static struct pipeline pipeline;
    /* The last look follows api.timeout and 5 s, as after any request whose effect may be late. */
    struct pipeline_options options = { .bin = TEST_BIN, .api = "timeout: 1s" };
    struct pipeline_result result;

    (void)state;
    pipeline_start(&pipeline, &options);
    set_faults(&pipeline, "[{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":500,\"times\":1}]");
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "one.csv", "C", 1), 20000, &result);
    print_message("one device and one 500: %lld ms\n", (long long)result.ms);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 1);
    assert_int_equal(pipeline_stat(&pipeline, "by_status.500"), 1);
    assert_true(pipeline_log_count(&pipeline, "\"breaker_opened\"") <= 1);
    pipeline_assert_all(&pipeline, result.run, "C", 1, OUTCOME_ASSIGNED);
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

/* Who waits for the limiter does not hang: its messages stay its own however long the pause. */
static void nothing_is_taken_over_in_a_long_pause(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .stages = "  assign: { lease: 1s, max_hold: 2s }\n",
                                        .api = "timeout: 450ms",
                                        .copies = { [PIPELINE_ASSIGN] = 2 } };
    struct pipeline_result result;

    (void)state;
    pipeline_start(&pipeline, &options);
    set_faults(&pipeline, "[{\"op\":\"putAssignment\",\"kind\":\"rate429\",\"retry_after\":\"seconds:8\","
                          "\"after\":5,\"times\":1}]");
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "C", 100), END_MS, &result);
    if (result.ms < 7900)
        fail_msg("it ended in %lld ms: there was no pause", (long long)result.ms);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 100);
    assert_int_equal(pipeline_stat(&pipeline, "by_status.429"), 1);
    assert_int_equal(pipeline_stat(&pipeline, "early_after_429"), 0);
    assert_int_equal(pipeline_log_count(&pipeline, "\"reclaimed\""), 0);
    assert_int_equal(pipeline_log_count(&pipeline, "\"lost_message\""), 0);
    assert_int_equal(pipeline_log_count(&pipeline, "\"split_crasher\""), 0);
    assert_int_equal(pipeline_log_count(&pipeline, "worker_crashed"), 0);
    pipeline_assert_all(&pipeline, result.run, "C", 100, OUTCOME_ASSIGNED);
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

struct twins {
    int assigned, duplicate;
};

static void count_twin(void *user, const struct device *record)
{
    struct twins *twins = user;

    assert_string_equal(record->serial, "C00000000000");
    assert_int_equal(record->row, 1);
    twins->assigned += record->outcome == OUTCOME_ASSIGNED;
    twins->duplicate += record->outcome == OUTCOME_DUPLICATE;
}

/* A producer without rows counts them anew in each batch: one row and serial, told twice, is no doubled
 * record. */
static void the_same_serial_in_the_same_place_of_two_batches(void **state)
{
    static const char form[] = "{\"version\":1,\"run\":\"twice\",\"batch\":%d,\"batches\":2,\"devices\":["
                               "{\"serial\":\"C00000000000\",\"country\":\"DE\"}]}";
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    struct twins twins = { 0 };
    char body[256];

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    for (int batch = 1; batch <= 2; batch++) {
        snprintf(body, sizeof(body), form, batch);
        redis_reply_free(desk_ask(&pipeline.desk, "XADD", "@ingest", "*", "batch", body, NULL));
    }
    assert_true(pipeline_wait_state(&pipeline, "twice", "closed", 20000));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:twice", "assigned", NULL), 1);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:twice", "duplicate", NULL), 1);
    assert_int_equal(pipeline_records(&pipeline, "twice", count_twin, &twins), 2);
    assert_int_equal(twins.assigned, 1);
    assert_int_equal(twins.duplicate, 1);
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

/* Ends all connections of the one assign worker; false where it has none at this moment. */
static bool kills_connections(void *user)
{
    struct pipeline *pipeline = user;
    struct redis_reply *consumers =
        desk_ask(&pipeline->desk, "XINFO", "CONSUMERS", "@assign", "assign", NULL);
    struct redis_reply *list = desk_ask(&pipeline->desk, "CLIENT", "LIST", NULL);
    const char *consumer = redis_text(redis_field(redis_at(consumers, 0), "name"), NULL);
    char wanted[160], id[32];
    int count = 0;

    assert_int_equal(redis_count(consumers), 1);
    snprintf(wanted, sizeof(wanted), " name=%s ", consumer);
    for (const char *line = redis_text(list, NULL); line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n'), *name = strstr(line, wanted);

        if (name != NULL && (end == NULL || name < end) && sscanf(line, "id=%31[0-9]", id) == 1) {
            redis_reply_free(desk_ask(&pipeline->desk, "CLIENT", "KILL", "ID", id, NULL));
            count++;
        }
        line = end != NULL ? end + 1 : NULL;
    }
    redis_reply_free(consumers);
    redis_reply_free(list);
    return count > 0;
}

static void assert_no_attempt(void *user, const struct device *record)
{
    (void)user;
    if (record->attempts != 0)
        fail_msg("%s has %lld attempts", record->serial, (long long)record->attempts);
}

/* A connection to Redis that breaks is no outage of the API, and no device's fault. */
static void a_lost_connection_opens_no_breaker(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    struct stat_wait wait = { .pipeline = &pipeline, .name = "by_operation.putAssignment" };
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    pipeline_start(&pipeline, &options);
    set_faults(&pipeline, "[{\"op\":\"putAssignment\",\"kind\":\"slow\",\"ms\":300}]");
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "C", 60), NULL);
    for (int i = 0; i < 3; i++) {
        wait.at_least = 1 + 10 * i;
        assert_true(proc_until(has_counted, &wait, 20000));
        assert_true(proc_until(kills_connections, &pipeline, 10000));
        assert_int_equal(desk_number(&pipeline.desk, "EXISTS", "@pause:api", NULL), 0);
    }
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 60);
    assert_true(pipeline_log_count(&pipeline, "redis_lost") >= 1);
    assert_int_equal(pipeline_log_count(&pipeline, "\"breaker_opened\""), 0);
    assert_int_equal(pipeline_records(&pipeline, result.run, assert_no_attempt, NULL), 60);
    pipeline_assert_all(&pipeline, result.run, "C", 60, OUTCOME_ASSIGNED);
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

static bool has_been_put(void *user)
{
    struct pipeline *pipeline = user;
    struct abmsim_device device;
    struct err err = ERR_INIT;

    return abmsim_device(&pipeline->sim, "C00000000007", &device, &err) == 1 && device.puts_received > 0;
}

/* The time that a 503 names wins over the stage's own back-off, though it is charged to nobody yet. */
static void a_503_with_retry_after_is_waited_for(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .stages = "  assign: { retry: { base: 100ms, cap: 200ms } }\n" };
    struct stat_wait refused = { &pipeline, "by_status.503", 1 };
    struct pipeline_result result;
    struct pipeline_push push;
    int64_t before, after;

    (void)state;
    pipeline_start(&pipeline, &options);
    set_faults(&pipeline, "[{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":503,\"retry_after\":"
                          "\"seconds:3\",\"serial\":\"C00000000007\",\"times\":1}]");
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "C", 30), NULL);
    assert_true(proc_until(has_counted, &refused, 20000));
    before = clock_boot_ms();
    assert_true(proc_until(has_been_put, &pipeline, 20000));
    after = clock_boot_ms();
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    /* The answer is seen up to some polls after it was given; the back-off alone would be 200 ms. */
    if (after - before < 2700)
        fail_msg("the next PUT came %lld ms after a Retry-After of 3 s", (long long)(after - before));
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 30);
    pipeline_assert_all(&pipeline, result.run, "C", 30, OUTCOME_ASSIGNED);
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

struct said_wait {
    const char *path, *text;
};

static bool has_said(void *user)
{
    struct said_wait *wait = user;
    struct err err = ERR_INIT;
    struct buf text;
    bool is;

    buf_init(&text, 1 << 20);
    is = fsio_read(wait->path, &text, &err) == 0 && text.len > 0 && strstr(text.data, wait->text) != NULL;
    buf_release(&text);
    return is;
}

/*
 * Redis is full when the workers come anew: what dead ones had in hand, what waits between the stages and
 * what waits before the first (where no stage has ever read) drains; only a push waits.
 */
static void new_workers_drain_a_full_redis(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .stages = "  validate: { lease: 2s }\n  import: { lease: 2s }\n" };
    struct length_wait handed_on = { &pipeline, "@assign", 1 }, waits = { &pipeline, "@ingest", 1 };
    struct pipeline_push first, second, third;
    struct said_wait said = { third.err_path, "waiting: Redis is full" };
    struct pipeline_result result;

    (void)state;
    pipeline_start(&pipeline, &options);
    set_faults(&pipeline, "[{\"op\":\"importDevices\",\"kind\":\"slow\",\"ms\":300}]");
    pipeline_start_worker(&pipeline, PIPELINE_VALIDATE, 0);
    pipeline_start_worker(&pipeline, PIPELINE_IMPORT, 0);
    pipeline_push_begin(&pipeline, &first, pipeline_csv(&pipeline, "first.csv", "C", 1000), NULL);
    assert_true(proc_until(is_so_long, &handed_on, 20000));
    pipeline_kill_worker(&pipeline, PIPELINE_IMPORT, 0);
    pipeline_kill_worker(&pipeline, PIPELINE_VALIDATE, 0);
    assert_true(desk_number(&pipeline.desk, "XLEN", "@import", NULL) > 0);
    pipeline_push_begin(&pipeline, &second, pipeline_csv(&pipeline, "second.csv", "D", 200), NULL);
    assert_true(proc_until(is_so_long, &waits, 20000));
    redis_reply_free(desk_ask(&pipeline.desk, "CONFIG", "SET", "maxmemory", "1mb", NULL));
    pipeline_push_begin(&pipeline, &third, pipeline_csv(&pipeline, "third.csv", "E", 100), NULL);
    assert_true(proc_until(has_said, &said, 20000));
    pipeline_start_workers(&pipeline);
    pipeline_push_end(&pipeline, &first, END_MS, &result);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 1000);
    pipeline_push_end(&pipeline, &second, END_MS, &result);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 200);
    assert_false(pipeline_push_ends(&third, 0));
    redis_reply_free(desk_ask(&pipeline.desk, "CONFIG", "SET", "maxmemory", "0", NULL));
    pipeline_push_end(&pipeline, &third, END_MS, &result);
    assert_int_equal(result.assigned, 100);
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

static void assert_cancelled(void *user, const struct device *record)
{
    (void)user;
    if (record->outcome != OUTCOME_CANCELLED)
        fail_msg("%s ended %s", record->serial, outcome_name(record->outcome));
}

static void push_batch(struct pipeline *pipeline, int batch, int batches)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_addf(&text, "{\"version\":1,\"run\":\"late\",\"batch\":%d,\"batches\":%d,\"devices\":[", batch,
             batches);
    for (int i = 0; i < 500; i++)
        buf_addf(&text, "%s{\"row\":%d,\"serial\":\"C%011d\",\"country\":\"DE\"}", i > 0 ? "," : "",
                 batch * 500 + i, batch * 500 + i);
    buf_add_str(&text, "]}");
    assert_false(text.is_failed);
    redis_reply_free(desk_ask(&pipeline->desk, "XADD", "@ingest", "*", "batch", text.data, NULL));
    buf_release(&text);
}

static bool has_ended_500(void *user)
{
    struct pipeline *pipeline = user;

    return desk_number(&pipeline->desk, "HGET", "@run:late", "ended", NULL) >= 500;
}

/* A cancelled run waits for those of its batches that are on ingest already, and for no others. */
static void a_cancel_reaches_what_waits_in_ingest(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    struct length_wait read = { &pipeline, "@import", 1 };

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_worker(&pipeline, PIPELINE_VALIDATE, 0);
    push_batch(&pipeline, 1, 4);
    assert_true(proc_until(is_so_long, &read, 20000));
    pipeline_stop_workers(&pipeline, 10000);
    push_batch(&pipeline, 2, 4);
    push_batch(&pipeline, 3, 4); /* the fourth never comes */
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "cancel", "--run", "late", NULL), 0, NULL, NULL);
    for (int stage = PIPELINE_IMPORT; stage < PIPELINE_STAGES; stage++)
        pipeline_start_worker(&pipeline, (enum pipeline_stage)stage, 0);
    assert_true(proc_until(has_ended_500, &pipeline, 20000)); /* all there is but for what ingest holds */
    pipeline_start_worker(&pipeline, PIPELINE_VALIDATE, 0);
    assert_true(pipeline_wait_state(&pipeline, "late", "cancelled", END_MS));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:late", "cancelled", NULL), 1500);
    assert_int_equal(pipeline_records(&pipeline, "late", assert_cancelled, NULL), 1500);
    assert_int_equal(pipeline_stat(&pipeline, "puts_received"), 0);
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_device_gets_over_one_500),
        cmocka_unit_test(nothing_is_taken_over_in_a_long_pause),
        cmocka_unit_test(the_same_serial_in_the_same_place_of_two_batches),
        cmocka_unit_test(a_lost_connection_opens_no_breaker),
        cmocka_unit_test(a_503_with_retry_after_is_waited_for),
        cmocka_unit_test(new_workers_drain_a_full_redis),
        cmocka_unit_test(a_cancel_reaches_what_waits_in_ingest),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Bad input from where the pipeline looks: what any producer may put on the ingest stream, a Redis that is
 * full or too old, a token that is wrong, a base URL that serves web pages. Always a named reason, nothing
 * lost, nobody stopped.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "harness/old_redis.h"
#include "harness/pipeline.h"

#define END_MS 60000

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void send(struct pipeline *pipeline, const char *body)
{
    redis_reply_free(desk_ask(&pipeline->desk, "XADD", "@ingest", "*", "batch", body, NULL));
}

/* A batch of count devices, serials PREFIX00000..., countries DE; pad: blanks behind it. */
static char *batch_of(const char *run, int batch, int batches, const char *prefix, int count, size_t pad)
{
    struct buf text;

    buf_init(&text, 4 * 1024 * 1024);
    buf_addf(&text, "{\"version\":1,\"run\":\"%s\",\"batch\":%d,\"batches\":%d,\"devices\":[", run, batch,
             batches);
    for (int i = 0; i < count; i++)
        buf_addf(&text, "%s{\"row\":%d,\"serial\":\"%s%05d\",\"country\":\"DE\"}", i > 0 ? "," : "", i + 1,
                 prefix, i);
    buf_add_str(&text, "]}");
    while (pad-- > 0)
        buf_add_char(&text, ' ');
    assert_false(text.is_failed);
    return buf_detach(&text);
}

struct letter_wait {
    struct pipeline *pipeline;
    int64_t count;
};

static bool has_letters(void *user)
{
    struct letter_wait *wait = user;

    return pipeline_letters(wait->pipeline, PIPELINE_VALIDATE) >= wait->count;
}

/* The letter that was laid last names this code and run, and says this. */
static void assert_letter(struct pipeline *pipeline, const char *what, const char *code, const char *run,
                          const char *says)
{
    struct redis_reply *reply =
        desk_ask(&pipeline->desk, "XREVRANGE", "@dead:validate", "+", "-", "COUNT", "1", NULL);
    const struct redis_reply *letter = redis_at(redis_at(reply, 0), 1);
    const char *text = redis_text(redis_field(letter, "text"), NULL);

    if (strcmp(redis_text(redis_field(letter, "code"), NULL), code) != 0 ||
        strcmp(redis_text(redis_field(letter, "run"), NULL), run) != 0 || strstr(text, says) == NULL)
        fail_msg("%s: the letter says %s of run '%s': %s", what,
                 redis_text(redis_field(letter, "code"), NULL), redis_text(redis_field(letter, "run"), NULL),
                 text);
    redis_reply_free(reply);
}

static void whatever_stands_on_ingest(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    char *many = batch_of("many", 1, 1, "M000000", 1001, 0),
         *large = batch_of("large", 1, 1, "L000000", 10, 1 << 20);
    char *good = batch_of("good", 1, 1, "G000000", 50, 0), *last = batch_of("last", 1, 1, "H000000", 50, 0);
    const struct {
        const char *what, *body, *code, *run, *says;
    } rows[] = {
        { "no JSON", "{\"version\":1,\"run\":\"cut\",\"devi", "message_malformed", "", "byte" },
        { "no object", "[1,2]", "message_malformed", "", "wanted an object" },
        { "a number for a serial",
          "{\"version\":1,\"run\":\"types\",\"devices\":[{\"serial\":\"T00000000001\",\"country\":\"DE\"},"
          "{\"serial\":5,\"country\":\"DE\"}]}",
          "message_malformed", "types", "devices[1].serial: " },
        { "a text for the devices", "{\"version\":1,\"run\":\"types2\",\"devices\":\"none\"}",
          "message_malformed", "types2", "devices: " },
        { "1,001 devices", many, "message_too_many", "many", "1001" },
        { "over 1 MiB", large, "message_too_large", "large", "bytes" },
        { "a run id with a blank",
          "{\"version\":1,\"run\":\"-a b\",\"devices\":[{\"serial\":\"T00000000002\",\"country\":\"DE\"}]}",
          "message_malformed", "", "'-a b' is no run id" },
    };
    struct letter_wait wait = { &pipeline, 0 };
    struct err err = ERR_INIT;
    struct abmsim_device device;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    send(&pipeline, good);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        send(&pipeline, rows[i].body);
        wait.count = (int64_t)i + 1;
        if (!proc_until(has_letters, &wait, END_MS))
            fail_msg("%s: no letter", rows[i].what);
        assert_letter(&pipeline, rows[i].what, rows[i].code, rows[i].run, rows[i].says);
        if (rows[i].run[0] != '\0' && !pipeline_wait_state(&pipeline, rows[i].run, "incomplete", END_MS))
            fail_msg("%s: run %s did not end as incomplete", rows[i].what, rows[i].run);
    }
    send(&pipeline, last);
    assert_true(pipeline_wait_state(&pipeline, "good", "closed", END_MS));
    assert_true(pipeline_wait_state(&pipeline, "last", "closed", END_MS));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:good", "assigned", NULL), 50);
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:last", "assigned", NULL), 50);
    assert_int_equal(abmsim_device(&pipeline.sim, "T00000000001", &device, &err),
                     0); /* a whole batch or nothing */
    assert_int_equal(pipeline_letters(&pipeline, PIPELINE_VALIDATE), sizeof(rows) / sizeof(rows[0]));
    pipeline_assert_workers_run(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_stop(&pipeline);
    free(many);
    free(large);
    free(good);
    free(last);
}

struct number_wait {
    struct pipeline *pipeline;
    const char *command, *key;
    int64_t number;
};

static bool is_number(void *user)
{
    struct number_wait *wait = user;

    return desk_number(&wait->pipeline->desk, wait->command, wait->key, NULL) == wait->number;
}

/* A newer producer: its batch waits for a worker that knows it. Another batch under a number that came is a
 * letter. */
static void newer_and_conflicting_batches(void **state)
{
    static const char newer[] = "{\"version\":2,\"run\":\"newer\",\"devices\":{\"shape\":\"unknown\"}}";
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    char *first = batch_of("pair", 1, 2, "P000000", 20, 0), *other = batch_of("pair", 1, 2, "Q000000", 20, 0);
    char *second = batch_of("pair", 2, 2, "R000000", 20, 0);
    struct number_wait parked = { &pipeline, "ZCARD", "@retry:validate", 1 };
    struct letter_wait wait = { &pipeline, 1 };
    struct err err = ERR_INIT;
    struct redis_reply *due;
    char log[192];
    struct buf text;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    send(&pipeline, newer);
    assert_true(proc_until(is_number, &parked, END_MS));
    due = desk_ask(&pipeline.desk, "ZRANGE", "@retry:validate", "0", "0", NULL);
    assert_string_equal(redis_text(redis_at(due, 0), NULL), newer); /* byte for byte */
    redis_reply_free(due);
    send(&pipeline, first);
    send(&pipeline, first); /* the same again is dropped */
    send(&pipeline, other);
    assert_true(proc_until(has_letters, &wait, END_MS));
    assert_letter(&pipeline, "another batch 1", "batch_conflict", "pair", "");
    send(&pipeline, second);
    assert_true(pipeline_wait_state(&pipeline, "pair", "closed", END_MS));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:pair", "assigned", NULL), 40);
    assert_int_equal(desk_number(&pipeline.desk, "EXISTS", "@run:newer", NULL), 0);
    assert_int_equal(pipeline_letters(&pipeline, PIPELINE_VALIDATE), 1);
    assert_true(is_number(&parked));
    snprintf(log, sizeof(log), "%s/validate-0.log", pipeline.desk.dir);
    buf_init(&text, 1 << 20);
    must(fsio_read(log, &text, &err), &err);
    assert_non_null(strstr(text.data, "message_newer"));
    buf_release(&text);
    pipeline_stop(&pipeline);
    free(first);
    free(other);
    free(second);
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

struct stat_wait {
    struct pipeline *pipeline;
    int64_t puts;
};

static bool has_put(void *user)
{
    struct stat_wait *wait = user;
    struct err err = ERR_INIT;

    return abmsim_stat(&wait->pipeline->sim, "by_operation.putAssignment", &err) >= wait->puts;
}

/* Redis at maxmemory: what is under way ends, evidence and all; a push waits, says so, and goes on. */
static void a_full_redis(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .rate_limit = "{ requests: 200, per: 1s, burst: 20 }" };
    struct stat_wait put = { &pipeline, 20 };
    struct pipeline_result result;
    struct pipeline_push first, second;
    struct said_wait said = { second.err_path, "waiting: Redis is full" };

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &first, pipeline_csv(&pipeline, "first.csv", "C", 600), NULL);
    assert_true(proc_until(has_put, &put, END_MS));
    redis_reply_free(desk_ask(&pipeline.desk, "CONFIG", "SET", "maxmemory", "1mb", NULL));
    pipeline_push_begin(&pipeline, &second, pipeline_csv(&pipeline, "second.csv", "D", 100), NULL);
    assert_true(proc_until(has_said, &said, END_MS));
    pipeline_push_end(&pipeline, &first, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 600);
    assert_string_equal(result.state, "closed");
    assert_false(pipeline_push_ends(&second, 0));
    redis_reply_free(desk_ask(&pipeline.desk, "CONFIG", "SET", "maxmemory", "0", NULL));
    pipeline_push_end(&pipeline, &second, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 100);
    pipeline_assert_workers_run(&pipeline);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_stop(&pipeline);
}

/* Redis 6.2: every program refuses it by name before it asks for anything else. */
static void a_redis_too_old(void **state)
{
    static const char *const programs[][4] = { { "abm-validate" },
                                               { "abm-import" },
                                               { "abm-assign" },
                                               { "abm-verify" },
                                               { "abm-audit" },
                                               { "abmctl", "--json", "status" },
                                               { "abmctl", "--json", "dead", "list" } };
    static struct desk desk;
    struct old_redis *old;
    struct err err = ERR_INIT;
    char url[64];

    (void)state;
    desk_start(&desk, "");
    assert_int_equal(desk_ctl(&desk, "audit", "keygen", "--out", desk_path(&desk, "audit.key"), NULL), 0);
    must(old_redis_start(&old, &err), &err);
    snprintf(url, sizeof(url), "ABM_REDIS__URL=redis://127.0.0.1:%d/0", old_redis_port(old));
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        char program[512];
        const char *argv[] = { program,        "--config",     desk.config, programs[i][1],
                               programs[i][2], programs[i][3], NULL };
        const char *env[] = { url, "ABM_ORG", NULL };
        struct said_wait said = { desk.err_path, "redis_version" }, version = { desk.err_path, "6.2.14" };
        struct proc_options options = {
            .argv = argv, .env = env, .stdout_file = desk.err_path, .stderr_file = desk.err_path
        };
        int status;

        snprintf(program, sizeof(program), "%s/%s", TEST_BIN, programs[i][0]);
        status = proc_run(&options, 20000, &err);
        if (status != 69 || !has_said(&said) || !has_said(&version))
            fail_msg("%s %s: status %d, see what it said in %s", programs[i][0],
                     programs[i][2] != NULL ? programs[i][2] : "", status, desk.err_path);
    }
    assert_int_equal(old_redis_refused(old), 0);
    old_redis_stop(old);
    desk_stop(&desk);
}

static void write_token(const struct pipeline *pipeline, const char *token)
{
    struct err err = ERR_INIT;

    must(fsio_write(desk_path(&pipeline->desk, "token"), token, strlen(token), 0600, &err), &err);
}

struct status_wait {
    struct pipeline *pipeline;
    const char *text;
};

static bool status_says(void *user)
{
    struct status_wait *wait = user;

    return desk_ctl(&wait->pipeline->desk, "status", NULL) == 0 &&
           strstr(wait->pipeline->desk.out.data, wait->text) != NULL;
}

/* The organization's trouble: the breaker opens with its reason, no device pays for it, and the end of it is
 * seen. */
static void trouble(struct pipeline *pipeline, const char *code, void (*mend)(struct pipeline *pipeline))
{
    struct status_wait wait = { pipeline, "breaker" };
    struct pipeline_result result;
    struct pipeline_push push;

    pipeline_push_begin(pipeline, &push, pipeline_csv(pipeline, "devices.csv", "C", 300), NULL);
    if (!proc_until(status_says, &wait, END_MS))
        fail_msg("status does not name the breaker:\n%s", pipeline->desk.out.data);
    assert_string_equal(desk_text(&pipeline->desk, "HGET", "@pause:api", "code", NULL), code);
    assert_false(pipeline_push_ends(&push, 1000));
    pipeline_assert_no_letters(pipeline);
    mend(pipeline);
    pipeline_push_end(pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 300);
    pipeline_assert_workers_run(pipeline);
    pipeline_assert_no_letters(pipeline);
    pipeline_assert_clean(pipeline);
    pipeline_assert_no_violations(pipeline);
}

static void replace_token(struct pipeline *pipeline)
{
    write_token(pipeline, "the-good-one\n");
}

static void a_wrong_token(void **state)
{
    static const char *const sim[] = { "--token", "the-good-one", NULL };
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .sim_options = sim };

    (void)state;
    setenv("ABM_ORGS__ACME__API__TOKEN", "file:token", 1);
    pipeline_start(&pipeline, &options);
    write_token(&pipeline, "a-wrong-one\n");
    pipeline_start_workers(&pipeline);
    trouble(&pipeline, "abm_unauthorized", replace_token);
    pipeline_stop(&pipeline);
    unsetenv("ABM_ORGS__ACME__API__TOKEN");
}

static void end_faults(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;

    must(abmsim_set_faults(&pipeline->sim, "[]", &err), &err);
}

static void a_base_url_of_web_pages(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    struct err err = ERR_INIT;

    (void)state;
    pipeline_start(&pipeline, &options);
    must(abmsim_set_faults(&pipeline.sim, "[{\"op\":\"*\",\"kind\":\"html\"}]", &err), &err);
    pipeline_start_workers(&pipeline);
    trouble(&pipeline, "abm_unreadable", end_faults);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_stands_on_ingest),
        cmocka_unit_test(newer_and_conflicting_batches),
        cmocka_unit_test(a_full_redis),
        cmocka_unit_test(a_redis_too_old),
        cmocka_unit_test(a_wrong_token),
        cmocka_unit_test(a_base_url_of_web_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

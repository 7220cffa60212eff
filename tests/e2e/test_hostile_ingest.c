/*
 * Whoever may write to Redis may write anything: bytes of every kind on the ingest stream and on the streams
 * between the stages. Each becomes a letter that says where it is wrong, no worker stops, no run is left open
 * by it, nothing is written beyond the evidence of its own run, and what is shown holds no control character.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/pipeline.h"

#define END_MS 60000
#define DEVICE "{\"serial\":\"FVFGH2345678\",\"country\":\"JP\"}"

static void add(struct pipeline *pipeline, const char *stream, const char *field, const char *body,
                size_t len)
{
    struct redis_reply *reply;
    struct redis_args args;
    struct err err = ERR_INIT;
    char key[KEY_MAX_BYTES];

    redis_args_init(&args);
    redis_arg(&args, "XADD");
    redis_arg(&args, keys_make(&pipeline->desk.keys, stream, NULL, key));
    redis_arg(&args, "*");
    redis_arg(&args, field);
    redis_arg_len(&args, body, len);
    if (redis_call(pipeline->desk.redis, &args, &reply, &err) != 0)
        fail_msg("XADD %s: %s", stream, err.text);
    redis_reply_free(reply);
    redis_args_release(&args);
}

static void send(struct pipeline *pipeline, const char *body)
{
    add(pipeline, "ingest", "batch", body, strlen(body));
}

/* count times text, between front and back. */
static char *repeat(const char *front, const char *text, size_t count, const char *back)
{
    struct buf out;

    buf_init(&out, 32u << 20);
    buf_add_str(&out, front);
    while (count-- > 0)
        buf_add_str(&out, text);
    buf_add_str(&out, back);
    assert_false(out.is_failed);
    return buf_detach(&out);
}

struct letters_wait {
    struct pipeline *pipeline;
    enum pipeline_stage stage;
    int64_t count;
};

static bool has_letters(void *user)
{
    struct letters_wait *wait = user;

    return pipeline_letters(wait->pipeline, wait->stage) >= wait->count;
}

static void wait_letter(struct letters_wait *wait, const char *what)
{
    wait->count++;
    if (!proc_until(has_letters, wait, END_MS))
        fail_msg("%s: no letter at %s", what, pipeline_stage_name(wait->stage));
}

/* A letter's text, of the last one. */
static void assert_says(struct pipeline *pipeline, const char *stage, const char *what, const char *says)
{
    char key[64];
    struct redis_reply *reply;
    const char *text;

    snprintf(key, sizeof(key), "@dead:%s", stage);
    reply = desk_ask(&pipeline->desk, "XREVRANGE", key, "+", "-", "COUNT", "1", NULL);
    text = redis_text(redis_field(redis_at(redis_at(reply, 0), 1), "text"), NULL);
    if (strstr(text, says) == NULL)
        fail_msg("%s: the letter says: %s", what, text);
    redis_reply_free(reply);
}

/* "assign:1764000000000-0" */
static void last_letter(struct pipeline *pipeline, const char *stage, char id[128])
{
    struct redis_reply *reply;
    char key[64];

    snprintf(key, sizeof(key), "@dead:%s", stage);
    reply = desk_ask(&pipeline->desk, "XREVRANGE", key, "+", "-", "COUNT", "1", NULL);
    snprintf(id, 128, "%s:%s", stage, redis_text(redis_at(redis_at(reply, 0), 0), NULL));
    redis_reply_free(reply);
}

static bool is_nothing_open(void *user)
{
    return desk_number(&((struct pipeline *)user)->desk, "HLEN", "@runs:open", NULL) == 0;
}

/* What an operator sees of it all, as it goes to a terminal. */
static void assert_shown_clean(struct pipeline *pipeline)
{
    static const char *const verbs[][3] = {
        { "status" }, { "run", "list" }, { "dead", "list" }, { "run", "show", "escapes" }
    };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        desk_expect(&pipeline->desk, desk_ctl(&pipeline->desk, verbs[i][0], verbs[i][1], verbs[i][2], NULL),
                    0, NULL, NULL);
        for (const char *at = pipeline->desk.out.data; at != NULL && *at != '\0'; at++)
            if ((unsigned char)*at < 0x20 && *at != '\n')
                fail_msg("%s %s shows the byte %02x", verbs[i][0], verbs[i][1] != NULL ? verbs[i][1] : "",
                         *at);
    }
}

static void any_bytes_on_ingest(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    char *deep = repeat("{\"version\":1,\"run\":\"deep\",\"devices\":", "[", 100000, ""),
         *digits = repeat("{\"version\":1,\"run\":\"digits\",\"batch\":", "9", 100000, ",\"devices\":[]}"),
         *large = repeat("{\"run\":\"large\",\"version\":1,\"x\":\"", "0123456789abcdef", 1u << 20, "");
    const struct {
        const char *what, *body, *says;
    } rows[] = {
        { "nothing", "", "byte 0" },
        { "deep", deep, "nested too deep" },
        { "a number of many digits", digits, "a number of more than" },
        { "16 MiB cut short", large, "at most 1048576" },
        { "a byte order mark", "\xef\xbb\xbf{\"version\":1,\"devices\":[" DEVICE "]}", "byte 0" },
        { "no UTF-8", "{\"version\":1,\"operator\":\"\xff\xfe\",\"devices\":[" DEVICE "]}", "not UTF-8" },
        { "half a surrogate", "{\"version\":1,\"operator\":\"\\ud800\",\"devices\":[]}", "surrogate" },
        { "an escaped NUL", "{\"version\":1,\"operator\":\"a\\u0000b\",\"devices\":[]}", "\\u0000" },
        { "a name twice", "{\"version\":1,\"run\":\"a\",\"run\":\"b\",\"devices\":[]}", "stands twice" },
        { "a huge version", "{\"version\":1e999,\"devices\":[]}", "version" },
        { "a huge row",
          "{\"version\":1,\"devices\":[{\"serial\":\"FVFGH2345678\",\"country\":\"JP\",\"row\":1e300}]}",
          "devices[0].row" },
        { "a path for a run", "{\"version\":1,\"run\":\"../../etc/cron.d/x\",\"devices\":[" DEVICE "]}",
          "no run id" },
        { "a hidden run", "{\"version\":1,\"run\":\"..\",\"devices\":[" DEVICE "]}", "no run id" },
        { "a path for a mapping",
          "{\"version\":1,\"mapping_sha256\":\"../../etc/passwd\",\"devices\":[" DEVICE "]}",
          "mapping_sha256" },
        { "two documents", "{\"version\":1,\"devices\":[" DEVICE "]}{}", "behind the value" },
        { "a part that names no place",
          "{\"version\":1,\"run\":\"part1\",\"part\":{\"path\":\"2\",\"sha256\":\""
          "0000000000000000000000000000000000000000000000000000000000000000\",\"total\":5},\"devices\":"
          "[" DEVICE "]}",
          "part.path" },
        { "a part of what never came",
          "{\"version\":1,\"run\":\"part2\",\"part\":{\"path\":\"0\",\"sha256\":\""
          "0000000000000000000000000000000000000000000000000000000000000000\",\"total\":5},\"devices\":"
          "[" DEVICE "]}",
          "which did not come" },
    };
    struct letters_wait wait = { &pipeline, PIPELINE_VALIDATE, 0 };

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        send(&pipeline, rows[i].body);
        wait_letter(&wait, rows[i].what);
        assert_says(&pipeline, "validate", rows[i].what, rows[i].says);
    }
    add(&pipeline, "ingest", "batch", "\0{}", 3);
    wait_letter(&wait, "a NUL");
    add(&pipeline, "ingest", "other", "field", 5);
    wait_letter(&wait, "another field");
    send(&pipeline,
         "{\"version\":1,\"run\":\"escapes\",\"operator\":\"\\u001b[2J\\u202e\",\"source\":{\"name\":"
         "\"\\u001b]0;x\\u0007\"},\"devices\":[{\"serial\":\"\\u001b[31m\",\"country\":\"\\u009b\"}],"
         "\"rejected\":[{\"row\":9,\"serial\":\"\\u0007\",\"code\":\"serial_format\",\"text\":"
         "\"\\u001b[2J\"}]}");
    assert_true(pipeline_wait_state(&pipeline, "escapes", "closed", END_MS));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:escapes", "rejected", NULL), 2);
    assert_true(proc_until(is_nothing_open, &pipeline, END_MS));
    assert_shown_clean(&pipeline);
    pipeline_assert_workers_run(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_stop(&pipeline);
    free(deep);
    free(digits);
    free(large);
}

static void any_bytes_between_the_stages(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    char *large = repeat("{", " ", 200u << 10, "}"), id[128];
    const struct {
        const char *what, *body;
        size_t len;
    } rows[] = {
        { "nothing", "", 0 },
        { "a NUL", "\0", 1 },
        { "cut", "{\"version\":1,\"uid\":\"u\",\"run\":\"r\",\"n\":1,\"devi", 44 },
        { "a path for a uid", "{\"version\":1,\"uid\":\"../../x\",\"run\":\"r\",\"n\":0,\"close\":true}",
          57 },
        { "a path for a run", "{\"version\":1,\"uid\":\"u\",\"run\":\"../../x\",\"n\":0,\"close\":true}",
          57 },
        { "large", large, strlen(large) },
    };
    static const char wrong[] = "{\"version\":1,\"\x1b[2J";

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    for (int stage = PIPELINE_IMPORT; stage < PIPELINE_STAGES; stage++) {
        struct letters_wait wait = { &pipeline, (enum pipeline_stage)stage, 0 };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            add(&pipeline, pipeline_stage_name(wait.stage), "m", rows[i].body, rows[i].len);
            wait_letter(&wait, rows[i].what);
        }
        /* It is kept as it came, and shown so that a person can tell what it was. */
        add(&pipeline, pipeline_stage_name(wait.stage), "m", wrong, sizeof(wrong) - 1);
        wait_letter(&wait, "an escape");
        last_letter(&pipeline, pipeline_stage_name(wait.stage), id);
        desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "dead", "show", id, NULL), 0,
                    "message  {\"version\":1,\"\\x1b[2J", NULL);
    }
    pipeline_assert_workers_run(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_on_ingest),
        cmocka_unit_test(any_bytes_between_the_stages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

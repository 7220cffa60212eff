/* What is asserted of a pipeline: its evidence, what is left in Redis, and what the simulator saw. */
#include "harness/pipeline.h"
#include "queue/lanes.h"

#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/str.h"
#include "evidence/record.h"

#define DRAIN_MS                                                                                             \
    40000 /* claims kept on: api.timeout (at most 15 s here) + 5 s, and the tick that ends them */

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

int64_t pipeline_records(struct pipeline *pipeline, const char *run,
                         void (*see)(void *user, const struct device *record), void *user)
{
    struct pool *pool = pool_new(1 << 20);
    struct err err = ERR_INIT;
    struct device record;
    int64_t count = 0;
    const char *its_run;
    struct buf text;
    char path[320];

    assert_non_null(pool);
    buf_init(&text, 256u * 1024 * 1024);
    for (int file = 1;; file++) {
        const char *line, *end;

        snprintf(path, sizeof(path), "%s/acme/%s/records-%05d.jsonl", pipeline->evidence, run, file);
        buf_reset(&text);
        if (fsio_read(path, &text, &err) != 0) {
            if (err.code != ERR_FILE_MISSING)
                fail_msg("%s", err.text);
            break;
        }
        for (line = text.data; line < text.data + text.len; line = end + 1, count++) {
            end = strchr(line, '\n');
            if (end == NULL)
                fail_msg("%s: the last line has no end", path);
            pool_reset(pool);
            must(record_parse(line, (size_t)(end - line), pool, &its_run, &record, &err), &err);
            assert_string_equal(its_run, run);
            see(user, &record);
        }
    }
    buf_release(&text);
    pool_free(pool);
    return count;
}

void pipeline_assert_evidence_whole(struct pipeline *pipeline)
{
    desk_expect(&pipeline->desk, desk_ctl(&pipeline->desk, "audit", "verify", pipeline->evidence, NULL), 0,
                NULL, NULL);
}

/* What is left, in words, or "". */
static const char *what_is_left(struct desk *desk)
{
    static const char *const streams[] = { "@ingest", "@import", "@assign", "@verify", "@audit" };
    static char text[256];
    int64_t number = 0;

#define LEFT(what, ...)                                                                                      \
    do {                                                                                                     \
        number = desk_number(desk, __VA_ARGS__, NULL);                                                       \
        if (number > 0) {                                                                                    \
            snprintf(text, sizeof(text), "%s: %lld", what, (long long)number);                               \
            return text;                                                                                     \
        }                                                                                                    \
    } while (0)

    for (int i = 0; i < PIPELINE_STAGES; i++) {
        const char *stage = pipeline_stage_name((enum pipeline_stage)i);
        char key[64];

        for (int lane = 0; lane < LANES; lane++) {
            struct redis_reply *reply;

            snprintf(key, sizeof(key), "@lane:%s:%s", stage, lane_name(lane));
            LEFT(lane == 0 ? streams[i] : key, "XLEN", lane == 0 ? streams[i] : key);
            reply = desk_ask(desk, "XPENDING", lane == 0 ? streams[i] : key, stage, NULL);
            number = redis_integer(redis_at(reply, 0));
            redis_reply_free(reply);
            if (number > 0) {
                snprintf(text, sizeof(text), "pending of %s: %lld", stage, (long long)number);
                return text;
            }
        }
        snprintf(key, sizeof(key), "@retry:%s", stage);
        LEFT(key, "ZCARD", key);
        snprintf(key, sizeof(key), "@count:%s", stage);
        if (i > 0) /* the backlog of validate is batches that nobody has counted */
            LEFT(key, "HGET", key, "stream");
        LEFT(key, "HGET", key, "parked");
    }
    LEFT("runs:lane", "HLEN", "@runs:lane");
    LEFT("runs:open", "HLEN", "@runs:open");
    LEFT("claims:meta", "EXISTS", "@claims:meta");
    LEFT("held", "ZCARD", "@held");
#undef LEFT
    for (int i = 0; i < 2; i++) {
        static const char *const patterns[] = { "@note:*", "@claims:*" };
        struct redis_reply *reply = desk_ask(desk, "KEYS", patterns[i], NULL);

        text[0] = '\0';
        if (redis_count(reply) > 0)
            snprintf(text, sizeof(text), "%zu keys like %s", redis_count(reply),
                     redis_text(redis_at(reply, 0), NULL));
        redis_reply_free(reply);
        if (text[0] != '\0')
            return text;
    }
    return "";
}

static bool is_clean(void *user)
{
    return what_is_left(user)[0] == '\0';
}

void pipeline_assert_clean(struct pipeline *pipeline)
{
    if (!proc_until(is_clean, &pipeline->desk, DRAIN_MS)) {
        (void)desk_ctl(&pipeline->desk, "status", NULL);
        fail_msg("left over: %s\n%s", what_is_left(&pipeline->desk), pipeline->desk.out.data);
    }
}

int64_t pipeline_letters(struct pipeline *pipeline, enum pipeline_stage stage)
{
    char key[32];

    snprintf(key, sizeof(key), "@dead:%s", pipeline_stage_name(stage));
    return desk_number(&pipeline->desk, "XLEN", key, NULL);
}

void pipeline_assert_no_letters(struct pipeline *pipeline)
{
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        if (pipeline_letters(pipeline, (enum pipeline_stage)stage) == 0)
            continue;
        (void)desk_ctl(&pipeline->desk, "dead", "list", NULL);
        fail_msg("dead letters of %s:\n%.4000s", pipeline_stage_name((enum pipeline_stage)stage),
                 pipeline->desk.out.data);
    }
}

void pipeline_assert_no_violations(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;
    struct buf text;
    int64_t count;

    buf_init(&text, 1 << 20);
    count = abmsim_violations(&pipeline->sim, &text, &err);
    if (count != 0)
        fail_msg("%lld violations of the contract: %s%s", (long long)count, err.text,
                 text.len > 0 ? text.data : "");
    buf_release(&text);
}

struct tally {
    const char *prefix;
    int count;
    enum outcome outcome;
    int *records; /* of device i */
    bool *is_in_effect;
};

/* Which device of pipeline_csv a serial is; -1: none of it. */
static int place_of(const struct tally *tally, const char *serial)
{
    size_t prefix = strlen(tally->prefix);
    int64_t at;

    if (strncmp(serial, tally->prefix, prefix) != 0 || strlen(serial) != 12)
        return -1;
    return str_to_int(serial + prefix, 0, tally->count - 1, &at) ? (int)at : -1;
}

static void count_record(void *user, const struct device *record)
{
    struct tally *tally = user;
    int at = place_of(tally, record->serial);

    if (at < 0)
        return;
    tally->records[at]++;
    if (record->outcome != tally->outcome)
        fail_msg("%s ended %s (%s), not %s", record->serial, outcome_name(record->outcome),
                 record->code != NULL ? record->code : "no code", outcome_name(tally->outcome));
}

static void look_at_device(void *user, const char *serial, const struct abmsim_device *device)
{
    struct tally *tally = user;
    int at = place_of(tally, serial);
    const char *blueprint, *server;

    if (at < 0)
        return;
    blueprint = pipeline_wanted(serial, pipeline_country(at), &server);
    if (strcmp(device->blueprint_id, blueprint) != 0 ||
        (server != NULL && strcmp(device->mdm_server_id, server) != 0))
        fail_msg("%s has '%s' on '%s' in effect, not %s on %s", serial, device->blueprint_id,
                 device->mdm_server_id, blueprint, server != NULL ? server : "any");
    tally->is_in_effect[at] = true;
}

void pipeline_assert_all(struct pipeline *pipeline, const char *run, const char *prefix, int count,
                         enum outcome outcome)
{
    struct tally tally = { .prefix = prefix, .count = count, .outcome = outcome };
    struct err err = ERR_INIT;

    tally.records = calloc((size_t)count, sizeof(*tally.records));
    tally.is_in_effect = calloc((size_t)count, sizeof(*tally.is_in_effect));
    assert_true(tally.records != NULL && tally.is_in_effect != NULL);
    (void)pipeline_records(pipeline, run, count_record, &tally);
    must(abmsim_each_device(&pipeline->sim, look_at_device, &tally, &err), &err);
    for (int i = 0; i < count; i++)
        if (tally.records[i] != 1 || !tally.is_in_effect[i])
            fail_msg("device %d of %s: %d records, %s", i, prefix, tally.records[i],
                     tally.is_in_effect[i] ? "in effect" : "unknown to the simulator");
    free(tally.records);
    free(tally.is_in_effect);
}

int64_t pipeline_stat(struct pipeline *pipeline, const char *name)
{
    struct err err = ERR_INIT;
    int64_t number = abmsim_stat(&pipeline->sim, name, &err);

    if (number < 0)
        fail_msg("%s: %s", name, err.text);
    return number;
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

void pipeline_await_stat(struct pipeline *pipeline, const char *name, int64_t at_least, int64_t timeout_ms)
{
    struct stat_wait wait = { pipeline, name, at_least };

    if (!proc_until(has_counted, &wait, timeout_ms))
        fail_msg("%s is %lld, never %lld", name, (long long)pipeline_stat(pipeline, name),
                 (long long)at_least);
}

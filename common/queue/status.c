#include "queue/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "queue/lanes.h"

#define INGEST_BATCH_MAX 1000 /* devices of an ingest message: they are not counted apart */

static const char *const names[STATUS_STAGES] = { "validate", "import", "assign", "verify", "audit" };

const char *status_stage_name(int stage)
{
    return stage >= 0 && stage < STATUS_STAGES ? names[stage] : "-";
}

int status_stage_of(const char *name)
{
    for (int i = 0; i < STATUS_STAGES; i++)
        if (name != NULL && strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

static const char *keep(struct pool *pool, const struct redis_reply *reply)
{
    return reply != NULL && redis_kind(reply) == REDIS_TEXT ? pool_strdup(pool, redis_text(reply, NULL))
                                                            : NULL;
}

static int ask_number(struct redis *redis, const char *command, const char *key, int64_t *number_r,
                      struct err *err)
{
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, command, key, NULL) != 0)
        return -1;
    *number_r = redis_integer(reply);
    redis_reply_free(reply);
    return 0;
}

/* XPENDING's summary; no group: nobody has read the stream yet. */
static int fetch_hand(struct redis *redis, const char *stream, const char *group, struct status_stage *stage,
                      struct err *err)
{
    struct redis_reply *reply;
    struct err why = ERR_INIT;

    if (redis_callv(redis, &reply, &why, "XPENDING", stream, group, NULL) != 0) {
        if (why.code == ERR_REDIS_NOGROUP)
            return 0;
        *err = why;
        return -1;
    }
    stage->in_hand += redis_integer(redis_at(reply, 0));
    redis_reply_free(reply);
    return 0;
}

static int fetch_counts(struct redis *redis, const struct keys *keys, struct status_stage *stage,
                        struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, "HGETALL", keys_make(keys, "count", stage->name, key), NULL) != 0)
        return -1;
    stage->backlog = redis_integer(redis_field(reply, "stream"));
    stage->parked = redis_integer(redis_field(reply, "parked"));
    stage->passed = redis_integer(redis_field(reply, "passed"));
    stage->finished = redis_integer(redis_field(reply, "finished"));
    stage->retried = redis_integer(redis_field(reply, "retried"));
    stage->waited = redis_integer(redis_field(reply, "waited"));
    redis_reply_free(reply);
    return 0;
}

static int fetch_parked(struct redis *redis, const struct keys *keys, struct status_stage *stage,
                        struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;

    keys_make(keys, "retry", stage->name, key);
    if (redis_callv(redis, &reply, err, "ZRANGE", key, "0", "0", "WITHSCORES", NULL) != 0)
        return -1;
    stage->due_ms = redis_integer(redis_at(reply, 1));
    redis_reply_free(reply);
    return 0;
}

static int fetch_pause(struct redis *redis, const struct keys *keys, struct pool *pool,
                       struct status_stage *stage, struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, "HGETALL", keys_make(keys, "pause", stage->name, key), NULL) != 0)
        return -1;
    stage->paused_ms = redis_integer(redis_field(reply, "since"));
    stage->paused_by = keep(pool, redis_field(reply, "by"));
    stage->paused_why = keep(pool, redis_field(reply, "reason"));
    redis_reply_free(reply);
    return 0;
}

static int fetch_stage(struct redis *redis, const struct keys *keys, struct pool *pool,
                       struct status_stage *stage, struct err *err)
{
    char key[KEY_MAX_BYTES];

    for (int lane = 0; lane < LANES; lane++) {
        int64_t messages;

        lane_key(keys, stage->name, lane, key);
        if (ask_number(redis, "XLEN", key, &messages, err) != 0 ||
            (messages > 0 && fetch_hand(redis, key, stage->name, stage, err) != 0))
            return -1;
        stage->messages += messages;
    }
    if (ask_number(redis, "XLEN", keys_make(keys, "dead", stage->name, key), &stage->dead, err) != 0)
        return -1;
    if (fetch_counts(redis, keys, stage, err) != 0 || fetch_parked(redis, keys, stage, err) != 0 ||
        fetch_pause(redis, keys, pool, stage, err) != 0)
        return -1;
    if (strcmp(stage->name, "validate") == 0)
        stage->backlog = stage->messages * INGEST_BATCH_MAX;
    else if (stage->messages == 0)
        stage->backlog = 0;
    return 0;
}

static const char *member_text(struct pool *pool, const struct json *object, const char *name)
{
    const char *text = json_string(json_get(object, name));

    return text != NULL ? pool_strdup(pool, text) : "";
}

static int64_t member_int(const struct json *object, const char *name)
{
    int64_t number = 0;

    return json_int(json_get(object, name), &number) ? number : 0;
}

/* A heartbeat that cannot be read is a worker of another version: it is there, and says nothing. */
static void read_worker(struct pool *pool, const struct redis_reply *consumer, const struct redis_reply *beat,
                        int64_t now_ms, struct status_worker *worker)
{
    struct json *doc = NULL;
    struct err ignored;
    size_t len;
    const char *text = redis_text(beat, &len);

    worker->consumer = keep(pool, consumer);
    if (json_parse(text, len, &doc, &ignored) != 0)
        doc = NULL;
    worker->stage = status_stage_of(json_string(json_get(doc, "stage")));
    worker->host = member_text(pool, doc, "host");
    worker->state = member_text(pool, doc, "state");
    worker->why = member_text(pool, doc, "why");
    worker->pid = member_int(doc, "pid");
    worker->started_ms = member_int(doc, "started");
    worker->at_ms = member_int(doc, "at");
    worker->hand = member_int(doc, "hand");
    worker->is_alive = now_ms - worker->at_ms < STATUS_ALIVE_MS;
    json_free(doc);
}

static int fetch_workers(struct redis *redis, const struct keys *keys, struct pool *pool,
                         struct status_view *view, struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    size_t count;

    if (redis_callv(redis, &reply, err, "HGETALL", keys_make(keys, "workers", NULL, key), NULL) != 0)
        return -1;
    count = redis_count(reply) / 2;
    view->workers = pool_array(pool, count > 0 ? count : 1, sizeof(view->workers[0]));
    if (view->workers == NULL) {
        redis_reply_free(reply);
        return pool_failed(pool, err);
    }
    for (size_t i = 0; i < count; i++)
        read_worker(pool, redis_at(reply, 2 * i), redis_at(reply, 2 * i + 1), view->now_ms,
                    &view->workers[i]);
    view->worker_count = count;
    redis_reply_free(reply);
    return 0;
}

/* A stage is fatal where each of its living workers says so; the first one's words stand for all. */
static void count_workers(struct status_view *view)
{
    int64_t fatal[STATUS_STAGES] = { 0 };

    for (size_t i = 0; i < view->worker_count; i++) {
        const struct status_worker *worker = &view->workers[i];

        if (worker->stage >= 0 && worker->at_ms > view->stages[worker->stage].heard_ms)
            view->stages[worker->stage].heard_ms = worker->at_ms;
        if (worker->stage < 0 || !worker->is_alive)
            continue;
        view->stages[worker->stage].workers++;
        if (str_starts(worker->state, "waits for replicas"))
            view->stages[worker->stage].replicas = worker->state;
        if (!str_starts(worker->state, "fatal"))
            continue;
        if (fatal[worker->stage]++ == 0)
            view->stages[worker->stage].fatal =
                str_starts(worker->state, "fatal: ") ? worker->state + strlen("fatal: ") : worker->why;
    }
    for (int i = 0; i < STATUS_STAGES; i++)
        if (fatal[i] < view->stages[i].workers)
            view->stages[i].fatal = NULL;
}

/* The number of INFO's line "name:NUMBER"; 0 where it is absent. */
static int64_t info_number(const char *info, const char *name)
{
    const char *at = strstr(info, name);

    return at != NULL ? strtoll(at + strlen(name), NULL, 10) : 0;
}

/* Workers that are refused every write cannot tell it by a heartbeat: the server's own words do. */
static void judge_server(const char *info, char *out)
{
    int64_t used = info_number(info, "\nused_memory:"), most = info_number(info, "\nmaxmemory:");

    if (strstr(info, "\nrole:slave") != NULL)
        snprintf(out, STATUS_REASON_MAX, "%s", err_advice(ERR_REDIS_READONLY));
    else if (strstr(info, "\naof_last_write_status:err") != NULL ||
             strstr(info, "\nrdb_last_bgsave_status:err") != NULL)
        snprintf(out, STATUS_REASON_MAX, "%s", err_advice(ERR_REDIS_DISK));
    else if (most > 0 && used >= most)
        snprintf(out, STATUS_REASON_MAX,
                 "Redis is at maxmemory (%lld of %lld bytes): push and replay wait until it has drained",
                 (long long)used, (long long)most);
}

static int fetch_server(struct redis *redis, struct status_view *view, struct err *err)
{
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, "INFO", NULL) != 0)
        return -1;
    judge_server(redis_text(reply, NULL), view->server);
    redis_reply_free(reply);
    return 0;
}

static int fetch_shared(struct redis *redis, const struct keys *keys, struct pool *pool,
                        struct status_view *view, struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, "TIME", NULL) != 0)
        return -1;
    view->now_ms = redis_integer(redis_at(reply, 0)) * 1000 + redis_integer(redis_at(reply, 1)) / 1000;
    redis_reply_free(reply);
    if (redis_callv(redis, &reply, err, "HGETALL", keys_make(keys, "pause", "api", key), NULL) != 0)
        return -1;
    view->breaker_ms = redis_integer(redis_field(reply, "since"));
    view->breaker_text = keep(pool, redis_field(reply, "text"));
    view->breaker_code = keep(pool, redis_field(reply, "code"));
    redis_reply_free(reply);
    if (redis_callv(redis, &reply, err, "HGET", keys_make(keys, "limit", "default", key), "pause", NULL) != 0)
        return -1;
    view->limited_ms = redis_integer(reply);
    redis_reply_free(reply);
    return 0;
}

int status_fetch(struct redis *redis, const struct keys *keys, struct pool *pool, struct status_view *view_r,
                 struct err *err)
{
    memset(view_r, 0, sizeof(*view_r));
    if (fetch_server(redis, view_r, err) != 0 || fetch_shared(redis, keys, pool, view_r, err) != 0)
        return -1;
    for (int i = 0; i < STATUS_STAGES; i++) {
        view_r->stages[i].name = names[i];
        if (fetch_stage(redis, keys, pool, &view_r->stages[i], err) != 0)
            return -1;
    }
    if (fetch_workers(redis, keys, pool, view_r, err) != 0)
        return -1;
    count_workers(view_r);
    return 0;
}

/* All but audit ask ABM something, validate only for the catalog: the rate limit does not hold it up. */
static bool needs_api(int stage)
{
    return stage < STATUS_STAGES - 1;
}

static bool calls_often(int stage)
{
    return stage > 0 && needs_api(stage);
}

/* The stage behind i takes no more. */
static bool is_next_full(const struct status_view *view, int i,
                         const struct status_limit limits[STATUS_STAGES])
{
    return i + 1 < STATUS_STAGES && (view->stages[i + 1].backlog >= limits[i + 1].max_backlog ||
                                     view->stages[i + 1].parked >= limits[i + 1].max_parked);
}

static enum status_why judge(const struct status_view *view, int i,
                             const struct status_limit limits[STATUS_STAGES])
{
    const struct status_stage *stage = &view->stages[i];
    bool has_work = stage->messages > 0;

    if (stage->paused_ms > 0)
        return STATUS_PAUSED;
    if (stage->workers == 0)
        return STATUS_NO_WORKER;
    if (stage->fatal != NULL)
        return STATUS_FATAL;
    if (stage->replicas != NULL)
        return STATUS_REPLICAS;
    if (needs_api(i) && view->breaker_ms > 0)
        return STATUS_BREAKER;
    if (has_work && calls_often(i) && view->limited_ms > view->now_ms)
        return STATUS_LIMITED;
    if (stage->messages > stage->in_hand && is_next_full(view, i, limits))
        return STATUS_NEXT_FULL;
    if (has_work)
        return STATUS_WORKING;
    return stage->parked > 0 || stage->due_ms > 0 ? STATUS_PARKED : STATUS_IDLE;
}

static const char *or_dash(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "-";
}

static void tell(const struct status_view *view, int i, struct status_stage *stage)
{
    char time[CLOCK_ISO_BYTES], *out = stage->reason;

    switch (stage->why) {
    case STATUS_IDLE: snprintf(out, STATUS_REASON_MAX, "idle"); break;
    case STATUS_WORKING: snprintf(out, STATUS_REASON_MAX, "working"); break;
    case STATUS_PARKED:
        snprintf(out, STATUS_REASON_MAX, "looks again at %s", clock_iso(stage->due_ms, time));
        break;
    case STATUS_PAUSED:
        snprintf(out, STATUS_REASON_MAX, "paused by %s: %s", or_dash(stage->paused_by),
                 or_dash(stage->paused_why));
        break;
    case STATUS_NO_WORKER:
        if (stage->heard_ms > 0)
            snprintf(out, STATUS_REASON_MAX, "no worker (one was last heard of at %s: see its log)",
                     clock_iso(stage->heard_ms, time));
        else
            snprintf(out, STATUS_REASON_MAX, "no worker");
        break;
    case STATUS_FATAL: snprintf(out, STATUS_REASON_MAX, "fatal: %s", or_dash(stage->fatal)); break;
    case STATUS_REPLICAS: snprintf(out, STATUS_REASON_MAX, "%s", stage->replicas); break;
    case STATUS_BREAKER:
        snprintf(out, STATUS_REASON_MAX, "breaker: %s since %s", or_dash(view->breaker_text),
                 clock_iso(view->breaker_ms, time));
        break;
    case STATUS_LIMITED:
        snprintf(out, STATUS_REASON_MAX, "rate limit until %s", clock_iso(view->limited_ms, time));
        break;
    case STATUS_NEXT_FULL: snprintf(out, STATUS_REASON_MAX, "waits for %s", names[i + 1]); break;
    }
}

void status_judge(struct status_view *view, const struct status_limit limits[STATUS_STAGES])
{
    for (int i = 0; i < STATUS_STAGES; i++) {
        view->stages[i].why = judge(view, i, limits);
        tell(view, i, &view->stages[i]);
    }
}

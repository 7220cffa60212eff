#include "stubs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

#define LOOK_US   5000 /* between two looks at the run's state: nothing announces it */
#define MEMORY_US 50000
#define DONE_US   INT64_C(1800000000)

static void must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench: %s: %s\n", err_wire(err->code), err->text);
    exit(70);
}

void stubs_start(struct stubs *stubs, const char *stages)
{
    struct redis_settings settings = { 0 };
    struct err err = ERR_INIT;

    memset(stubs, 0, sizeof(*stubs));
    engine_start(&stubs->engine, stages);
    stubs->engine.extra_env[0] = "STUB_FIELD=1";
    measure_ask(&stubs->engine.redis, "CONFIG SET appendfsync everysec");
    settings.url = stubs->engine.redis.unix_url;
    must(redis_new(&settings, &stubs->redis, &err), &err);
    must(redis_connect(stubs->redis, &err), &err);
}

void stubs_stop(struct stubs *stubs)
{
    redis_free(stubs->redis);
    engine_stop(&stubs->engine);
}

static bool all_beat(void *user)
{
    return engine_number(user, "HLEN @workers") >= ENGINE_STAGES;
}

void stubs_start_stages(struct stubs *stubs)
{
    engine_start_all(&stubs->engine);
    if (proc_until(all_beat, &stubs->engine, 20000))
        return;
    fprintf(stderr, "bench: the stub stages do not start: see %s\n", stubs->engine.dir);
    exit(70);
}

void stubs_stop_stages(struct stubs *stubs)
{
    for (int stage = 0; stage < ENGINE_STAGES; stage++)
        proc_stop(&stubs->engine.workers[stage], 20000);
}

void stubs_device(struct buf *out, int row)
{
    buf_addf(out,
             "{\"row\":%d,\"serial\":\"DEV%09d\",\"country\":\"JP\",\"model\":\"MacBook Air (13-inch, M3)\","
             "\"order_number\":\"W%09d\",\"asset_tag\":\"A-%09d\"}",
             row, row, row / 50, row);
}

static void look_at_memory(struct stubs *stubs)
{
    for (int stage = 0; stage < ENGINE_STAGES; stage++) {
        int64_t kib = stubs->engine.workers[stage].pid > 0
                          ? proc_memory_kib(stubs->engine.workers[stage].pid, "RssAnon")
                          : 0;

        if (kib > stubs->peak_kib[stage])
            stubs->peak_kib[stage] = kib;
    }
}

static int64_t number_of(struct stubs *stubs, const char *command, const char *key)
{
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    int64_t number;

    must(redis_callv(stubs->redis, &reply, &err, command, key, NULL), &err);
    number = redis_integer(reply);
    redis_reply_free(reply);
    return number;
}

static void wait_for_room(struct stubs *stubs, int max_backlog)
{
    for (int64_t looked_us = 0; number_of(stubs, "XLEN", "{abm:t}:ingest") >= max_backlog;) {
        if (measure_now_us() - looked_us > MEMORY_US) {
            look_at_memory(stubs);
            looked_us = measure_now_us();
        }
        usleep(LOOK_US);
    }
}

void stubs_push(struct stubs *stubs, const char *run, int devices, int batch_size, int max_backlog)
{
    int batches = (devices + batch_size - 1) / batch_size, row = 1;
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 20);
    for (int batch = 1; batch <= batches; batch++) {
        int last = batch < batches ? batch * batch_size : devices;

        buf_reset(&text);
        buf_addf(&text, "{\"version\":1,\"run\":\"%s\",\"batch\":%d,\"batches\":%d,\"devices\":[", run, batch,
                 batches);
        for (int first = row; row <= last; row++) {
            if (row > first)
                buf_add_char(&text, ',');
            stubs_device(&text, row);
        }
        buf_add_str(&text, "]}");
        must(buf_check(&text, "a batch", &err), &err);
        if (max_backlog > 0)
            wait_for_room(stubs, max_backlog);
        must(redis_callv(stubs->redis, &reply, &err, "XADD", "{abm:t}:ingest", "*", "batch", text.data, NULL),
             &err);
        redis_reply_free(reply);
    }
    buf_release(&text);
}

static bool is_closed(struct stubs *stubs, const char *key)
{
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    bool is;

    must(redis_callv(stubs->redis, &reply, &err, "HGET", key, "state", NULL), &err);
    is = strcmp(redis_text(reply, NULL), "closed") == 0;
    redis_reply_free(reply);
    return is;
}

void stubs_await_closed(struct stubs *stubs, const char *run)
{
    int64_t began_us = measure_now_us(), looked_us = 0;
    char key[96];

    snprintf(key, sizeof(key), "{abm:t}:run:%s", run);
    while (!is_closed(stubs, key)) {
        int64_t now_us = measure_now_us();

        if (now_us - began_us > DONE_US) {
            fprintf(stderr, "bench: %s did not end: see %s\n", run, stubs->engine.dir);
            exit(70);
        }
        if (now_us - looked_us > MEMORY_US) {
            look_at_memory(stubs);
            looked_us = now_us;
        }
        usleep(LOOK_US);
    }
}

void stubs_pause(struct stubs *stubs)
{
    measure_ask(&stubs->engine.redis, "HSET {abm:t}:pause:validate by bench reason push since 1");
}

void stubs_resume(struct stubs *stubs)
{
    measure_ask(&stubs->engine.redis, "DEL {abm:t}:pause:validate");
}

/* 0 where there is no such stream. */
static int64_t entries_added(struct stubs *stubs, const char *key)
{
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    int64_t added;

    if (number_of(stubs, "EXISTS", key) == 0)
        return 0;
    must(redis_callv(stubs->redis, &reply, &err, "XINFO", "STREAM", key, NULL), &err);
    added = redis_integer(redis_field(reply, "entries-added"));
    redis_reply_free(reply);
    return added;
}

double stubs_devices_a_message(struct stubs *stubs, const char *stage, int devices)
{
    static const char *const lanes[] = { "1", "2", "3", "4", "5", "6", "7", "due", "urgent" };
    int64_t added;
    char key[64];

    snprintf(key, sizeof(key), "{abm:t}:%s", stage);
    added = entries_added(stubs, key);
    for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
        snprintf(key, sizeof(key), "{abm:t}:lane:%s:%s", stage, lanes[i]);
        added += entries_added(stubs, key);
    }
    if (strcmp(stage, "audit") == 0)
        added--; /* the closing message */
    return added > 0 ? (double)devices / (double)added : 0;
}

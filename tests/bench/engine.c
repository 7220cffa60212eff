#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "queue/redis.h"

#define ROUNDS_MAX 31
#define DONE_MS    600000

static void must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench: %s: %s\n", err_wire(err->code), err->text);
    exit(70);
}

void bench_device(struct buf *out, int row)
{
    buf_addf(out,
             "{\"row\":%d,\"serial\":\"DEV%09d\",\"country\":\"JP\",\"model\":\"MacBook Air (13-inch, M3)\","
             "\"order_number\":\"W%09d\",\"asset_tag\":\"A-%09d\"}",
             row, row, row / 50, row);
}

static void push(struct redis *redis, const char *run, int devices)
{
    int batches = (devices + BENCH_MESSAGE - 1) / BENCH_MESSAGE, row = 1;
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 20);
    for (int batch = 1; batch <= batches; batch++) {
        int last = batch < batches ? batch * BENCH_MESSAGE : devices;

        buf_reset(&text);
        buf_addf(&text, "{\"version\":1,\"run\":\"%s\",\"batch\":%d,\"batches\":%d,\"devices\":[", run, batch,
                 batches);
        for (int first = row; row <= last; row++) {
            if (row > first)
                buf_add_char(&text, ',');
            bench_device(&text, row);
        }
        buf_add_str(&text, "]}");
        must(buf_check(&text, "a batch", &err), &err);
        must(redis_callv(redis, &reply, &err, "XADD", "{abm:t}:ingest", "*", "batch", text.data, NULL), &err);
        redis_reply_free(reply);
    }
    buf_release(&text);
}

static void ask(struct engine *engine, const char *command)
{
    struct err err = ERR_INIT;
    struct buf out;

    buf_init(&out, 4096);
    must(redis_server_ask(&engine->redis, command, &out, &err), &err);
    buf_release(&out);
}

static bool all_beat(void *user)
{
    return engine_number(user, "HLEN @workers") >= ENGINE_STAGES;
}

/* The run is pushed while validate is paused, so that only the five stages are timed. */
static double round_trip(struct engine *engine, struct redis *redis, int number, int devices)
{
    char run[32];
    int64_t began;

    snprintf(run, sizeof(run), "round-%d", number);
    ask(engine, "HSET {abm:t}:pause:validate by bench reason push since 1");
    push(redis, run, devices);
    ask(engine, "DEL {abm:t}:pause:validate");
    began = bench_now_us();
    if (!engine_wait_state(engine, run, "closed", DONE_MS)) {
        fprintf(stderr, "bench: %s did not end: see %s\n", run, engine->dir);
        exit(70);
    }
    return devices * 1e6 / (double)(bench_now_us() - began);
}

void bench_engine(int devices, int rounds, struct bench_rate *rate_r)
{
    static struct engine engine;
    double floors[ROUNDS_MAX], engines[ROUNDS_MAX];
    struct redis_settings settings = { 0 };
    struct err err = ERR_INIT;
    struct redis *redis;

    rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
    engine_start(&engine, "");
    ask(&engine, "CONFIG SET appendfsync everysec");
    settings.url = engine.redis.unix_url;
    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    for (int i = 0; i < rounds; i++) {
        floors[i] = bench_floor(engine.redis.socket, devices);
        engine_start_all(&engine);
        if (!proc_until(all_beat, &engine, 10000)) {
            fprintf(stderr, "bench: the stub stages do not start: see %s\n", engine.dir);
            exit(70);
        }
        engines[i] = round_trip(&engine, redis, i, devices);
        for (int stage = 0; stage < ENGINE_STAGES; stage++)
            proc_stop(&engine.workers[stage], 10000);
        ask(&engine, "FLUSHALL");
        fprintf(stderr, "engine %d of %d: %.0f devices/s, floor %.0f\n", i + 1, rounds, engines[i],
                floors[i]);
    }
    redis_free(redis);
    engine_stop(&engine);
    *rate_r = (struct bench_rate){ .devices = devices,
                                   .rounds = rounds,
                                   .floor = bench_median(floors, rounds),
                                   .engine = bench_median(engines, rounds) };
}

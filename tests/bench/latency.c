#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "queue/redis.h"

#define TIMES_MAX 1000
#define EVERY_US  20 /* between two looks: nothing announces it */

static void must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench: %s: %s\n", err_wire(err->code), err->text);
    exit(70);
}

/* True where the run's field has that text. */
static bool has_field(struct redis *redis, const char *run, const char *field, const char *want)
{
    struct err err = ERR_INIT;
    struct redis_reply *reply;
    bool is;

    must(redis_callv(redis, &reply, &err, "HGET", run, field, NULL), &err);
    is = strcmp(redis_text(reply, NULL), want) == 0;
    redis_reply_free(reply);
    return is;
}

static double until(struct redis *redis, const char *run, const char *field, const char *want, int64_t began)
{
    while (!has_field(redis, run, field, want)) {
        if (bench_now_us() - began > 10000000) {
            fprintf(stderr, "bench: %s: no %s %s in 10 s\n", run, field, want);
            exit(70);
        }
        usleep(EVERY_US);
    }
    return (double)(bench_now_us() - began) / 1000.0;
}

static void send_one(struct redis *redis, int number, double *ended_r, double *closed_r)
{
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct buf text;
    char run[48];
    int64_t began;

    snprintf(run, sizeof(run), "{abm:t}:run:one-%d", number);
    buf_init(&text, 4096);
    buf_addf(&text, "{\"version\":1,\"run\":\"one-%d\",\"batch\":1,\"batches\":1,\"devices\":[", number);
    bench_device(&text, 1);
    buf_add_str(&text, "]}");
    began = bench_now_us();
    must(redis_callv(redis, &reply, &err, "XADD", "{abm:t}:ingest", "*", "batch", text.data, NULL), &err);
    redis_reply_free(reply);
    *ended_r = until(redis, run, "ended", "1", began);
    *closed_r = until(redis, run, "state", "closed", began);
    buf_release(&text);
}

static bool all_beat(void *user)
{
    return engine_number(user, "HLEN @workers") >= ENGINE_STAGES;
}

void bench_latency(int times, struct bench_latency *latency_r)
{
    static const char stages[] = "  validate: { linger: 0ms }\n  import: { linger: 0ms }\n"
                                 "  assign: { linger: 0ms }\n  verify: { linger: 0ms }\n"
                                 "  audit: { linger: 0ms }\n";
    static struct engine engine;
    double ended[TIMES_MAX], closed[TIMES_MAX];
    struct redis_settings settings = { 0 };
    struct err err = ERR_INIT;
    struct redis *redis;
    struct buf out;

    times = times < TIMES_MAX ? times : TIMES_MAX;
    engine_start(&engine, stages);
    buf_init(&out, 4096);
    must(redis_server_ask(&engine.redis, "CONFIG SET appendfsync everysec", &out, &err), &err);
    buf_release(&out);
    engine_start_all(&engine);
    if (!proc_until(all_beat, &engine, 10000)) {
        fprintf(stderr, "bench: the stub stages do not start: see %s\n", engine.dir);
        exit(70);
    }
    settings.url = engine.redis.unix_url;
    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    send_one(redis, 0, &ended[0], &closed[0]); /* scripts are loaded by the first */
    for (int i = 0; i < times; i++)
        send_one(redis, i + 1, &ended[i], &closed[i]);
    redis_free(redis);
    engine_stop(&engine);
    *latency_r = (struct bench_latency){ .times = times,
                                         .ended_ms = bench_median(ended, times),
                                         .closed_ms = bench_median(closed, times),
                                         .worst_ms = ended[times - 1] };
}

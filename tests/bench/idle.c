/* One device at a time through five waiting stub stages with linger 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "measure.h"
#include "stubs.h"

#define PART     "idle"
#define DEVICES  1000
#define EVERY_US 20 /* between two looks: nothing announces it */
#define DONE_US  10000000

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
        if (measure_now_us() - began > DONE_US) {
            fprintf(stderr, "bench: %s: no %s %s in 10 s\n", run, field, want);
            exit(70);
        }
        usleep(EVERY_US);
    }
    return (double)(measure_now_us() - began) / 1000.0;
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
    stubs_device(&text, 1);
    buf_add_str(&text, "]}");
    began = measure_now_us();
    must(redis_callv(redis, &reply, &err, "XADD", "{abm:t}:ingest", "*", "batch", text.data, NULL), &err);
    redis_reply_free(reply);
    *ended_r = until(redis, run, "ended", "1", began);
    *closed_r = until(redis, run, "state", "closed", began);
    buf_release(&text);
}

void bench_idle(struct bench *bench)
{
    static const char stages[] = "  validate: { linger: 0ms }\n  import: { linger: 0ms }\n"
                                 "  assign: { linger: 0ms }\n  verify: { linger: 0ms }\n"
                                 "  audit: { linger: 0ms }\n";
    static double ended[DEVICES], closed[DEVICES];
    static struct stubs stubs;
    int devices = bench->idle_devices < DEVICES ? bench->idle_devices : DEVICES;

    stubs_start(&stubs, stages);
    stubs_start_stages(&stubs);
    send_one(stubs.redis, 0, &ended[0], &closed[0]); /* scripts are loaded by the first */
    for (int i = 0; i < devices; i++)
        send_one(stubs.redis, i + 1, &ended[i], &closed[i]);
    stubs_stop(&stubs);
    figure_want(figures_add_runs(bench->figures, PART, "ended", "ms", 2, ended, devices, BETTER_LESS),
                WANTED_AT_MOST, 2);
    figures_add_runs(bench->figures, PART, "closed", "ms", 2, closed, devices, BETTER_LESS);
}

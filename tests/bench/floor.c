#include "floor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stubs.h"

void floor_stop(const char *what)
{
    fprintf(stderr, "bench: floor: %s\n", what);
    exit(70);
}

static redisContext *connect_bare(const char *socket)
{
    redisContext *redis = redisConnectUnix(socket);

    if (redis == NULL || redis->err != 0)
        floor_stop("no Redis");
    return redis;
}

redisReply *floor_good(redisContext *redis, void *reply)
{
    redisReply *got = reply;

    if (got == NULL)
        floor_stop(redis->errstr);
    if (got->type == REDIS_REPLY_ERROR)
        floor_stop(got->str);
    return got;
}

void floor_forget(redisContext *redis, void *reply)
{
    freeReplyObject(floor_good(redis, reply));
}

void floor_next_reply(redisContext *redis)
{
    void *reply = NULL;

    if (redisGetReply(redis, &reply) != REDIS_OK)
        floor_stop(redis->errstr);
    floor_forget(redis, reply);
}

/* One process: until it is killed. */
static void run_stage(const struct floor_kind *kind, const char *socket, int number, int devices)
{
    struct floor_stage stage = { .redis = connect_bare(socket), .number = number };

    stage.next = number + 1 < FLOOR_STAGES ? number + 1 : number;
    snprintf(stage.consumer, sizeof(stage.consumer), "c%d", number);
    snprintf(stage.stream, sizeof(stage.stream), "{floor}:%d", number);
    snprintf(stage.next_stream, sizeof(stage.next_stream), "{floor}:%d", stage.next);
    snprintf(stage.total, sizeof(stage.total), "%d", devices);
    floor_forget(stage.redis, redisCommand(stage.redis, "INCR {floor}:ready"));
    if (number == 0)
        floor_forget(stage.redis, redisCommand(stage.redis, "BLPOP {floor}:go 0"));
    for (;;)
        kind->turn(&stage);
}

static void fill(redisContext *redis, int devices, int devices_an_entry)
{
    struct buf text;

    for (int stage = 0; stage < FLOOR_STAGES; stage++)
        floor_forget(redis, redisCommand(redis, "XGROUP CREATE {floor}:%d g 0 MKSTREAM", stage));
    buf_init(&text, 1 << 20);
    for (int row = 1; row <= devices;) {
        int last = row + devices_an_entry - 1 < devices ? row + devices_an_entry - 1 : devices;

        buf_reset(&text);
        buf_addf(&text, "{\"version\":1,\"uid\":\"floor-%d\",\"run\":\"floor\",\"n\":%d,\"devices\":[", row,
                 last - row + 1);
        for (int first = row; row <= last; row++) {
            if (row > first)
                buf_add_char(&text, ',');
            stubs_device(&text, row);
        }
        buf_add_str(&text, "]}");
        floor_forget(redis, redisCommand(redis, "XADD {floor}:0 * m %b", text.data, text.len));
    }
    buf_release(&text);
}

static void forget_keys(redisContext *redis)
{
    floor_forget(redis, redisCommand(redis, "DEL {floor}:go {floor}:ready {floor}:done {floor}:ended"));
    for (int stage = 0; stage < FLOOR_STAGES; stage++)
        floor_forget(redis, redisCommand(redis, "DEL {floor}:%d {floor}:count:%d", stage, stage));
}

static void wait_ready(redisContext *redis)
{
    long long ready = 0;

    while (ready < FLOOR_STAGES) {
        redisReply *reply = floor_good(redis, redisCommand(redis, "GET {floor}:ready"));

        ready = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;
        freeReplyObject(reply);
        usleep(1000); /* they announce it only there */
    }
}

/* Of the children whose end was collected. */
static double cpu_s_of_children(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void floor_run(const struct floor_kind *kind, const struct redis_server *server, int devices,
               struct floor_result *result_r)
{
    redisContext *redis = connect_bare(server->socket);
    pid_t children[FLOOR_STAGES];
    double cpu_s = cpu_s_of_children();
    int64_t began;

    forget_keys(redis);
    fill(redis, devices, kind->devices_an_entry);
    for (int stage = 0; stage < FLOOR_STAGES; stage++) {
        children[stage] = fork();
        if (children[stage] < 0)
            floor_stop("fork");
        if (children[stage] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            run_stage(kind, server->socket, stage, devices);
        }
    }
    wait_ready(redis);
    measure_redis(server, &result_r->before);
    began = measure_now_us();
    floor_forget(redis, redisCommand(redis, "LPUSH {floor}:go 1"));
    floor_forget(redis, redisCommand(redis, "BLPOP {floor}:done 0"));
    result_r->rate = devices * 1e6 / (double)(measure_now_us() - began);
    for (int stage = 0; stage < FLOOR_STAGES; stage++) {
        kill(children[stage], SIGKILL);
        waitpid(children[stage], NULL, 0);
    }
    result_r->workers_cpu_s = cpu_s_of_children() - cpu_s;
    forget_keys(redis);
    redisFree(redis);
}

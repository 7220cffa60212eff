/*
 * The least that any such pipeline does: what a message costs Redis, one parse and one print a stage, and one
 * fenced step that hands it on. No claims, retries, leases, limits or outcomes.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <hiredis/hiredis.h>

#include "bench.h"

#define STAGES     5
#define STREAM_MAX 32

/* KEYS: stream, count, next stream ('' at the end), next count. ARGV: consumer, id, devices, body, total */
static const char script[] =
    "local p = redis.call('XPENDING', KEYS[1], 'g', ARGV[2], ARGV[2], 1)\n"
    "if not p[1] or p[1][2] ~= ARGV[1] then return 0 end\n"
    "redis.call('XACK', KEYS[1], 'g', ARGV[2])\n"
    "redis.call('XDEL', KEYS[1], ARGV[2])\n"
    "redis.call('HINCRBY', KEYS[2], 'stream', -ARGV[3])\n"
    "if KEYS[3] ~= KEYS[1] then\n"
    "    redis.call('XADD', KEYS[3], '*', 'm', ARGV[4])\n"
    "    redis.call('HINCRBY', KEYS[4], 'stream', ARGV[3])\n"
    "elseif redis.call('HINCRBY', KEYS[2], 'done', ARGV[3]) == tonumber(ARGV[5]) then\n"
    "    redis.call('LPUSH', '{floor}:done', 1)\n"
    "end\n"
    "return 1\n";

static void stop(const char *what)
{
    fprintf(stderr, "bench: floor: %s\n", what);
    exit(70);
}

static redisContext *connect_bare(const char *socket)
{
    redisContext *redis = redisConnectUnix(socket);

    if (redis == NULL || redis->err != 0)
        stop("no Redis");
    return redis;
}

static redisReply *good(redisContext *redis, void *reply)
{
    redisReply *got = reply;

    if (got == NULL)
        stop(redis->errstr);
    if (got->type == REDIS_REPLY_ERROR)
        stop(got->str);
    return got;
}

static void forget(redisContext *redis, void *reply)
{
    freeReplyObject(good(redis, reply));
}

/* Every device is looked at, as a rule would. */
static int count_devices(const cJSON *doc)
{
    const cJSON *devices = cJSON_GetObjectItemCaseSensitive(doc, "devices"), *device;
    int count = 0;

    cJSON_ArrayForEach(
        device, devices) if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(device, "serial"))) count++;
    return count;
}

static void hand_on(redisContext *redis, const char *sha, int stage, const char *id, const char *body,
                    size_t len, const char *total)
{
    char names[4][STREAM_MAX], consumer[16], devices[16], *printed;
    cJSON *doc = cJSON_ParseWithLength(body, len);
    int next = stage + 1 < STAGES ? stage + 1 : stage;

    if (doc == NULL)
        stop("a message is no JSON");
    snprintf(devices, sizeof(devices), "%d", count_devices(doc));
    printed = cJSON_PrintUnformatted(doc);
    snprintf(names[0], STREAM_MAX, "{floor}:%d", stage);
    snprintf(names[1], STREAM_MAX, "{floor}:count:%d", stage);
    snprintf(names[2], STREAM_MAX, "{floor}:%d", next);
    snprintf(names[3], STREAM_MAX, "{floor}:count:%d", next);
    snprintf(consumer, sizeof(consumer), "c%d", stage);
    forget(redis, redisCommand(redis, "EVALSHA %s 4 %s %s %s %s %s %s %s %b %s", sha, names[0], names[1],
                               names[2], names[3], consumer, id, devices, printed, strlen(printed), total));
    free(printed);
    cJSON_Delete(doc);
}

/* One process: until it is killed. */
static void run_stage(const char *socket, int stage, const char *total)
{
    redisContext *redis = connect_bare(socket);
    redisReply *loaded = good(redis, redisCommand(redis, "SCRIPT LOAD %s", script));

    forget(redis, redisCommand(redis, "INCR {floor}:ready"));
    if (stage == 0)
        forget(redis, redisCommand(redis, "BLPOP {floor}:go 0"));
    for (;;) {
        redisReply *reply = good(redis, redisCommand(redis,
                                                     "XREADGROUP GROUP g c%d COUNT 1 BLOCK 1000 STREAMS "
                                                     "{floor}:%d >",
                                                     stage, stage));

        if (reply->type == REDIS_REPLY_ARRAY) {
            const redisReply *entry = reply->element[0]->element[1]->element[0];
            const redisReply *body = entry->element[1]->element[1];

            hand_on(redis, loaded->str, stage, entry->element[0]->str, body->str, body->len, total);
        }
        freeReplyObject(reply);
    }
}

static void fill(redisContext *redis, int devices)
{
    struct buf text;

    for (int stage = 0; stage < STAGES; stage++)
        forget(redis, redisCommand(redis, "XGROUP CREATE {floor}:%d g 0 MKSTREAM", stage));
    buf_init(&text, 1 << 20);
    for (int row = 1; row <= devices;) {
        int last = row + BENCH_MESSAGE - 1 < devices ? row + BENCH_MESSAGE - 1 : devices;

        buf_reset(&text);
        buf_addf(&text, "{\"version\":1,\"uid\":\"floor-%d\",\"run\":\"floor\",\"n\":%d,\"devices\":[", row,
                 last - row + 1);
        for (int first = row; row <= last; row++) {
            if (row > first)
                buf_add_char(&text, ',');
            bench_device(&text, row);
        }
        buf_add_str(&text, "]}");
        forget(redis, redisCommand(redis, "XADD {floor}:0 * m %b", text.data, text.len));
    }
    buf_release(&text);
}

static void forget_keys(redisContext *redis)
{
    forget(redis, redisCommand(redis, "DEL {floor}:go {floor}:ready {floor}:done"));
    for (int stage = 0; stage < STAGES; stage++)
        forget(redis, redisCommand(redis, "DEL {floor}:%d {floor}:count:%d", stage, stage));
}

static void wait_ready(redisContext *redis)
{
    long long ready = 0;

    while (ready < STAGES) {
        redisReply *reply = good(redis, redisCommand(redis, "GET {floor}:ready"));

        ready = reply->type == REDIS_REPLY_STRING ? atoll(reply->str) : 0;
        freeReplyObject(reply);
        usleep(1000); /* they announce it only there */
    }
}

double bench_floor(const char *socket, int devices)
{
    redisContext *redis = connect_bare(socket);
    pid_t children[STAGES];
    char total[16];
    int64_t began;

    snprintf(total, sizeof(total), "%d", devices);
    forget_keys(redis);
    fill(redis, devices);
    for (int stage = 0; stage < STAGES; stage++) {
        children[stage] = fork();
        if (children[stage] < 0)
            stop("fork");
        if (children[stage] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            run_stage(socket, stage, total);
        }
    }
    wait_ready(redis);
    began = bench_now_us();
    forget(redis, redisCommand(redis, "LPUSH {floor}:go 1"));
    forget(redis, redisCommand(redis, "BLPOP {floor}:done 0"));
    began = bench_now_us() - began;
    for (int stage = 0; stage < STAGES; stage++) {
        kill(children[stage], SIGKILL);
        waitpid(children[stage], NULL, 0);
    }
    forget_keys(redis);
    redisFree(redis);
    return devices * 1e6 / (double)began;
}

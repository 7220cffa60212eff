#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

/* KEYS: stream, count, next stream (the same at the end), next count. ARGV: consumer, id, devices, body,
 * total */
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

/* Every device is looked at, as a rule would. */
static int count_devices(const cJSON *doc)
{
    const cJSON *devices = cJSON_GetObjectItemCaseSensitive(doc, "devices"), *device;
    int count = 0;

    cJSON_ArrayForEach(
        device, devices) if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(device, "serial"))) count++;
    return count;
}

static void hand_on(struct floor_stage *stage, const char *id, const char *body, size_t len)
{
    char counts[2][FLOOR_NAME_MAX], devices[FLOOR_COUNT_MAX], *printed;
    cJSON *doc = cJSON_ParseWithLength(body, len);

    if (doc == NULL)
        floor_stop("a message is no JSON");
    snprintf(devices, sizeof(devices), "%d", count_devices(doc));
    printed = cJSON_PrintUnformatted(doc);
    snprintf(counts[0], FLOOR_NAME_MAX, "{floor}:count:%d", stage->number);
    snprintf(counts[1], FLOOR_NAME_MAX, "{floor}:count:%d", stage->next);
    floor_forget(stage->redis,
                 redisCommand(stage->redis, "EVALSHA %s 4 %s %s %s %s %s %s %s %b %s", stage->sha,
                              stage->stream, counts[0], stage->next_stream, counts[1], stage->consumer, id,
                              devices, printed, strlen(printed), stage->total));
    free(printed);
    cJSON_Delete(doc);
}

static void turn(struct floor_stage *stage)
{
    redisReply *reply;

    if (stage->sha[0] == '\0') {
        reply = floor_good(stage->redis, redisCommand(stage->redis, "SCRIPT LOAD %s", script));
        snprintf(stage->sha, sizeof(stage->sha), "%s", reply->str);
        freeReplyObject(reply);
    }
    reply = floor_good(stage->redis,
                       redisCommand(stage->redis, "XREADGROUP GROUP g %s COUNT 1 BLOCK 1000 STREAMS %s >",
                                    stage->consumer, stage->stream));
    if (reply->type == REDIS_REPLY_ARRAY) {
        const redisReply *entry = reply->element[0]->element[1]->element[0];
        const redisReply *body = entry->element[1]->element[1];

        hand_on(stage, entry->element[0]->str, body->str, body->len);
    }
    freeReplyObject(reply);
}

const struct floor_kind floor_by_message = { .devices_an_entry = FLOOR_MESSAGE, .turn = turn };

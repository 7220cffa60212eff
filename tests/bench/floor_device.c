#include "floor.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

/* The message's bytes anew, as the other floor does for its whole message. Freed by the caller. */
static char *parse_and_print(const redisReply *body)
{
    cJSON *doc = cJSON_ParseWithLength(body->str, body->len);
    char *printed = doc != NULL ? cJSON_PrintUnformatted(doc) : NULL;

    if (printed == NULL)
        floor_stop("an entry is no JSON");
    cJSON_Delete(doc);
    return printed;
}

static void append_entry(struct floor_stage *stage, const redisReply *entry)
{
    const char *id = entry->element[0]->str;
    char *printed = parse_and_print(entry->element[1]->element[1]);

    if (stage->next != stage->number)
        redisAppendCommand(stage->redis, "XADD %s * m %b", stage->next_stream, printed, strlen(printed));
    redisAppendCommand(stage->redis, "XACK %s g %s", stage->stream, id);
    redisAppendCommand(stage->redis, "XDEL %s %s", stage->stream, id);
    free(printed);
}

/* The last stage says when all have come. */
static void count_ended(struct floor_stage *stage, size_t count)
{
    redisReply *reply =
        floor_good(stage->redis, redisCommand(stage->redis, "INCRBY {floor}:ended %d", (int)count));

    if (reply->integer == strtoll(stage->total, NULL, 10))
        floor_forget(stage->redis, redisCommand(stage->redis, "LPUSH {floor}:done 1"));
    freeReplyObject(reply);
}

static void turn(struct floor_stage *stage)
{
    redisReply *reply = floor_good(
        stage->redis, redisCommand(stage->redis, "XREADGROUP GROUP g %s COUNT %d BLOCK 1000 STREAMS %s >",
                                   stage->consumer, FLOOR_MESSAGE, stage->stream));
    bool is_last = stage->next == stage->number;

    if (reply->type == REDIS_REPLY_ARRAY) {
        const redisReply *entries = reply->element[0]->element[1];

        for (size_t i = 0; i < entries->elements; i++)
            append_entry(stage, entries->element[i]);
        for (size_t i = 0; i < entries->elements * (is_last ? 2 : 3); i++)
            floor_next_reply(stage->redis);
        if (is_last)
            count_ended(stage, entries->elements);
    }
    freeReplyObject(reply);
}

const struct floor_kind floor_by_device = { .devices_an_entry = 1, .turn = turn };

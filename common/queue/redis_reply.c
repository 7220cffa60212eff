/* redis_reply.c - a reply, read without hiredis' types. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "queue/redis.h"

void redis_reply_free(struct redis_reply *reply)
{
    if (reply != NULL)
        freeReplyObject((redisReply *)reply);
}

static const redisReply *inner(const struct redis_reply *reply)
{
    return (const redisReply *)reply;
}

enum redis_kind redis_kind(const struct redis_reply *reply)
{
    if (reply == NULL)
        return REDIS_NIL;
    switch (inner(reply)->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR: return REDIS_TEXT;
    case REDIS_REPLY_INTEGER: return REDIS_INTEGER;
    case REDIS_REPLY_ARRAY: return REDIS_LIST;
    default: return REDIS_NIL;
    }
}

const char *redis_text(const struct redis_reply *reply, size_t *len_r)
{
    bool is_text = redis_kind(reply) == REDIS_TEXT;

    if (len_r != NULL)
        *len_r = is_text ? (size_t)inner(reply)->len : 0;
    return is_text ? inner(reply)->str : "";
}

int64_t redis_integer(const struct redis_reply *reply)
{
    int64_t number = 0;

    if (redis_kind(reply) == REDIS_INTEGER)
        number = inner(reply)->integer;
    else if (redis_kind(reply) == REDIS_TEXT)
        number = strtoll(inner(reply)->str, NULL, 10);
    return number > REDIS_NUMBER_MAX    ? REDIS_NUMBER_MAX
           : number < -REDIS_NUMBER_MAX ? -REDIS_NUMBER_MAX
                                        : number;
}

size_t redis_count(const struct redis_reply *reply)
{
    return redis_kind(reply) == REDIS_LIST ? inner(reply)->elements : 0;
}

const struct redis_reply *redis_at(const struct redis_reply *reply, size_t index)
{
    return index < redis_count(reply) ? (const struct redis_reply *)inner(reply)->element[index] : NULL;
}

const struct redis_reply *redis_field(const struct redis_reply *reply, const char *name)
{
    for (size_t i = 0; i + 1 < redis_count(reply); i += 2)
        if (strcmp(redis_text(redis_at(reply, i), NULL), name) == 0)
            return redis_at(reply, i + 1);
    return NULL;
}

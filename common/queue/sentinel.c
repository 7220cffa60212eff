/*
 * sentinel.c - which server is the primary, as sentinels tell it. They are asked at every connect and nothing
 * they said is kept: for some seconds after a failover the old primary still calls itself one, and what is
 * written to it is gone. Source: Redis, "Guidelines for Redis clients with support for Redis Sentinel".
 */
#include <stdio.h>
#include <string.h>

#include "queue/redis_inside.h"

#define SENTINEL_TIMEOUT_MS 2000 /* several are asked in turn: a silent one must not hold up the others */

/* A sentinel's own users are not those of the servers. */
static int fail_reply(const struct redis *redis, const redisReply *reply, struct err *err)
{
    redis_error(reply->str, err);
    if (err->code == ERR_REDIS_AUTH)
        return err_set(
            err, ERR_REDIS_AUTH, 0,
            "%s: %s (a sentinel has users of its own: redis.sentinel_username, redis.sentinel_password)",
            redis->where, err->text);
    return err_prefix(err, "%s", redis->where);
}

/* host, port of SENTINEL GET-MASTER-ADDR-BY-NAME. 1: read; -1: err. */
static int read_address(const struct redis *redis, const redisReply *reply, struct redis_place *place_r,
                        struct err *err)
{
    const struct redis_reply *list = (const struct redis_reply *)reply;
    char text[300];

    if (reply->type == REDIS_REPLY_ERROR)
        return fail_reply(redis, reply, err);
    if (reply->type == REDIS_REPLY_NIL)
        return err_set(err, ERR_REDIS_UNREACHABLE, 0, "%s knows no primary named '%s': correct redis.url",
                       redis->where, redis->url.name);
    snprintf(text, sizeof(text), "%s:%s", redis_text(redis_at(list, 0), NULL),
             redis_text(redis_at(list, 1), NULL));
    *place_r = (struct redis_place){ 0 };
    if (redis_place_parse(text, strlen(text), place_r) != 0 || place_r->host[0] == '\0')
        return err_set(err, ERR_REDIS_REPLY, 0, "%s answers no address for '%s'", redis->where,
                       redis->url.name);
    return 1;
}

/* 1: a primary is named; -1: none, err says why. */
static int ask_one(struct redis *redis, const struct redis_place *sentinel, struct redis_place *place_r,
                   struct err *err)
{
    const char *argv[] = { "SENTINEL", "GET-MASTER-ADDR-BY-NAME", redis->url.name };
    const size_t lens[] = { strlen(argv[0]), strlen(argv[1]), strlen(argv[2]) };
    int64_t timeout_ms = redis->settings.timeout_ms;
    redisContext *context;
    redisReply *reply;
    int rc;

    snprintf(redis->where, sizeof(redis->where), "sentinel %s:%d", sentinel->host, sentinel->port);
    if (timeout_ms > SENTINEL_TIMEOUT_MS)
        timeout_ms = SENTINEL_TIMEOUT_MS;
    if (redis_open(redis, sentinel, redis->settings.sentinel_username, redis->settings.sentinel_password,
                   timeout_ms, &context, err) != 0)
        return -1;
    rc = redis_exchange(redis, context, 3, argv, lens, &reply, err);
    if (rc == 0) {
        rc = read_address(redis, reply, place_r, err);
        freeReplyObject(reply);
    }
    redisFree(context);
    return rc;
}

/* 0: connected to what it is said to be. */
static int take_primary(struct redis *redis, const struct redis_place *place, struct err *err)
{
    if (redis_connect_to(redis, place, err) != 0)
        return -1;
    if (redis->is_primary)
        return 0;
    redis_disconnect(redis);
    return err_set(err, ERR_REDIS_UNREACHABLE, 0,
                   "%s:%d, which the sentinels name as the primary of '%s', says it is a replica: a failover "
                   "is under way",
                   place->host, place->port, redis->url.name);
}

/* What is wrong with the primary says more than what is wrong with a sentinel. */
static void keep_worst(struct err *kept, const struct err *why, bool is_of_primary, bool *has_primary)
{
    if (*has_primary && !is_of_primary)
        return;
    *kept = *why;
    *has_primary = is_of_primary;
}

int sentinel_connect(struct redis *redis, struct err *err)
{
    struct redis_place place, failed = { 0 };
    struct err kept = ERR_INIT;
    bool has_primary = false;

    for (size_t i = 0; i < redis->url.place_count; i++) {
        size_t index = (redis->first + i) % redis->url.place_count;
        struct err why = ERR_INIT;

        if (ask_one(redis, &redis->url.places[index], &place, &why) != 1) {
            keep_worst(&kept, &why, false, &has_primary);
            continue;
        }
        /* Several may still name one that is gone: it is tried once. */
        if (redis_place_equal(&place, &failed))
            continue;
        if (take_primary(redis, &place, &why) == 0) {
            redis->first = index;
            return 0;
        }
        keep_worst(&kept, &why, true, &has_primary);
        failed = place;
    }
    snprintf(redis->where, sizeof(redis->where), "%s", redis->settings.url);
    *err = kept;
    return -1;
}

/*
 * cluster.c - a cluster's redirections. All keys of an organization share a slot, so one node has them all
 * and one connection serves: MOVED makes another node the server of this connection; ASK sends one call to
 * the node that a slot is moving to; TRYAGAIN and CLUSTERDOWN are waited out.
 *
 * A script is never sent after an ASK: on half a slot it would take keys that stand on the other node for
 * absent. It waits, as it does for TRYAGAIN, until the slot has moved (lua/prelude.lua refuses to run on the
 * node that a slot leaves, for the same reason). Source: Redis cluster specification, "Redirection and
 * resharding".
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/rand.h"
#include "base/str.h"
#include "queue/redis_inside.h"

#define HOPS_MAX      5
#define WAIT_FIRST_MS 5
#define WAIT_MOST_MS  200

bool cluster_is_redirection(const char *words)
{
    return str_starts(words, "MOVED ") || str_starts(words, "ASK ") || str_starts(words, "TRYAGAIN") ||
           str_starts(words, "CLUSTERDOWN");
}

/* "MOVED 3999 host:port": the host is empty where the node does not know its own, and then it is the one
 * asked. */
static int read_place(const struct redis *redis, const char *words, struct redis_place *place_r)
{
    const char *at = strchr(words, ' ');

    at = at != NULL ? strchr(at + 1, ' ') : NULL;
    *place_r = redis->at;
    if (place_r->host[0] == '\0') /* asked through a unix socket */
        snprintf(place_r->host, sizeof(place_r->host), "127.0.0.1");
    return at == NULL ? -1 : redis_place_parse(at + 1, strcspn(at + 1, " \r\n"), place_r);
}

/* The node in use is of no more use: the next connect begins with another. */
static int give_up(struct redis *redis, struct err *err, const char *words)
{
    redis->at = (struct redis_place){ 0 };
    redis->first++;
    redis_disconnect(redis);
    return err_set(err, ERR_REDIS_LOST, 0, "the cluster at %s does not serve: %s", redis->where, words);
}

static int follow_moved(struct redis *redis, struct cluster_way *way, const char *words, struct err *err)
{
    struct redis_place place;

    if (read_place(redis, words, &place) != 0 || ++way->hops > HOPS_MAX)
        return give_up(redis, err, words);
    if (redis_connect_to(redis, &place, err) == 0)
        return 1;
    redis->first++;
    return -1;
}

static int exchange_asking(struct redis *redis, redisContext *context, int argc, const char **argv,
                           const size_t *lens, redisReply **reply_r, struct err *err)
{
    const char *asking[] = { "ASKING" };
    const size_t asking_lens[] = { 6 };
    redisReply *reply;

    if (redis_exchange(redis, context, 1, asking, asking_lens, &reply, err) != 0)
        return -1;
    freeReplyObject(reply);
    return redis_exchange(redis, context, argc, argv, lens, reply_r, err);
}

static int follow_ask(struct redis *redis, const char *words, int argc, const char **argv, const size_t *lens,
                      redisReply **reply_r, struct err *err)
{
    struct redis_place place;
    redisContext *context;
    int rc;

    if (read_place(redis, words, &place) != 0)
        return give_up(redis, err, words);
    if (redis_open(redis, &place, redis->settings.username, redis->settings.password, redis->allowed_ms,
                   &context, err) != 0)
        return -1;
    rc = exchange_asking(redis, context, argc, argv, lens, reply_r, err);
    redisFree(context);
    return rc;
}

/* 1: the time has passed, try again; -1: there was too much of it. */
static int be_patient(struct redis *redis, struct cluster_way *way, const char *words, struct err *err)
{
    int64_t ms = backoff_ms(WAIT_FIRST_MS, WAIT_MOST_MS, ++way->waits, rand_u32());

    if (way->waited_ms + ms > redis->settings.timeout_ms)
        return give_up(redis, err, words);
    way->waited_ms += ms;
    (void)poll(NULL, 0, (int)ms);
    return 1;
}

static bool is_script(const char *command)
{
    return str_starts(command, "EVAL") || str_starts(command, "eval");
}

int cluster_follow(struct redis *redis, struct cluster_way *way, int argc, const char **argv,
                   const size_t *lens, redisReply **reply, struct err *err)
{
    redisReply *said = *reply;
    int rc;

    *reply = NULL;
    if (str_starts(said->str, "MOVED "))
        rc = follow_moved(redis, way, said->str, err);
    else if (str_starts(said->str, "ASK ") && !is_script(argv[0]))
        rc = follow_ask(redis, said->str, argc, argv, lens, reply, err);
    else
        rc = be_patient(redis, way, said->str, err);
    freeReplyObject(said);
    /* The node asked may want patience too, or the slot is there by now. */
    if (rc == 0 && (*reply)->type == REDIS_REPLY_ERROR && cluster_is_redirection((*reply)->str)) {
        rc = be_patient(redis, way, (*reply)->str, err);
        freeReplyObject(*reply);
    }
    if (rc < 0 && redis->context != NULL)
        redis_disconnect(redis);
    return rc;
}

static void add_node(struct redis_node_list *nodes, const struct redis_place *place)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (redis_place_equal(&nodes->at[i], place))
            return;
    if (nodes->count < REDIS_URL_PLACES)
        nodes->at[nodes->count++] = *place;
}

/* CLUSTER SLOTS: ranges of [from, to, [host, port, ...]...]. Where it is not allowed, the URL's nodes must
 * do. -1: the connection broke over it. */
static int learn_nodes(struct redis *redis, struct err *err)
{
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, "CLUSTER", "SLOTS", NULL) != 0)
        return redis->context != NULL ? 0 : -1;
    redis->nodes.count = 0;
    for (size_t i = 0; i < redis_count(reply); i++) {
        const struct redis_reply *range = redis_at(reply, i);

        for (size_t k = 2; k < redis_count(range); k++) {
            struct redis_place place = redis->at;
            const char *host = redis_text(redis_at(redis_at(range, k), 0), NULL);

            if (strlen(host) >= sizeof(place.host))
                continue;
            if (host[0] != '\0' && strcmp(host, "?") != 0)
                memcpy(place.host, host, strlen(host) + 1);
            place.port = (int)redis_integer(redis_at(redis_at(range, k), 1));
            add_node(&redis->nodes, &place);
        }
    }
    redis_reply_free(reply);
    return 0;
}

/* To the node that has the keys: else it would be the first command that finds a dead one behind a living
 * one, after a connect that has succeeded, and whoever tries again would do so without end and without a
 * pause. */
static int go_to_keys(struct redis *redis, struct err *err)
{
    struct redis_reply *reply;

    if (redis->settings.key == NULL)
        return 0;
    if (redis_callv(redis, &reply, err, "EXISTS", redis->settings.key, NULL) != 0)
        return -1;
    redis_reply_free(reply);
    return 0;
}

int cluster_connect(struct redis *redis, struct err *err)
{
    struct redis_node_list all = { .count = 0 };
    struct err kept = ERR_INIT;

    /* The last one first: it had the keys. A single server has but the one place. */
    if (redis->at.port != 0)
        add_node(&all, &redis->at);
    for (size_t i = 0; i < redis->nodes.count; i++)
        add_node(&all, &redis->nodes.at[(redis->first + i) % redis->nodes.count]);
    for (size_t i = 0; i < redis->url.place_count; i++)
        add_node(&all, &redis->url.places[(redis->first + i) % redis->url.place_count]);
    for (size_t i = 0; i < all.count; i++) {
        struct err why = ERR_INIT;

        if (redis_connect_to(redis, &all.at[i], &why) == 0) {
            if (!redis->is_cluster)
                return 0;
            if (learn_nodes(redis, &why) == 0)
                return go_to_keys(redis, err);
        }
        if (i == 0 || kept.code == ERR_REDIS_UNREACHABLE)
            kept = why;
    }
    *err = kept;
    return -1;
}

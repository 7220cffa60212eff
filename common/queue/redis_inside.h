/**
 * redis_inside.h - what the files of the connection share: redis.c (calls), redis_connect.c, sentinel.c (who
 * is the primary), cluster.c (whose the keys are), tls.c. Private to them.
 */
#ifndef QUEUE_REDIS_INSIDE_H
#define QUEUE_REDIS_INSIDE_H

#include <hiredis/hiredis.h>

#include "queue/redis.h"
#include "queue/redis_url.h"

#define REDIS_IDENTITY_BYTES 128
#define REDIS_WHERE_BYTES    512

struct redis_node_list {
    struct redis_place at[REDIS_URL_PLACES];
    size_t count;
};

struct redis {
    struct redis_settings settings;
    struct redis_url url;
    struct tls *tls;               /* NULL: none */
    redisContext *context;         /* NULL: not connected */
    char where[REDIS_WHERE_BYTES]; /* for messages: the URL, and the server behind it where the URL does not
                                      tell */
    char identity[REDIS_IDENTITY_BYTES];
    int64_t allowed_ms;           /* the time-out of the call under way */
    bool is_primary;              /* what the server said of itself when it was connected */
    bool is_cluster;              /* the server is a node of one */
    struct redis_place at;        /* the server connected to last; port 0: none */
    struct redis_node_list nodes; /* of the cluster, as a node told them */
    size_t first;                 /* sentinel or node to ask first next time */
    char shortage[128];           /* of redis_confirm; "": none */
};

/** An open, logged-in connection without a database selected. place NULL: the unix socket. user, password:
 * NULL: none. The context is the caller's (redisFree). ERR_REDIS_UNREACHABLE, _CERTIFICATE, _AUTH. */
int redis_open(struct redis *redis, const struct redis_place *place, const char *username,
               const char *password, int64_t timeout_ms, redisContext **context_r, struct err *err);

/** Makes place the server of this connection, whatever it was: logs in, selects, reads who it is. */
int redis_connect_to(struct redis *redis, const struct redis_place *place, struct err *err);

/** One command on any context; an error reply is a reply. -1: ERR_REDIS_LOST; the context is of no more use.
 */
int redis_exchange(struct redis *redis, redisContext *context, int argc, const char **argv,
                   const size_t *lens, redisReply **reply_r, struct err *err);

/** Sets err to what an error reply means. Always -1. */
int redis_error(const char *words, struct err *err);

/** Asks the sentinels, connects to the primary they name (sentinel.c). */
int sentinel_connect(struct redis *redis, struct err *err);

/** Connects to a node that answers, the last one first (cluster.c). */
int cluster_connect(struct redis *redis, struct err *err);

/* One call on its way through a cluster. */
struct cluster_way {
    int hops, waits;
    int64_t waited_ms;
};

/** True for the errors by which a node sends elsewhere or asks for patience. */
bool cluster_is_redirection(const char *words);

/**
 * Follows *reply, an error for which cluster_is_redirection is true, and frees it.
 *
 * @return 1: the same call again, now; 0: *reply is the answer that another node gave; -1 with err
 *         (ERR_REDIS_LOST, and disconnected): patience is at its end, or the node named does not answer
 */
int cluster_follow(struct redis *redis, struct cluster_way *way, int argc, const char **argv,
                   const size_t *lens, redisReply **reply, struct err *err);

#endif

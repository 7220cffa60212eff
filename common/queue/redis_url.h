/** redis_url.h - the forms of redis.url:
 *
 *     redis://[host][:port][/db]                      one server, or any node of a cluster
 *     unix:///path[?db=N]                             the same by its socket
 *     sentinel://h1[:port],h2[:port],.../NAME[/db]    whom these sentinels name as the primary of NAME
 *     cluster://h1[:port],h2[:port],...               a cluster, by several of its nodes
 *
 * With an s behind the scheme (rediss, sentinels, clusters) every connection speaks TLS. */
#ifndef QUEUE_REDIS_URL_H
#define QUEUE_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define REDIS_URL_PLACES 16

struct redis_place {
    char host[256];
    int port;
};

enum redis_url_kind { REDIS_URL_SERVER, REDIS_URL_UNIX, REDIS_URL_SENTINEL, REDIS_URL_CLUSTER };

struct redis_url {
    enum redis_url_kind kind;
    bool is_tls;
    struct redis_place places[REDIS_URL_PLACES]; /* servers, sentinels or nodes, in the order given */
    size_t place_count;                          /* 0 for a unix socket */
    char path[108];                              /* of the socket, or "" */
    char name[64];                               /* SENTINEL: of the primary; else "" */
    int db;
};

/** ERR_SETTINGS names what is wrong. User and password do not belong into the URL (redis.username,
 * redis.password); the URL is never shown, since one may stand there all the same. */
int redis_url_parse(const char *text, struct redis_url *url_r, struct err *err);

/** "host:port" with an IPv6 address in brackets or bare, as MOVED has it: divided at the last colon. An empty
 * host leaves place->host as it is. -1 where there is no port in 1..65535 or the host is too long. */
int redis_place_parse(const char *text, size_t len, struct redis_place *place);

bool redis_place_equal(const struct redis_place *a, const struct redis_place *b);

#endif

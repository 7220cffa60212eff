/** redis_url.h - the forms of redis.url that this version serves: redis://[host][:port][/db] and
 * unix:///path[?db=N]. */
#ifndef QUEUE_REDIS_URL_H
#define QUEUE_REDIS_URL_H

#include <stdint.h>

#include "base/err.h"

struct redis_url {
    char host[256]; /* "" for a unix socket */
    char path[256]; /* of the socket, or "" */
    int port;
    int db;
};

/** ERR_SETTINGS names what is wrong. User and password do not belong into the URL (redis.username,
 * redis.password). */
int redis_url_parse(const char *text, struct redis_url *url_r, struct err *err);

#endif

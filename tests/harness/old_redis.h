/**
 * old_redis.h - a stand-in for a Redis that is too old: it answers HELLO, INFO, PING and the like as 6.2
 * does, and everything else with an error. On a free port of 127.0.0.1, one thread for each connection.
 */
#ifndef HARNESS_OLD_REDIS_H
#define HARNESS_OLD_REDIS_H

#include "base/err.h"

struct old_redis;

int old_redis_start(struct old_redis **server_r, struct err *err);
/** Ends every connection and joins every thread. Takes NULL. */
void old_redis_stop(struct old_redis *server);
int old_redis_port(const struct old_redis *server);
/** Commands that it answered with an error, but for HELLO: what a client should not have gone on to. */
int old_redis_refused(struct old_redis *server);

#endif

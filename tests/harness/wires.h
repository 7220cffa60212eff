/**
 * wires.h - the workers of a pipeline reached through faulty lines: each copy has a proxy to Redis and one to
 * the API of its own, so that a test breaks the line of one and leaves the others in peace. abmctl goes the
 * direct way.
 */
#ifndef HARNESS_WIRES_H
#define HARNESS_WIRES_H

#include "harness/pipeline.h"
#include "harness/tcp_proxy.h"

#define WIRES_ENV_MAX 8

struct wire {
    struct tcp_proxy *redis, *api;
    char redis_env[64], api_env[80];
    const char *env[WIRES_ENV_MAX]; /* of the worker */
};

struct wires {
    struct wire at[PIPELINE_STAGES][PIPELINE_COPIES_MAX];
};

/**
 * Lays the lines of every copy, before any worker starts. The pipeline must be started, and stays where it
 * is.
 *
 * @param more  further environment of every worker, NULL-terminated, at most WIRES_ENV_MAX - 3; NULL: none
 */
void wires_lay(struct wires *wires, struct pipeline *pipeline, const char *const *more);
/** After pipeline_stop. */
void wires_take_down(struct wires *wires);

/** The same weather on every line to Redis, or to the API; NULL: fair. */
void wires_redis(struct wires *wires, const struct tcp_weather *weather);
void wires_api(struct wires *wires, const struct tcp_weather *weather);
/** Cuts every open connection to Redis, or to the API. Returns how many. */
int64_t wires_cut_redis(struct wires *wires, bool is_reset);
int64_t wires_cut_api(struct wires *wires, bool is_reset);
/** Connections to Redis made so far. */
int64_t wires_redis_connections(struct wires *wires);

/** The SHA-1 under which Redis runs a script ("settle"'s text: lua_settle of queue/scripts.h). In one of 8
 * slots that take turns. */
const char *wires_sha(struct pipeline *pipeline, const char *text);

#endif

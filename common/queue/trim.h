/**
 * trim.h - retention: what is not kept any more goes from Redis, a bounded piece a call (lua/trim.lua tells
 * what).
 */
#ifndef QUEUE_TRIM_H
#define QUEUE_TRIM_H

#include <stdbool.h>

#include "base/pool.h"
#include "queue/keys.h"
#include "queue/redis.h"

struct trimmed {
    const char **runs; /* that are gone now; in the pool */
    size_t count;
    bool has_more; /* call again soon */
};

/** keep_ms: runs.keep. every_ms: a call sooner than that after the last, by whomever, does nothing. -1:
 * ERR_REDIS_*. */
int trim_run(struct redis *redis, const struct keys *keys, int64_t keep_ms, int64_t every_ms,
             struct pool *pool, struct trimmed *trimmed_r, struct err *err);

#endif

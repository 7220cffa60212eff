/**
 * cache.h - small values shared by all workers of an organization for a while (the catalog, what was learned
 * of propagation). An interface: over Redis (`cache:NAME`) in cache_redis.c, in memory for unit tests.
 */
#ifndef QUEUE_CACHE_H
#define QUEUE_CACHE_H

#include "base/buf.h"

struct cache_ops {
    int (*get)(void *ctx, const char *name, struct buf *value, int64_t *age_ms_r, struct err *err);
    int (*set)(void *ctx, const char *name, const char *value, size_t len, int64_t ttl_ms, struct err *err);
    int (*lock)(void *ctx, const char *name, int64_t ttl_ms, struct err *err);
    int (*unlock)(void *ctx, const char *name, struct err *err);
};

struct cache {
    const struct cache_ops *ops;
    void *ctx;
};

/** 1 and appends the value to *value, with its age; 0: not there; -1: err. */
static inline int cache_get(struct cache *cache, const char *name, struct buf *value, int64_t *age_ms_r,
                            struct err *err)
{
    return cache->ops->get(cache->ctx, name, value, age_ms_r, err);
}

static inline int cache_set(struct cache *cache, const char *name, const char *value, size_t len,
                            int64_t ttl_ms, struct err *err)
{
    return cache->ops->set(cache->ctx, name, value, len, ttl_ms, err);
}

/** So that one process reads what all need: 1 the lock is ours for ttl_ms, 0 another holds it, -1 err. */
static inline int cache_lock(struct cache *cache, const char *name, int64_t ttl_ms, struct err *err)
{
    return cache->ops->lock(cache->ctx, name, ttl_ms, err);
}

static inline int cache_unlock(struct cache *cache, const char *name, struct err *err)
{
    return cache->ops->unlock(cache->ctx, name, err);
}

#endif

#include "fresh_cache.h"

#include "base/str.h"

static int get(void *ctx, const char *name, struct buf *value, int64_t *age_ms_r, struct err *err)
{
    return str_starts(name, "catalog-") ? 0 : cache_get(ctx, name, value, age_ms_r, err);
}

static int set(void *ctx, const char *name, const char *value, size_t len, int64_t ttl_ms, struct err *err)
{
    return cache_set(ctx, name, value, len, ttl_ms, err);
}

static int lock(void *ctx, const char *name, int64_t ttl_ms, struct err *err)
{
    return cache_lock(ctx, name, ttl_ms, err);
}

static int unlock(void *ctx, const char *name, struct err *err)
{
    return cache_unlock(ctx, name, err);
}

struct cache fresh_cache_over(struct cache *under)
{
    static const struct cache_ops ops = { .get = get, .set = set, .lock = lock, .unlock = unlock };

    return (struct cache){ .ops = &ops, .ctx = under };
}

#include <string.h>

#include "queue/scripts.h"
#include "queue/shared.h"

static char *cache_key(const struct shared *shared, const char *name, char *key)
{
    return keys_make(shared->keys, "cache", name, key);
}

static int get(void *ctx, const char *name, struct buf *value, int64_t *age_ms_r, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    const struct redis_reply *text;
    size_t len;

    if (redis_callv(shared->redis, &reply, err, "HMGET", cache_key(shared, name, key), "value", "at", NULL) !=
        0)
        return -1;
    text = redis_at(reply, 0);
    if (redis_kind(text) == REDIS_TEXT) {
        const char *data = redis_text(text, &len);
        struct redis_reply *now;

        buf_add(value, data, len);
        *age_ms_r = 0;
        if (redis_callv(shared->redis, &now, err, "TIME", NULL) != 0) {
            redis_reply_free(reply);
            return -1;
        }
        *age_ms_r = redis_integer(redis_at(now, 0)) * 1000 + redis_integer(redis_at(now, 1)) / 1000 -
                    redis_integer(redis_at(reply, 1));
        redis_reply_free(now);
        redis_reply_free(reply);
        return buf_check(value, name, err) != 0 ? -1 : 1;
    }
    redis_reply_free(reply);
    return 0;
}

static int run_cache(struct shared *shared, const char *action, const char *name, const char *value,
                     size_t len, int64_t ttl_ms, struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, cache_key(shared, name, key));
    redis_arg(&args, action);
    redis_arg_len(&args, value, len);
    redis_arg_int(&args, ttl_ms);
    rc = scripts_run(shared->redis, SCRIPT_cache, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    rc = (int)redis_integer(reply);
    redis_reply_free(reply);
    return rc;
}

static int set(void *ctx, const char *name, const char *value, size_t len, int64_t ttl_ms, struct err *err)
{
    return run_cache(ctx, "set", name, value, len, ttl_ms, err) < 0 ? -1 : 0;
}

static int lock(void *ctx, const char *name, int64_t ttl_ms, struct err *err)
{
    struct shared *shared = ctx;

    return run_cache(shared, "lock", name, shared->consumer, strlen(shared->consumer), ttl_ms, err);
}

static int unlock(void *ctx, const char *name, struct err *err)
{
    struct shared *shared = ctx;

    return run_cache(shared, "unlock", name, shared->consumer, strlen(shared->consumer), 0, err) < 0 ? -1 : 0;
}

struct cache shared_cache(struct shared *shared)
{
    static const struct cache_ops ops = { .get = get, .set = set, .lock = lock, .unlock = unlock };

    return (struct cache){ .ops = &ops, .ctx = shared };
}

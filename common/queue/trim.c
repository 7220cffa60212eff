#include "queue/trim.h"

#include <string.h>

#include "queue/scripts.h"

#define RUNS_MOST 20 /* looked at a call: a run of a million devices has a thousand batches to free */

static int take_runs(const struct redis_reply *reply, struct pool *pool, struct trimmed *trimmed,
                     struct err *err)
{
    size_t count = redis_count(reply);

    memset(trimmed, 0, sizeof(*trimmed));
    trimmed->has_more = redis_integer(redis_at(reply, 0)) == 1;
    if (count < 2)
        return 0;
    trimmed->runs = pool_array(pool, count - 1, sizeof(*trimmed->runs));
    if (trimmed->runs == NULL)
        return pool_failed(pool, err);
    for (; trimmed->count + 1 < count; trimmed->count++) {
        const char *run = pool_strdup(pool, redis_text(redis_at(reply, trimmed->count + 1), NULL));

        if (run == NULL)
            return pool_failed(pool, err);
        trimmed->runs[trimmed->count] = run;
    }
    return 0;
}

int trim_run(struct redis *redis, const struct keys *keys, int64_t keep_ms, int64_t every_ms,
             struct pool *pool, struct trimmed *trimmed_r, struct err *err)
{
    char trim[KEY_MAX_BYTES], runs[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_make(keys, "trim", NULL, trim));
    redis_arg(&args, keys_make(keys, "runs", NULL, runs));
    redis_arg(&args, keys->prefix);
    redis_arg_int(&args, keep_ms);
    redis_arg_int(&args, every_ms);
    redis_arg_int(&args, RUNS_MOST);
    rc = scripts_run(redis, SCRIPT_trim, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    rc = take_runs(reply, pool, trimmed_r, err);
    redis_reply_free(reply);
    return rc;
}

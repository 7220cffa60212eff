#include <stdio.h>

#include "queue/scripts.h"
#include "queue/shared.h"

static const char *const words[] = {
    [BRAKE_NEW] = "n", [BRAKE_KEPT] = "e", [BRAKE_CHANGE] = "c", [BRAKE_HELD] = "h"
};

static int weigh(void *ctx, const char *run, struct brake_item *list, size_t count, bool *has_tripped_r,
                 struct err *err)
{
    struct shared *shared = ctx;
    char names[3][KEY_MAX_BYTES], weights[KEY_MAX_BYTES + 8];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 4);
    redis_arg(&args, keys_make(shared->keys, "run", run, names[0]));
    snprintf(weights, sizeof(weights), "%s:weights", names[0]);
    redis_arg(&args, weights);
    redis_arg(&args, keys_make(shared->keys, "runs", "paused", names[1]));
    redis_arg(&args, keys_make(shared->keys, "count", shared->stage, names[2]));
    redis_arg(&args, shared->keys->prefix);
    redis_arg(&args, run);
    redis_arg_int(&args, shared->max_changes);
    redis_arg_int(&args, shared->max_parked);
    for (size_t i = 0; i < count; i++) {
        redis_arg_int(&args, list[i].row);
        redis_arg(&args, words[list[i].what]);
    }
    rc = scripts_run(shared->redis, SCRIPT_weigh, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    if (redis_count(reply) != count + 1)
        rc = err_set(err, ERR_BUG, 0, "weigh.lua answered %zu words for %zu devices", redis_count(reply),
                     count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        list[i].is_granted = redis_integer(redis_at(reply, i)) == 1;
    *has_tripped_r = rc == 0 && redis_integer(redis_at(reply, count)) == 1;
    redis_reply_free(reply);
    return rc;
}

struct brake shared_brake(struct shared *shared)
{
    static const struct brake_ops ops = { .weigh = weigh };

    return (struct brake){ .ops = shared->max_changes >= 0 ? &ops : NULL, .ctx = shared };
}

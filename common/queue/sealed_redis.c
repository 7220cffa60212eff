#include <stdio.h>
#include <string.h>

#include "queue/scripts.h"
#include "queue/shared.h"

static void copy_text(const struct redis_reply *from, char *text, size_t len)
{
    snprintf(text, len, "%s", redis_kind(from) == REDIS_TEXT ? redis_text(from, NULL) : "");
}

/* 0 and the reply, the caller's to free. */
static int run(struct shared *shared, enum script script, struct redis_args *args,
               struct redis_reply **reply_r, struct err *err)
{
    int rc = scripts_run(shared->redis, script, args, reply_r, err);

    redis_args_release(args);
    return rc;
}

/* key[KEY_MAX_BYTES] is where the key's name stands until the call. */
static void begin(const struct shared *shared, const char *name, char *key, struct redis_args *args)
{
    redis_args_init(args);
    redis_arg_int(args, 1);
    redis_arg(args, keys_make(shared->keys, "secret", name, key));
}

static int read_value(void *ctx, const char *name, struct sealed_value *value_r, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    const char *text;
    size_t len = 0;
    int rc;

    if (redis_callv(shared->redis, &reply, err, "HMGET", keys_make(shared->keys, "secret", name, key), "id",
                    "expires", "at", "by", "sealed", "code", "why", NULL) != 0)
        return -1;
    copy_text(redis_at(reply, 0), value_r->id, sizeof(value_r->id));
    value_r->expires_ms = redis_integer(redis_at(reply, 1));
    value_r->at_ms = redis_integer(redis_at(reply, 2));
    copy_text(redis_at(reply, 3), value_r->by, sizeof(value_r->by));
    copy_text(redis_at(reply, 5), value_r->code, sizeof(value_r->code));
    copy_text(redis_at(reply, 6), value_r->why, sizeof(value_r->why));
    buf_release(&value_r->text);
    buf_init(&value_r->text, SEALED_TEXT_MAX);
    text = redis_kind(redis_at(reply, 4)) == REDIS_TEXT ? redis_text(redis_at(reply, 4), &len) : "";
    buf_add(&value_r->text, text, len);
    rc = buf_check(&value_r->text, key, err) != 0 ? -1 : value_r->id[0] != '\0' && len > 0;
    redis_reply_free(reply);
    return rc;
}

static int take(void *ctx, const char *name, const struct sealed_ask *ask, struct sealed_turn *turn_r,
                struct err *err)
{
    static const char *const words[] = {
        [SEALED_TAKEN] = "taken", [SEALED_HELD] = "held",     [SEALED_NEWER] = "newer",
        [SEALED_YOUNG] = "young", [SEALED_FAILED] = "failed",
    };
    struct shared *shared = ctx;
    struct redis_reply *reply;
    char key[KEY_MAX_BYTES], word[16];
    struct redis_args args;
    size_t kind = 0;

    begin(shared, name, key, &args);
    redis_arg(&args, shared->consumer);
    redis_arg(&args, ask->known_id);
    redis_arg_int(&args, ask->ttl_ms);
    redis_arg_int(&args, ask->min_age_ms);
    redis_arg(&args, ask->is_forced ? "1" : "0");
    if (run(shared, SCRIPT_sealed_take, &args, &reply, err) != 0)
        return -1;
    copy_text(redis_at(reply, 0), word, sizeof(word));
    while (kind < sizeof(words) / sizeof(words[0]) && strcmp(words[kind], word) != 0)
        kind++;
    *turn_r = (struct sealed_turn){ .kind = (enum sealed_turn_kind)kind };
    if (kind == SEALED_TAKEN)
        turn_r->fence = redis_integer(redis_at(reply, 1));
    else
        turn_r->left_ms = redis_integer(redis_at(reply, 1));
    copy_text(redis_at(reply, 2), turn_r->code, sizeof(turn_r->code));
    copy_text(redis_at(reply, 3), turn_r->why, sizeof(turn_r->why));
    redis_reply_free(reply);
    if (kind == sizeof(words) / sizeof(words[0]))
        return err_set(err, ERR_REDIS_REPLY, 0,
                       "Redis: the turn to renew secret:%s is answered by no word of ours", name);
    return 0;
}

static int end(struct shared *shared, struct redis_args *args, struct err *err)
{
    struct redis_reply *reply;
    int rc;

    if (run(shared, SCRIPT_sealed_end, args, &reply, err) != 0)
        return -1;
    rc = redis_integer(reply) == 1;
    redis_reply_free(reply);
    return rc;
}

static int put(void *ctx, const char *name, int64_t fence, const struct sealed_value *value, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_args args;

    begin(shared, name, key, &args);
    redis_arg(&args, "put");
    redis_arg_int(&args, fence);
    redis_arg(&args, value->id);
    redis_arg_int(&args, value->expires_ms);
    redis_arg(&args, shared->consumer);
    redis_arg_len(&args, value->text.data, value->text.len);
    return end(shared, &args, err);
}

static int give_up(void *ctx, const char *name, int64_t fence, int64_t hold_ms, const struct err *why,
                   struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_args args;

    begin(shared, name, key, &args);
    redis_arg(&args, "fail");
    redis_arg_int(&args, fence);
    redis_arg_int(&args, hold_ms);
    redis_arg(&args, err_wire(why->code));
    redis_arg_len(&args, why->text, strnlen(why->text, SEALED_WHY_MAX - 1));
    return end(shared, &args, err);
}

static int drop(void *ctx, const char *name, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_args args;

    begin(shared, name, key, &args);
    redis_arg(&args, "drop");
    redis_arg(&args, "");
    return end(shared, &args, err);
}

struct sealed shared_sealed(struct shared *shared)
{
    static const struct sealed_ops ops = {
        .read = read_value, .take = take, .put = put, .give_up = give_up, .drop = drop
    };

    return (struct sealed){ .ops = &ops, .ctx = shared };
}

#include <stdio.h>
#include <string.h>

#include "queue/scripts.h"
#include "queue/shared.h"

static int take(void *ctx, int64_t ttl_ms, struct chain_turn *turn_r, struct buf *envelope, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    const char *bytes;
    size_t len;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(shared->keys, "chain", NULL, key));
    redis_arg(&args, shared->consumer);
    redis_arg_int(&args, ttl_ms);
    rc = scripts_run(shared->redis, SCRIPT_chain_take, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    rc = (int)redis_integer(redis_at(reply, 0));
    if (rc == 1) {
        memset(turn_r, 0, sizeof(*turn_r));
        turn_r->token = redis_integer(redis_at(reply, 1));
        turn_r->sequence = redis_integer(redis_at(reply, 2));
        snprintf(turn_r->previous, sizeof(turn_r->previous), "%s", redis_text(redis_at(reply, 3), NULL));
        snprintf(turn_r->run, sizeof(turn_r->run), "%s", redis_text(redis_at(reply, 4), NULL));
        snprintf(turn_r->name, sizeof(turn_r->name), "%s", redis_text(redis_at(reply, 5), NULL));
        bytes = redis_text(redis_at(reply, 6), &len);
        turn_r->is_stored = len > 0;
        buf_add(envelope, bytes, len);
        if (buf_check(envelope, "the stored envelope", err) != 0)
            rc = -1;
    }
    redis_reply_free(reply);
    return rc;
}

/* 1: the script did it; the lock passed on otherwise. */
static int finish(struct shared *shared, enum script script, struct redis_args *args, struct err *err)
{
    struct redis_reply *reply;
    int rc = scripts_run(shared->redis, script, args, &reply, err);

    redis_args_release(args);
    if (rc != 0)
        return -1;
    rc = (int)redis_integer(reply);
    redis_reply_free(reply);
    if (rc != 1)
        return err_set(err, ERR_LOST_MESSAGE, 0, "another audit worker took the turn to close");
    return 0;
}

static int store(void *ctx, const struct chain_turn *turn, const char *run, const char *name,
                 const char *envelope, size_t len, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_args args;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(shared->keys, "chain", NULL, key));
    redis_arg_int(&args, turn->token);
    redis_arg(&args, run);
    redis_arg(&args, name);
    redis_arg_len(&args, envelope, len);
    if (finish(shared, SCRIPT_chain_store, &args, err) != 0)
        return -1;
    /* A failover that forgot the envelope would make another of the same name, which no sink takes. */
    return redis_secure(shared->redis, err);
}

static int move(void *ctx, const struct chain_turn *turn, const char *payload_sha256, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_args args;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(shared->keys, "chain", NULL, key));
    redis_arg_int(&args, turn->token);
    redis_arg(&args, payload_sha256);
    redis_arg_int(&args, turn->sequence);
    return finish(shared, SCRIPT_chain_move, &args, err);
}

static int drop(void *ctx, const struct chain_turn *turn, struct err *err)
{
    return move(ctx, turn, "", err);
}

struct chain shared_chain(struct shared *shared)
{
    static const struct chain_ops ops = { .take = take, .store = store, .move = move, .drop = drop };

    return (struct chain){ .ops = &ops, .ctx = shared };
}

#include "queue/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/scripts.h"

void stream_entries_release(struct stream_entries *entries)
{
    for (size_t i = 0; i < entries->reply_count; i++)
        redis_reply_free(entries->replies[i]);
    free(entries->at);
    memset(entries, 0, sizeof(*entries));
}

static int make_room(struct stream_entries *entries, size_t count, struct err *err)
{
    entries->at = count > 0 ? calloc(count, sizeof(*entries->at)) : NULL;
    if (count > 0 && entries->at == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for %zu messages", count);
    return 0;
}

/* [id, [field, value, ...]]; a deleted entry that is still pending has no fields and is passed over. */
static void add_entry(struct stream_entries *entries, const struct redis_reply *entry, int lane)
{
    const struct redis_reply *fields = redis_at(entry, 1);
    const char *id = redis_text(redis_at(entry, 0), NULL);
    struct stream_entry *to;

    if (redis_count(fields) < 2)
        return;
    to = &entries->at[entries->count++];
    if (lane == 0)
        snprintf(to->id, sizeof(to->id), "%s", id);
    else
        snprintf(to->id, sizeof(to->id), "%s@%s", id, lane_name(lane));
    to->body = redis_text(redis_at(fields, 1), &to->len);
    to->deliveries = 1;
}

int stream_make_group(struct redis *redis, const struct keys *keys, const char *stage, struct err *err)
{
    char stream[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_stream(keys, stage, stream));
    redis_arg(&args, stage);
    rc = scripts_run(redis, SCRIPT_make_group, &args, &reply, err);
    redis_args_release(&args);
    if (rc == 0)
        redis_reply_free(reply);
    return rc;
}

/* A reply names a stream by its whole key. */
static int lane_of_key(const char *const *names, const int *lanes, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return lanes[i];
    return 0;
}

/* [[key, [entry, ...]], ...] */
static int take_lists(struct redis_reply *reply, const char *const *names, const int *lanes, size_t count,
                      struct stream_entries *entries_r, struct err *err)
{
    size_t total = 0;

    entries_r->replies[entries_r->reply_count++] = reply;
    for (size_t i = 0; i < redis_count(reply); i++)
        total += redis_count(redis_at(redis_at(reply, i), 1));
    if (make_room(entries_r, total, err) != 0) {
        stream_entries_release(entries_r);
        return -1;
    }
    for (size_t i = 0; i < redis_count(reply); i++) {
        const struct redis_reply *list = redis_at(redis_at(reply, i), 1);
        int lane = lane_of_key(names, lanes, count, redis_text(redis_at(redis_at(reply, i), 0), NULL));

        for (size_t k = 0; k < redis_count(list); k++)
            add_entry(entries_r, redis_at(list, k), lane);
    }
    return 0;
}

int stream_read(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                unsigned lanes, size_t count, int64_t block_ms, struct stream_entries *entries_r,
                struct err *err)
{
    char texts[LANES][KEY_MAX_BYTES];
    const char *names[LANES];
    int which[LANES];
    struct redis_reply *reply;
    struct redis_args args;
    size_t named = 0;
    int rc;

    memset(entries_r, 0, sizeof(*entries_r));
    redis_args_init(&args);
    redis_arg(&args, "XREADGROUP");
    redis_arg(&args, "GROUP");
    redis_arg(&args, stage);
    redis_arg(&args, consumer);
    redis_arg(&args, "COUNT");
    redis_arg_int(&args, (int64_t)count);
    if (block_ms > 0) {
        redis_arg(&args, "BLOCK");
        redis_arg_int(&args, block_ms);
    }
    redis_arg(&args, "STREAMS");
    for (int lane = 0; lane < LANES; lane++) {
        if ((lanes & 1U << lane) == 0)
            continue;
        names[named] = lane_key(keys, stage, lane, texts[named]);
        which[named] = lane;
        redis_arg(&args, names[named++]);
    }
    for (size_t i = 0; i < named; i++)
        redis_arg(&args, ">");
    rc = redis_call_blocking(redis, &args, block_ms, &reply, err);
    redis_args_release(&args);
    return rc != 0 ? -1 : take_lists(reply, names, which, named, entries_r, err);
}

/* The reply of the scripts mine and reclaim: {id, deliveries, body} each. */
static int take_triples(struct redis_reply *reply, struct stream_entries *entries_r, struct err *err)
{
    entries_r->replies[entries_r->reply_count++] = reply;
    if (make_room(entries_r, redis_count(reply), err) != 0) {
        stream_entries_release(entries_r);
        return -1;
    }
    for (size_t i = 0; i < redis_count(reply); i++) {
        const struct redis_reply *triple = redis_at(reply, i);
        struct stream_entry *to = &entries_r->at[entries_r->count++];

        snprintf(to->id, sizeof(to->id), "%s", redis_text(redis_at(triple, 0), NULL));
        to->deliveries = redis_integer(redis_at(triple, 1));
        to->body = redis_text(redis_at(triple, 2), &to->len);
    }
    return 0;
}

int stream_read_own(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                    const char *after, size_t count, struct stream_entries *entries_r, struct err *err)
{
    char stream[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    memset(entries_r, 0, sizeof(*entries_r));
    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_stream(keys, stage, stream));
    redis_arg(&args, stage);
    redis_arg(&args, consumer);
    redis_arg(&args, after);
    redis_arg_int(&args, (int64_t)count);
    rc = scripts_run(redis, SCRIPT_mine, &args, &reply, err);
    redis_args_release(&args);
    return rc != 0 ? -1 : take_triples(reply, entries_r, err);
}

int stream_reclaim(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                   int64_t lease_ms, size_t count, int64_t gone_ms, struct stream_entries *entries_r,
                   struct err *err)
{
    char stream[KEY_MAX_BYTES], workers[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    memset(entries_r, 0, sizeof(*entries_r));
    redis_args_init(&args);
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_stream(keys, stage, stream));
    redis_arg(&args, keys_make(keys, "workers", NULL, workers));
    redis_arg(&args, stage);
    redis_arg(&args, consumer);
    redis_arg_int(&args, lease_ms);
    redis_arg_int(&args, (int64_t)count);
    redis_arg_int(&args, gone_ms);
    rc = scripts_run(redis, SCRIPT_reclaim, &args, &reply, err);
    redis_args_release(&args);
    return rc != 0 ? -1 : take_triples(reply, entries_r, err);
}

int stream_renew(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                 const char *const *ids, size_t count, size_t *lost_r, struct err *err)
{
    char stream[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_stream(keys, stage, stream));
    redis_arg(&args, stage);
    redis_arg(&args, consumer);
    for (size_t i = 0; i < count; i++)
        redis_arg(&args, ids[i]);
    rc = scripts_run(redis, SCRIPT_renew, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    *lost_r = redis_count(reply);
    redis_reply_free(reply);
    return 0;
}

int stream_leave(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                 struct err *err)
{
    char stream[KEY_MAX_BYTES], workers[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_stream(keys, stage, stream));
    redis_arg(&args, keys_make(keys, "workers", NULL, workers));
    redis_arg(&args, stage);
    redis_arg(&args, consumer);
    rc = scripts_run(redis, SCRIPT_leave, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    rc = (int)redis_integer(reply);
    redis_reply_free(reply);
    return rc;
}

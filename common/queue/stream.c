#include "queue/stream.h"

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
static void add_entry(struct stream_entries *entries, const struct redis_reply *entry, int64_t deliveries)
{
    const struct redis_reply *fields = redis_at(entry, 1);
    struct stream_entry *to;

    if (redis_count(fields) < 2)
        return;
    to = &entries->at[entries->count++];
    to->id = redis_text(redis_at(entry, 0), NULL);
    to->body = redis_text(redis_at(fields, 1), &to->len);
    to->deliveries = deliveries;
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

int stream_read(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                size_t count, int64_t block_ms, struct stream_entries *entries_r, struct err *err)
{
    char stream[KEY_MAX_BYTES];
    const struct redis_reply *list;
    struct redis_reply *reply;
    struct redis_args args;
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
    redis_arg(&args, keys_stream(keys, stage, stream));
    redis_arg(&args, ">");
    rc = redis_call_blocking(redis, &args, block_ms, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    entries_r->replies[entries_r->reply_count++] = reply;
    list = redis_at(redis_at(reply, 0), 1);
    if (make_room(entries_r, redis_count(list), err) != 0)
        goto failed;
    for (size_t i = 0; i < redis_count(list); i++)
        add_entry(entries_r, redis_at(list, i), 1);
    return 0;
failed:
    stream_entries_release(entries_r);
    return -1;
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

        to->id = redis_text(redis_at(triple, 0), NULL);
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

#include "queue/push.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "queue/scripts.h"

static enum push_begun read_begun(const char *word)
{
    if (strcmp(word, "new") == 0)
        return PUSH_NEW;
    if (strcmp(word, "resumed") == 0)
        return PUSH_RESUMED;
    return strcmp(word, "open") == 0 ? PUSH_OPEN_AS : PUSH_TAKEN;
}

int push_begin(struct redis *redis, const struct keys *keys, const struct push_input *input,
               enum push_begun *begun_r, char run_r[PUSH_RUN_BYTES], struct buf *head, struct err *err)
{
    char key[KEY_MAX_BYTES], field[160];
    struct redis_reply *reply = NULL;
    struct redis_args args;
    int rc;

    snprintf(field, sizeof(field), "%s:%s", input->source_sha256, input->mapping_sha256);
    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(keys, "pushed", NULL, key));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, field);
    redis_arg(&args, input->run);
    redis_arg(&args, input->is_named ? "1" : "0");
    redis_arg(&args, input->head);
    redis_arg_int(&args, input->keep_ms);
    redis_arg_int(&args, input->is_urgent);
    rc = scripts_run(redis, SCRIPT_begin_push, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    *begun_r = read_begun(redis_text(redis_at(reply, 0), NULL));
    snprintf(run_r, PUSH_RUN_BYTES, "%s", redis_text(redis_at(reply, 1), NULL));
    buf_add_str(head, redis_text(redis_at(reply, 2), NULL));
    redis_reply_free(reply);
    return buf_check(head, "the record of the push", err);
}

int push_rules(struct redis *redis, const struct keys *keys, const char *sha256, const char *text, size_t len,
               struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply = NULL;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg(&args, "SET");
    redis_arg(&args, keys_make(keys, "rules", sha256, key));
    redis_arg_len(&args, text, len);
    rc = redis_call(redis, &args, &reply, err);
    redis_args_release(&args);
    redis_reply_free(reply);
    return rc;
}

int push_come(struct redis *redis, const struct keys *keys, const char *run, bool *is_come, size_t count,
              struct err *err)
{
    char key[KEY_MAX_BYTES], name[PUSH_RUN_BYTES + 16];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    snprintf(name, sizeof(name), "%s:batches", run);
    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(keys, "run", name, key));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, run);
    rc = scripts_run(redis, SCRIPT_come, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    memset(is_come, 0, count * sizeof(*is_come));
    for (size_t i = 0; i < redis_count(reply); i++) {
        int64_t number;

        if (str_to_int(redis_text(redis_at(reply, i), NULL), 1, (int64_t)count, &number))
            is_come[number - 1] = true;
    }
    redis_reply_free(reply);
    return 0;
}

/* "RUN MS HEAD" */
static bool read_record(const char *record, char run_r[PUSH_RUN_BYTES], struct buf *head)
{
    const char *first = strchr(record, ' '), *second = first != NULL ? strchr(first + 1, ' ') : NULL;

    if (second == NULL || (size_t)(first - record) >= PUSH_RUN_BYTES)
        return false;
    memcpy(run_r, record, (size_t)(first - record));
    run_r[first - record] = '\0';
    buf_add_str(head, second + 1);
    return true;
}

int push_record(struct redis *redis, const struct keys *keys, const char *source_sha256,
                const char *mapping_sha256, char run_r[PUSH_RUN_BYTES], struct buf *head, struct err *err)
{
    char key[KEY_MAX_BYTES], field[160];
    struct redis_reply *reply;
    bool is_there;

    snprintf(field, sizeof(field), "%s:%s", source_sha256, mapping_sha256);
    if (redis_callv(redis, &reply, err, "HGET", keys_make(keys, "pushed", NULL, key), field, NULL) != 0)
        return -1;
    is_there = redis_kind(reply) == REDIS_TEXT && read_record(redis_text(reply, NULL), run_r, head);
    redis_reply_free(reply);
    return buf_check(head, "the record of the push", err) != 0 ? -1 : is_there;
}

static int ask_count(struct redis *redis, const char *command, const char *key, int64_t *count_r,
                     struct err *err)
{
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, command, key, NULL) != 0)
        return -1;
    *count_r += redis_integer(reply);
    redis_reply_free(reply);
    return 0;
}

int push_backlog(struct redis *redis, const struct keys *keys, const char *run, int64_t *messages_r,
                 int64_t *come_r, struct err *err)
{
    char key[KEY_MAX_BYTES], name[PUSH_RUN_BYTES + 16];

    *messages_r = *come_r = 0;
    for (int i = 0; i < LANES; i++)
        if (ask_count(redis, "XLEN", lane_key(keys, "validate", i, key), messages_r, err) != 0)
            return -1;
    snprintf(name, sizeof(name), "%s:batches", run);
    return ask_count(redis, "HLEN", keys_make(keys, "run", name, key), come_r, err);
}

int push_state(struct redis *redis, const struct keys *keys, const char *run, char state_r[PUSH_STATE_BYTES],
               struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, "HMGET", keys_make(keys, "run", run, key), "state", "is_cancelled",
                    NULL) != 0)
        return -1;
    snprintf(state_r, PUSH_STATE_BYTES, "%s",
             redis_kind(redis_at(reply, 1)) != REDIS_NIL ? "cancelled"
                                                         : redis_text(redis_at(reply, 0), NULL));
    redis_reply_free(reply);
    return 0;
}

int push_batch(struct redis *redis, const struct keys *keys, bool is_urgent, const char *batch, size_t len,
               struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply = NULL;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg(&args, "XADD");
    redis_arg(&args, lane_key(keys, "validate", is_urgent ? LANE_URGENT : 0, key));
    redis_arg(&args, "*");
    redis_arg(&args, "batch");
    redis_arg_len(&args, batch, len);
    rc = redis_call(redis, &args, &reply, err);
    redis_args_release(&args);
    redis_reply_free(reply);
    return rc;
}

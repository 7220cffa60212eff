#include <string.h>

#include "base/json.h"
#include "queue/scripts.h"
#include "queue/shared.h"

#define NOTE_MAX_BYTES 1024

/* {"b":blueprint,"s":server}; absent: none was there. */
static void print_note(const struct note *note, struct buf *out)
{
    struct json_out json;

    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    if (note->from_blueprint_id != NULL)
        json_add_string(&json, "b", note->from_blueprint_id);
    if (note->from_mdm_server_id != NULL)
        json_add_string(&json, "s", note->from_mdm_server_id);
    json_end(&json, '}');
}

static int save(void *ctx, const struct fence *fence, const struct note *list, size_t count, struct err *err)
{
    struct shared *shared = ctx;
    char stream[KEY_MAX_BYTES], note[KEY_MAX_BYTES];
    struct redis_reply *reply = NULL;
    struct redis_args args;
    struct buf text;
    size_t start = 0;
    int rc = -1;

    buf_init(&text, count * NOTE_MAX_BYTES + 1);
    redis_args_init(&args);
    for (size_t i = 0; i < count; i++) {
        print_note(&list[i], &text);
        buf_add_char(&text, '\n'); /* parts the notes: the buffer moves while it grows */
    }
    if (buf_check(&text, "the notes of a message", err) != 0)
        goto out;
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_stream(shared->keys, shared->stage, stream));
    redis_arg(&args, keys_make(shared->keys, "note", shared->uid_of(shared->uid_ctx, fence), note));
    redis_arg(&args, shared->stage);
    redis_arg(&args, shared->consumer);
    redis_arg(&args, fence->id);
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(text.data + start, "\n");

        redis_arg(&args, list[i].serial);
        redis_arg_len(&args, text.data + start, len);
        start += len + 1;
    }
    if (scripts_run(shared->redis, SCRIPT_note, &args, &reply, err) != 0)
        goto out;
    rc = redis_integer(reply) == 1 ? 0 : 1;
    if (rc == 0 && redis_secure(shared->redis, err) != 0) /* the mutation comes next */
        rc = -1;
out:
    redis_reply_free(reply);
    redis_args_release(&args);
    buf_release(&text);
    return rc;
}

struct notes shared_notes(struct shared *shared)
{
    static const struct notes_ops ops = { .save = save };

    return (struct notes){ .ops = &ops, .ctx = shared };
}

int shared_note_read(struct shared *shared, const char *uid,
                     int (*each)(void *user, const char *serial, const char *note, size_t len,
                                 struct err *err),
                     void *user, struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    int rc = 0;

    if (redis_callv(shared->redis, &reply, err, "HGETALL", keys_make(shared->keys, "note", uid, key), NULL) !=
        0)
        return -1;
    for (size_t i = 0; rc == 0 && i + 1 < redis_count(reply); i += 2) {
        size_t len;
        const char *note = redis_text(redis_at(reply, i + 1), &len);

        rc = each(user, redis_text(redis_at(reply, i), NULL), note, len, err);
    }
    redis_reply_free(reply);
    return rc;
}

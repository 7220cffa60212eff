#include "queue/control.h"

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "queue/scripts.h"

static int pause_stage(struct redis *redis, const struct keys *keys, const char *stage,
                       const char *const words[3], int64_t *number_r, struct err *err)
{
    char pause[KEY_MAX_BYTES], count[KEY_MAX_BYTES];
    struct redis_reply *reply = NULL;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_make(keys, "pause", stage, pause));
    redis_arg(&args, keys_make(keys, "count", stage, count));
    for (size_t i = 0; i < 3 && words[i] != NULL; i++)
        redis_arg(&args, words[i]);
    rc = scripts_run(redis, SCRIPT_pause_stage, &args, &reply, err);
    redis_args_release(&args);
    if (rc == 0) {
        rc = redis_integer(redis_at(reply, 0)) == 1;
        *number_r = redis_integer(redis_at(reply, 1));
    }
    redis_reply_free(reply);
    return rc;
}

int control_pause(struct redis *redis, const struct keys *keys, const char *stage, const char *by,
                  const char *reason, int64_t *since_ms_r, struct err *err)
{
    return pause_stage(redis, keys, stage, (const char *const[3]){ "pause", by, reason }, since_ms_r, err);
}

int control_resume(struct redis *redis, const struct keys *keys, const char *stage, int64_t *paused_ms_r,
                   struct err *err)
{
    return pause_stage(redis, keys, stage, (const char *const[3]){ "resume", NULL, NULL }, paused_ms_r, err);
}

static int run_script(struct redis *redis, const struct keys *keys, enum script script, const char *run,
                      const char *second_key, struct redis_reply **reply_r, struct err *err)
{
    char key[KEY_MAX_BYTES], second[KEY_MAX_BYTES], uid[17];
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, second_key != NULL ? 2 : 1);
    redis_arg(&args, keys_make(keys, "run", run, key));
    if (second_key != NULL)
        redis_arg(&args, keys_make(keys, second_key, NULL, second));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, run);
    redis_arg(&args, rand_hex16(uid));
    rc = scripts_run(redis, script, &args, reply_r, err);
    redis_args_release(&args);
    return rc;
}

static void read_answer(const struct redis_reply *reply, enum control_answer *answer_r, char *state_r)
{
    const char *word = redis_text(redis_at(reply, 0), NULL);

    state_r[0] = '\0';
    *answer_r = CONTROL_DONE;
    if (strcmp(word, "none") == 0)
        *answer_r = CONTROL_NONE;
    else if (strcmp(word, "whole") == 0)
        *answer_r = CONTROL_WHOLE;
    else if (strcmp(word, "over") == 0) {
        *answer_r = CONTROL_OVER;
        snprintf(state_r, CONTROL_STATE_BYTES, "%s", redis_text(redis_at(reply, 1), NULL));
    }
}

int control_cancel(struct redis *redis, const struct keys *keys, const char *run,
                   enum control_answer *answer_r, char state_r[CONTROL_STATE_BYTES], int64_t *left_r,
                   struct err *err)
{
    struct redis_reply *reply;

    if (run_script(redis, keys, SCRIPT_cancel, run, "runs:cancelled", &reply, err) != 0)
        return -1;
    read_answer(reply, answer_r, state_r);
    if (*answer_r == CONTROL_DONE && redis_integer(redis_at(reply, 1)) == 1)
        *answer_r = CONTROL_AGAIN;
    *left_r = redis_integer(redis_at(reply, 2));
    redis_reply_free(reply);
    return 0;
}

int control_close(struct redis *redis, const struct keys *keys, const char *run,
                  enum control_answer *answer_r, char state_r[CONTROL_STATE_BYTES], int64_t *left_r,
                  struct err *err)
{
    struct redis_reply *reply;

    if (run_script(redis, keys, SCRIPT_close_run, run, NULL, &reply, err) != 0)
        return -1;
    read_answer(reply, answer_r, state_r);
    *left_r = redis_integer(redis_at(reply, 1));
    redis_reply_free(reply);
    return 0;
}

/* words: what the script takes behind prefix and run, NULL at the end. */
static int change_pause(struct redis *redis, const struct keys *keys, enum script script, const char *run,
                        const char *const words[3], struct redis_reply **reply_r, struct err *err)
{
    char key[KEY_MAX_BYTES], paused[KEY_MAX_BYTES];
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_make(keys, "run", run, key));
    redis_arg(&args, keys_make(keys, "runs", "paused", paused));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, run);
    for (size_t i = 0; words[i] != NULL; i++)
        redis_arg(&args, words[i]);
    rc = scripts_run(redis, script, &args, reply_r, err);
    redis_args_release(&args);
    return rc;
}

int control_pause_run(struct redis *redis, const struct keys *keys, const char *run, const char *by,
                      const char *reason, enum control_answer *answer_r, char state_r[CONTROL_STATE_BYTES],
                      int64_t *since_ms_r, struct err *err)
{
    struct redis_reply *reply;

    if (change_pause(redis, keys, SCRIPT_pause_run, run, (const char *const[3]){ by, reason, NULL }, &reply,
                     err) != 0)
        return -1;
    read_answer(reply, answer_r, state_r);
    if (*answer_r == CONTROL_DONE && redis_integer(redis_at(reply, 1)) == 1)
        *answer_r = CONTROL_AGAIN;
    *since_ms_r = redis_integer(redis_at(reply, 2));
    redis_reply_free(reply);
    return 0;
}

int control_resume_run(struct redis *redis, const struct keys *keys, const char *run, const char *by,
                       enum control_answer *answer_r, char state_r[CONTROL_STATE_BYTES], int64_t *paused_ms_r,
                       struct err *err)
{
    struct redis_reply *reply;

    if (change_pause(redis, keys, SCRIPT_resume_run, run, (const char *const[3]){ by, NULL, NULL }, &reply,
                     err) != 0)
        return -1;
    read_answer(reply, answer_r, state_r);
    if (*answer_r == CONTROL_DONE && redis_integer(redis_at(reply, 1)) == 0)
        *answer_r = CONTROL_AGAIN;
    *paused_ms_r = redis_integer(redis_at(reply, 2));
    redis_reply_free(reply);
    return 0;
}

static int unpark(struct redis *redis, const struct keys *keys, const char *stage,
                  const struct redis_reply *body, int64_t *moved_r, struct err *err)
{
    char zset[KEY_MAX_BYTES], stream[KEY_MAX_BYTES], count[KEY_MAX_BYTES];
    struct redis_reply *reply = NULL;
    struct redis_args args;
    size_t len;
    const char *text = redis_text(body, &len);
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 3);
    redis_arg(&args, keys_make(keys, "retry", stage, zset));
    redis_arg(&args, keys_stream(keys, stage, stream));
    redis_arg(&args, keys_make(keys, "count", stage, count));
    redis_arg(&args, strcmp(stage, "validate") == 0 ? "batch" : "m");
    redis_arg_len(&args, text, len);
    rc = scripts_run(redis, SCRIPT_unpark, &args, &reply, err);
    redis_args_release(&args);
    if (rc == 0)
        *moved_r += redis_integer(reply);
    redis_reply_free(reply);
    return rc;
}

/*
 * The scan finds at least what stood there all the while; what is parked during it is parked by workers that
 * know of the cancel. The pattern may find a message too many (a device that has a column "run"): it is only
 * early then.
 */
static int unpark_stage(struct redis *redis, const struct keys *keys, const char *stage, const char *pattern,
                        int64_t *moved_r, struct err *err)
{
    char key[KEY_MAX_BYTES], cursor[24] = "0";

    keys_make(keys, "retry", stage, key);
    do {
        const struct redis_reply *found;
        struct redis_reply *reply;
        int rc = 0;

        if (redis_callv(redis, &reply, err, "ZSCAN", key, cursor, "MATCH", pattern, "COUNT", "500", NULL) !=
            0)
            return -1;
        snprintf(cursor, sizeof(cursor), "%s", redis_text(redis_at(reply, 0), NULL));
        found = redis_at(reply, 1);
        for (size_t i = 0; i < redis_count(found) && rc == 0; i += 2) /* member, score */
            rc = unpark(redis, keys, stage, redis_at(found, i), moved_r, err);
        redis_reply_free(reply);
        if (rc != 0)
            return -1;
    } while (strcmp(cursor, "0") != 0 && cursor[0] != '\0');
    return 0;
}

int control_unpark(struct redis *redis, const struct keys *keys, const char *run, int64_t *moved_r,
                   struct err *err)
{
    static const char *const stages[] = { "validate", "import", "assign", "verify", "audit" };
    char pattern[128];

    *moved_r = 0;
    snprintf(pattern, sizeof(pattern), "*\"run\":*\"%s\"*",
             run); /* a run id holds no character of patterns */
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
        if (unpark_stage(redis, keys, stages[i], pattern, moved_r, err) != 0)
            return -1;
    return 0;
}

#include "queue/dead.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "queue/scripts.h"

#define PAGE "100"

/* NULL where the entry has no such field. */
static const char *field_text(const struct redis_reply *fields, const char *name, size_t *len_r)
{
    const struct redis_reply *value = redis_field(fields, name);

    return value != NULL ? redis_text(value, len_r) : NULL;
}

static void read_letter(const struct redis_reply *entry, const char *stage, struct dead_letter *letter)
{
    const struct redis_reply *fields = redis_at(entry, 1);

    memset(letter, 0, sizeof(*letter));
    letter->stage = stage;
    letter->id = redis_text(redis_at(entry, 0), NULL);
    letter->run = field_text(fields, "run", NULL);
    letter->serial = field_text(fields, "serial", NULL);
    letter->code = field_text(fields, "code", NULL);
    letter->text = field_text(fields, "text", NULL);
    letter->row = redis_integer(redis_field(fields, "row"));
    letter->seq = redis_integer(redis_field(fields, "seq"));
    letter->at_ms = redis_integer(redis_field(fields, "at"));
    letter->device = field_text(fields, "d", &letter->device_len);
    letter->batch = field_text(fields, "batch", &letter->batch_len);
    letter->message = field_text(fields, "m", &letter->message_len);
}

static bool passes(const struct dead_filter *filter, const struct dead_letter *letter)
{
    return (filter->run == NULL || str_eq(filter->run, letter->run)) &&
           (filter->code == NULL || str_eq(filter->code, letter->code)) &&
           (filter->serial == NULL || str_eq(filter->serial, letter->serial)) &&
           (filter->id == NULL || str_eq(filter->id, letter->id));
}

/* The id of the last letter, so that letters laid meanwhile (a replayed device that dies again) are left. */
static int last_id(struct redis *redis, const char *key, char last[DEAD_ID_BYTES], struct err *err)
{
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, "XREVRANGE", key, "+", "-", "COUNT", "1", NULL) != 0)
        return -1;
    snprintf(last, DEAD_ID_BYTES, "%s", redis_text(redis_at(redis_at(reply, 0), 0), NULL));
    redis_reply_free(reply);
    return last[0] != '\0';
}

int dead_each(struct redis *redis, const struct keys *keys, const char *stage,
              const struct dead_filter *filter, dead_each_fn *fn, void *user, struct err *err)
{
    char key[KEY_MAX_BYTES], last[DEAD_ID_BYTES], from[DEAD_ID_BYTES + 1] = "-";
    int rc;

    keys_make(keys, "dead", stage, key);
    rc = last_id(redis, key, last, err);
    if (rc <= 0)
        return rc;
    if (filter->id != NULL) { /* one entry, found at once */
        snprintf(from, sizeof(from), "%s", filter->id);
        snprintf(last, sizeof(last), "%s", filter->id);
    }
    for (size_t count = 1; count > 0;) {
        struct redis_reply *page;

        if (redis_callv(redis, &page, err, "XRANGE", key, from, last, "COUNT", PAGE, NULL) != 0)
            return -1;
        count = redis_count(page);
        rc = 0;
        for (size_t i = 0; i < count && rc == 0; i++) {
            struct dead_letter letter;

            read_letter(redis_at(page, i), stage, &letter);
            snprintf(from, sizeof(from), "(%s", letter.id);
            if (passes(filter, &letter))
                rc = fn(user, &letter, err);
        }
        redis_reply_free(page);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
        if (filter->id != NULL)
            break;
    }
    return 0;
}

static const struct {
    const char *word;
    enum dead_answer answer;
} answers[] = {
    { "ok", DEAD_REPLAYED },           { "gone", DEAD_GONE },  { "no_run", DEAD_NO_RUN },
    { "early", DEAD_EARLY },           { "other", DEAD_HELD }, { "later", DEAD_LATER },
    { "superseded", DEAD_SUPERSEDED },
};

static int read_answer(const struct redis_reply *reply, enum dead_answer *answer_r, char other_r[65],
                       int64_t *wait_ms_r, struct err *err)
{
    const char *word = redis_text(redis_at(reply, 0), NULL);

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strcmp(word, answers[i].word) != 0)
            continue;
        *answer_r = answers[i].answer;
        *wait_ms_r = *answer_r == DEAD_LATER ? redis_integer(redis_at(reply, 1)) : 0;
        snprintf(other_r, 65, "%s", *answer_r == DEAD_LATER ? "" : redis_text(redis_at(reply, 1), NULL));
        return 0;
    }
    return err_set(err, ERR_BUG, 0, "replay.lua answered '%s'", word);
}

int dead_replay(struct redis *redis, const struct keys *keys, const struct dead_replay *replay,
                enum dead_answer *answer_r, char other_r[65], int64_t *wait_ms_r, struct err *err)
{
    char dead[KEY_MAX_BYTES], stream[KEY_MAX_BYTES], count[KEY_MAX_BYTES];
    struct redis_reply *reply = NULL;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 3);
    redis_arg(&args, keys_make(keys, "dead", replay->stage, dead));
    redis_arg(&args, keys_stream(keys, replay->target, stream));
    redis_arg(&args, keys_make(keys, "count", replay->target, count));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, replay->id);
    redis_arg_len(&args, replay->message, replay->message_len);
    redis_arg(&args, replay->is_forced ? "1" : "0");
    redis_arg(&args, replay->is_dry ? "1" : "0");
    rc = scripts_run(redis, SCRIPT_replay, &args, &reply, err);
    redis_args_release(&args);
    if (rc == 0)
        rc = read_answer(reply, answer_r, other_r, wait_ms_r, err);
    redis_reply_free(reply);
    return rc;
}

int dead_drop(struct redis *redis, const struct keys *keys, const char *stage, const char *id,
              struct err *err)
{
    char dead[KEY_MAX_BYTES], letters[KEY_MAX_BYTES];
    struct redis_reply *reply = NULL;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_make(keys, "dead", stage, dead));
    redis_arg(&args, keys_make(keys, "letters", NULL, letters));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, id);
    rc = scripts_run(redis, SCRIPT_drop_letter, &args, &reply, err);
    redis_args_release(&args);
    if (rc == 0)
        rc = redis_integer(reply) == 1;
    redis_reply_free(reply);
    return rc;
}

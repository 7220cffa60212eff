#include "queue/repair.h"

#include <stdio.h>
#include <string.h>

#include "queue/scripts.h"

static bool is_open(const struct repair_look *look)
{
    return look->is_known && strcmp(look->state, "open") == 0;
}

int64_t repair_missing_batches(const struct repair_look *look)
{
    int64_t missing = look->batches - look->come - look->under_way;

    return is_open(look) && !look->is_excused && missing > 0 ? missing : 0;
}

int64_t repair_missing_devices(const struct repair_look *look)
{
    int64_t missing = look->expected - look->ended - look->on_their_way;

    return is_open(look) && missing > 0 ? missing : 0;
}

static void read_look(const struct redis_reply *reply, struct repair_look *look)
{
    memset(look, 0, sizeof(*look));
    look->under_way = redis_integer(redis_at(reply, 1));
    look->is_known = redis_count(reply) > 2;
    if (!look->is_known)
        return;
    snprintf(look->state, sizeof(look->state), "%s", redis_text(redis_at(reply, 0), NULL));
    look->batches = redis_integer(redis_at(reply, 2));
    look->come = redis_integer(redis_at(reply, 3));
    look->expected = redis_integer(redis_at(reply, 4));
    look->ended = redis_integer(redis_at(reply, 5));
    look->on_their_way = redis_integer(redis_at(reply, 6));
    look->is_excused = redis_integer(redis_at(reply, 7)) == 1;
}

int repair_look(struct redis *redis, const struct keys *keys, const char *run, struct repair_look *look_r,
                repair_row_fn *see, void *user, struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(keys, "run", run, key));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, run);
    redis_arg(&args, see != NULL ? "1" : "0");
    rc = scripts_run(redis, SCRIPT_missing, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    read_look(reply, look_r);
    for (size_t i = 8; see != NULL && i < redis_count(reply); i++)
        see(user, redis_integer(redis_at(reply, i)));
    redis_reply_free(reply);
    return 0;
}

int repair_held(struct redis *redis, const struct keys *keys, const char *run,
                const struct repair_device *devices, size_t count, bool *is_held_r, struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(keys, "run", run, key));
    redis_arg(&args, keys->prefix);
    for (size_t i = 0; i < count; i++) {
        redis_arg(&args, devices[i].serial);
        redis_arg_int(&args, devices[i].row);
    }
    rc = scripts_run(redis, SCRIPT_claimed, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    memset(is_held_r, 0, count * sizeof(*is_held_r));
    for (size_t i = 0; i < redis_count(reply); i++) {
        int64_t at = redis_integer(redis_at(reply, i));

        if (at >= 0 && (uint64_t)at < count)
            is_held_r[at] = true;
    }
    redis_reply_free(reply);
    return 0;
}

static void add_step(struct redis_args *args, const struct repair_step *step)
{
    redis_arg_int(args, step->missing);
    redis_arg_int(args, (int64_t)step->device_count);
    redis_arg_len(args, step->part, step->part_len);
    for (size_t i = 0; i < step->device_count; i++) {
        redis_arg(args, step->devices[i].serial);
        redis_arg_int(args, step->devices[i].row);
    }
}

int repair_put(struct redis *redis, const struct keys *keys, const struct repair_step *step,
               enum repair_answer *answer_r, struct err *err)
{
    char run[KEY_MAX_BYTES], ingest[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    const char *word;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_make(keys, "run", step->run, run));
    redis_arg(&args, keys_make(keys, "ingest", NULL, ingest));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, step->run);
    add_step(&args, step);
    rc = scripts_run(redis, SCRIPT_repair, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    word = redis_text(redis_at(reply, 0), NULL);
    *answer_r = strcmp(word, "ok") == 0      ? REPAIR_DONE
                : strcmp(word, "moved") == 0 ? REPAIR_MOVED
                                             : REPAIR_OVER;
    redis_reply_free(reply);
    return 0;
}

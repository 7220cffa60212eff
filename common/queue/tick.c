#include "queue/tick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/scripts.h"

#define MOVES_A_TICK 50 /* a message may be 128 KiB: more would hold the server up */

static void read_reply(const struct redis_reply *reply, struct tick *tick)
{
    const struct redis_reply *cancelled = redis_at(reply, 10), *paused = redis_at(reply, 13);

    memset(tick, 0, sizeof(*tick));
    tick->now_ms = redis_integer(redis_at(reply, 0));
    tick->next_due_ms = redis_integer(redis_at(reply, 1));
    tick->moved = redis_integer(redis_at(reply, 2));
    snprintf(tick->paused, sizeof(tick->paused), "%s", redis_text(redis_at(reply, 3), NULL));
    snprintf(tick->breaker, sizeof(tick->breaker), "%s", redis_text(redis_at(reply, 4), NULL));
    tick->breaker_since_ms = redis_integer(redis_at(reply, 5));
    tick->is_probe_ours = redis_integer(redis_at(reply, 6)) == 1;
    tick->next_backlog = redis_integer(redis_at(reply, 7));
    tick->next_parked = redis_integer(redis_at(reply, 8));
    tick->stalled_ms = redis_integer(redis_at(reply, 9));
    for (size_t i = 0; i < redis_count(cancelled) && i < TICK_MAX_CANCELLED; i++)
        snprintf(tick->cancelled[tick->cancelled_count++], sizeof(tick->cancelled[0]), "%s",
                 redis_text(redis_at(cancelled, i), NULL));
    for (size_t i = 0; i + 1 < redis_count(paused) && tick->paused_run_count < TICK_MAX_PAUSED; i += 2) {
        struct tick_paused *run = &tick->paused_runs[tick->paused_run_count++];

        snprintf(run->run, sizeof(run->run), "%s", redis_text(redis_at(paused, i), NULL));
        run->since_ms = strtoll(redis_text(redis_at(paused, i + 1), NULL), NULL, 10);
    }
    for (size_t i = 0; i < LANES; i++) {
        tick->waiting[i] = redis_integer(redis_at(redis_at(reply, 11), i));
        tick->ahead[i] = redis_integer(redis_at(redis_at(reply, 12), i));
    }
}

int tick_run(struct redis *redis, const struct keys *keys, const char *stage, const char *next,
             const char *consumer, const char *heartbeat, bool can_probe, int64_t probe_ms,
             struct tick *tick_r, struct err *err)
{
    char names[11][KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 11);
    redis_arg(&args, keys_make(keys, "pause", stage, names[0]));
    redis_arg(&args, keys_make(keys, "pause", "api", names[1]));
    redis_arg(&args, keys_make(keys, "count", stage, names[2]));
    redis_arg(&args, keys_make(keys, "count", next != NULL ? next : "none", names[3]));
    redis_arg(&args, keys_make(keys, next != NULL ? next : "none", NULL, names[4]));
    redis_arg(&args, keys_make(keys, "workers", NULL, names[5]));
    redis_arg(&args, keys_make(keys, "held", NULL, names[6]));
    redis_arg(&args, keys_make(keys, "runs", "cancelled", names[7]));
    redis_arg(&args, keys_make(keys, "retry", next != NULL ? next : "none", names[8]));
    redis_arg(&args, keys_stream(keys, stage, names[9]));
    redis_arg(&args, keys_make(keys, "runs", "paused", names[10]));
    redis_arg(&args, keys->prefix);
    redis_arg(&args, consumer);
    redis_arg(&args, heartbeat);
    redis_arg_int(&args, MOVES_A_TICK);
    redis_arg_int(&args, can_probe);
    redis_arg_int(&args, probe_ms);
    redis_arg(&args, stage);
    rc = scripts_run(redis, SCRIPT_tick, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    read_reply(reply, tick_r);
    redis_reply_free(reply);
    return 0;
}

int tick_beat(struct redis *redis, const struct keys *keys, const char *consumer, const char *heartbeat,
              struct err *err)
{
    char name[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(keys, "workers", NULL, name));
    redis_arg(&args, consumer);
    redis_arg(&args, heartbeat);
    rc = scripts_run(redis, SCRIPT_beat, &args, &reply, err);
    redis_args_release(&args);
    if (rc == 0)
        redis_reply_free(reply);
    return rc;
}

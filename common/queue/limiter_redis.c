#include <stdio.h>
#include <string.h>

#include "queue/lanes.h"
#include "queue/scripts.h"
#include "queue/shared.h"

/*
 * The share of the API's rate and burst that is used. Requests bunch up on their way, by a hitch of the
 * network or of a machine: what is left of the burst takes that up, and the little that is left of the rate
 * lets the API's bucket fill up again behind it. All that a larger share of the burst would win is its few
 * requests, once.
 */
#define RATE_SHARE    0.995
#define BURST_PERCENT 30

struct limiter_rate limiter_rate_of(int64_t requests, int64_t per_ms, int64_t burst)
{
    struct limiter_rate rate;
    double interval = (double)per_ms * 1000.0 / (double)requests / RATE_SHARE;
    int64_t used = burst * BURST_PERCENT / 100;

    rate.interval_us = interval < 1.0 ? 1 : (int64_t)interval + 1;
    rate.tolerance_us = ((used > 1 ? used : 1) - 1) * rate.interval_us;
    return rate;
}

static int take(void *ctx, const char *class, const struct fence *fence, int want, enum permit *permit_r,
                int *count_r, int64_t *wait_ms_r, struct err *err)
{
    static const char *const words[] = {
        [PERMIT_GRANTED] = "granted",     [PERMIT_LATER] = "later",   [PERMIT_LOST] = "lost",
        [PERMIT_CANCELLED] = "cancelled", [PERMIT_STOPPED] = "yield", [PERMIT_CLOSED] = "closed",
        [PERMIT_PAUSED] = "paused",
    };
    struct shared *shared = ctx;
    char names[9][KEY_MAX_BYTES], wait_name[64], seen_name[64], given_name[64], server[64];
    bool is_ours = shared->reserved_us[0] != '\0' && strcmp(shared->reserved_class, class) == 0;
    struct redis_reply *reply;
    struct redis_args args;
    const char *word;
    int64_t number;
    int rc;

    *count_r = 0;
    *wait_ms_r = 0;
    if (shared->is_stopping != NULL && shared->is_stopping(shared->stop)) {
        *permit_r = PERMIT_STOPPED;
        return 0;
    }
    snprintf(wait_name, sizeof(wait_name), "%s:wait", class);
    snprintf(seen_name, sizeof(seen_name), "%s:seen", class);
    snprintf(given_name, sizeof(given_name), "%s:given", class);
    /* Its run id alone: all that talk to one server agree on it, whatever it replicates. */
    snprintf(server, sizeof(server), "%.*s", (int)strcspn(redis_identity(shared->redis), " "),
             redis_identity(shared->redis));
    redis_args_init(&args);
    redis_arg_int(&args, 8);
    redis_arg(&args, keys_make(shared->keys, "limit", class, names[0]));
    redis_arg(&args, keys_make(shared->keys, "limit", wait_name, names[1]));
    redis_arg(&args, keys_make(shared->keys, "limit", seen_name, names[2]));
    redis_arg(&args, keys_make(shared->keys, "pause", "api", names[3]));
    redis_arg(&args, keys_make(shared->keys, "runs", "cancelled", names[4]));
    redis_arg(&args, keys_make(shared->keys, "limit", given_name, names[6]));
    redis_arg(&args, lane_key(shared->keys, shared->stage, LANE_URGENT, names[7]));
    redis_arg(&args, keys_make(shared->keys, "runs", "paused", names[8]));
    redis_arg_int(&args, shared->rate.interval_us);
    redis_arg_int(&args, shared->rate.tolerance_us);
    redis_arg_int(&args, want);
    redis_arg(&args, shared->stage);
    redis_arg(&args, shared->consumer);
    redis_arg(&args, is_ours ? shared->reserved_us : "0");
    redis_arg(&args, is_ours ? shared->epoch : "0");
    redis_arg_int(&args, shared->is_probing);
    redis_arg(&args, fence != NULL ? keys_stream(shared->keys, shared->stage, names[5]) : "");
    redis_arg(&args, fence != NULL ? fence->id : "");
    redis_arg(&args, fence != NULL ? fence->run : "");
    redis_arg_int(&args, shared->is_urgent);
    redis_arg(&args, server);
    rc = scripts_run(shared->redis, SCRIPT_limiter, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    word = redis_text(redis_at(reply, 0), NULL);
    *permit_r = PERMIT_CLOSED;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i]) == 0)
            *permit_r = (enum permit)i;
    if (is_ours && (*permit_r == PERMIT_GRANTED || *permit_r == PERMIT_LATER || *permit_r == PERMIT_STOPPED))
        shared->reserved_us[0] = '\0';
    number = redis_integer(redis_at(reply, 1));
    if ((*permit_r == PERMIT_GRANTED && (number < (want > 0) || number > want)) ||
        (*permit_r == PERMIT_LATER && number < 0)) {
        redis_reply_free(reply);
        return err_set(err, ERR_BUG, 0, "limiter.lua answered %lld where %d slots were wanted",
                       (long long)number, want);
    }
    if (*permit_r == PERMIT_GRANTED)
        *count_r = (int)number;
    if (*permit_r == PERMIT_LATER) {
        *wait_ms_r = number;
        if (redis_integer(redis_at(reply, 2)) > 0) {
            snprintf(shared->reserved_us, sizeof(shared->reserved_us), "%s",
                     redis_text(redis_at(reply, 2), NULL));
            snprintf(shared->epoch, sizeof(shared->epoch), "%s", redis_text(redis_at(reply, 3), NULL));
            snprintf(shared->reserved_class, sizeof(shared->reserved_class), "%s", class);
        }
    }
    redis_reply_free(reply);
    return 0;
}

static int pause_class(void *ctx, const char *class, int64_t pause_ms, struct err *err)
{
    struct shared *shared = ctx;
    char name[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(shared->keys, "limit", class, name));
    redis_arg_int(&args, pause_ms);
    redis_arg_int(&args, shared->rate.tolerance_us);
    rc = scripts_run(shared->redis, SCRIPT_pause_limit, &args, &reply, err);
    redis_args_release(&args);
    if (rc == 0)
        redis_reply_free(reply);
    return rc;
}

struct limiter shared_limiter(struct shared *shared)
{
    static const struct limiter_ops ops = { .take = take, .pause = pause_class };

    return (struct limiter){ .ops = &ops, .ctx = shared };
}

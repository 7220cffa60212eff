/* What Redis refuses, told where an operator looks: the log, and the heartbeat that `abmctl status` shows. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/key_types.h"
#include "stage/worker.h"

#define SAID_EVERY_MS 60000 /* while it stays the same */
#define BEAT_EVERY_MS 2000

/* Beside the tick, which may be what is refused. Best effort: what fails here is met again by the next step.
 */
static void beat(struct worker *worker)
{
    int64_t now = clock_boot_ms();
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct err ignored = ERR_INIT;
    const char *text;
    struct buf buf;

    if (!redis_is_connected(worker->redis) || now - worker->trouble.beat_boot_ms < BEAT_EVERY_MS)
        return;
    buf_init(&buf, 4096);
    text = worker_heartbeat(worker, &buf);
    if (text != NULL &&
        redis_callv(worker->redis, &reply, &ignored, "HSET", keys_make(&worker->keys, "workers", NULL, key),
                    worker->consumer, text, NULL) == 0)
        redis_reply_free(reply);
    buf_release(&buf);
    worker->trouble.beat_boot_ms = now;
    lease_said(worker->lease);
}

void worker_explain(struct worker *worker, struct err *why)
{
    struct explained *last = &worker->explained;
    int64_t now = clock_boot_ms();

    if (why->code != ERR_REDIS_TYPE)
        return;
    if (last->why.code != why->code || strcmp(last->why.text, why->text) != 0 ||
        now - last->boot_ms >= SAID_EVERY_MS) {
        last->why = last->told = *why;
        last->boot_ms = now;
        if (redis_is_connected(worker->redis))
            key_types_explain(worker->redis, &worker->keys, &last->told);
    }
    *why = last->told;
}

void worker_trouble(struct worker *worker, const char *event, const struct err *why)
{
    struct trouble *trouble = &worker->trouble;
    int64_t now = clock_boot_ms();
    bool is_new = trouble->code != why->code || strcmp(trouble->words, why->text) != 0;
    struct err told = *why;

    trouble->count++;
    if (is_new || now - trouble->said_boot_ms >= SAID_EVERY_MS) {
        worker_explain(worker, &told);
        log_err(why->code == ERR_REDIS_LOST || why->code == ERR_REDIS_UNREACHABLE ? LOG_LEVEL_WARN
                                                                                  : LOG_LEVEL_ERROR,
                event, &told, "times", log_int(trouble->count), NULL);
        snprintf(trouble->words, sizeof(trouble->words), "%s", why->text);
        snprintf(trouble->state, sizeof(trouble->state), "fatal: %s: %.300s (%s)", err_wire(told.code),
                 told.text, err_advice(told.code));
        trouble->code = why->code;
        trouble->said_boot_ms = now;
        worker_say(worker);
    }
    beat(worker);
}

void worker_trouble_over(struct worker *worker)
{
    struct trouble *trouble = &worker->trouble;

    if (trouble->count == 0)
        return;
    log_info("trouble_over", "was", err_wire(trouble->code), "times", log_int(trouble->count), NULL);
    memset(trouble, 0, sizeof(*trouble));
    worker->beat_boot_ms = 0; /* the next tick tells it */
}

/* A server that is back may be away again before a step has ended: that is to be told again. */
void worker_trouble_forget(struct worker *worker)
{
    struct trouble *trouble = &worker->trouble;

    if (trouble->code != ERR_REDIS_LOST && trouble->code != ERR_REDIS_UNREACHABLE)
        return;
    memset(trouble, 0, sizeof(*trouble));
    worker->beat_boot_ms = 0;
}

/* What was in hand when its stream was deleted: nobody has it any more. */
void worker_name_lost_hand(struct worker *worker)
{
    for (size_t i = 0; i < worker->hand_count; i++) {
        const struct held *held = worker->hand[i];
        char stream[KEY_MAX_BYTES], id[STREAM_ID_MAX];
        struct redis_reply *reply;
        struct err err = ERR_INIT;
        size_t left;

        lane_key(&worker->keys, worker->stage->name, lane_of_id(held->id), stream);
        snprintf(id, sizeof(id), "%.*s", (int)strcspn(held->id, "@"), held->id);
        if (redis_callv(worker->redis, &reply, &err, "XRANGE", stream, id, id, NULL) != 0)
            return;
        left = redis_count(reply);
        redis_reply_free(reply);
        if (left == 0)
            log_error(
                "message_gone", "id", held->id, "run", held->run, "devices",
                log_int((int64_t)held_jobs(held)), "stream", stream, "text",
                "its stream was deleted while it was in hand: its devices are in Redis no more, and the "
                "run stays open until they are pushed again",
                NULL);
    }
}

/**
 * tick.h - one look at all that a worker must know between two reads, in one call: the time, what is due,
 * whether its stage may read, and why not.
 */
#ifndef QUEUE_TICK_H
#define QUEUE_TICK_H

#include <stdbool.h>

#include "queue/lanes.h"
#include "queue/redis.h"

#define TICK_TEXT_MAX      512
#define TICK_MAX_CANCELLED 64
#define TICK_MAX_PAUSED    64

struct tick_paused {
    char run[65];
    int64_t since_ms;
};

struct tick {
    int64_t now_ms;              /* Redis time */
    int64_t next_due_ms;         /* of all parked messages; 0: none */
    int64_t moved;               /* messages that were due and are in their streams now */
    char paused[TICK_TEXT_MAX];  /* "": not paused */
    char breaker[TICK_TEXT_MAX]; /* "": closed */
    int64_t breaker_since_ms;
    bool is_probe_ours;                /* the breaker is open and this worker is to probe now */
    int64_t next_backlog, next_parked; /* devices of the next stage */
    int64_t stalled_ms;                /* how long this stage was paused or the breaker open, since ever */
    char cancelled[TICK_MAX_CANCELLED][65]; /* runs that are cancelled and open */
    size_t cancelled_count;
    struct tick_paused paused_runs[TICK_MAX_PAUSED]; /* of more than these the limiter alone knows */
    size_t paused_run_count;
    int64_t waiting[LANES]; /* messages of this stage that nobody has read */
    int64_t ahead[LANES];   /* messages of the next stage, those in hand included */
};

/**
 * @param next       the next stage; NULL: none
 * @param heartbeat  JSON for `workers`; NULL: not now
 * @param can_probe  this worker could probe the API; probe_ms: how long no other is asked then
 */
int tick_run(struct redis *redis, const struct keys *keys, const char *stage, const char *next,
             const char *consumer, const char *heartbeat, bool can_probe, int64_t probe_ms,
             struct tick *tick_r, struct err *err);

/** Writes the heartbeat of a worker that is busy with a batch; nothing where it has none in `workers` (it has
 * left). */
int tick_beat(struct redis *redis, const struct keys *keys, const char *consumer, const char *heartbeat,
              struct err *err);

#endif

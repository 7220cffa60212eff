/**
 * limiter.h - permission to send requests, shared by all processes of an organization (DESIGN.md 7).
 *
 * An interface: over Redis in limiter_redis.c, in memory for unit tests (tests/harness/fake_limiter.h). One
 * slot a request. A slot is for a moment at most 2 s ahead; a mutation also needs its message to be
 * still ours and its run not cancelled at that moment, which the same call checks.
 */
#ifndef QUEUE_LIMITER_H
#define QUEUE_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LIMITER_PERMIT_MAX_AGE_MS 2000

/* Names the message in hand that a mutation acts for. Filled by the skeleton; opaque to others. */
struct fence {
    const char *id; /* stream entry */
    const char *run;
};

enum permit {
    PERMIT_GRANTED,   /* count_r slots: wait wait_ms, then send within LIMITER_PERMIT_MAX_AGE_MS of the answer
                       */
    PERMIT_LATER,     /* no slot now: ask again in wait_ms */
    PERMIT_LOST,      /* the message is not ours any more: send nothing, the job ends without a verdict */
    PERMIT_CANCELLED, /* its run was cancelled: send nothing */
    PERMIT_PAUSED,    /* its run is paused: send nothing, the device waits */
    PERMIT_STOPPED,   /* this process is stopping, or something urgent waits for it: send nothing, give back
                         what has not begun */
    PERMIT_CLOSED,    /* the breaker is open: send nothing, give the batch back (ERR_BREAKER_OPEN) */
};

struct limiter_ops {
    int (*take)(void *ctx, const char *class, const struct fence *fence, int want, enum permit *permit_r,
                int *count_r, int64_t *wait_ms_r, struct err *err);
    int (*pause)(void *ctx, const char *class, int64_t pause_ms, struct err *err);
};

struct limiter {
    const struct limiter_ops *ops;
    void *ctx;
};

/**
 * Asks for 1..want slots of a class ("default"). fence: NULL for reads. Never blocks for longer than Redis
 * takes. want 0 takes no slot and only judges the fence (GRANTED with count 0, LOST, CANCELLED, PAUSED,
 * STOPPED, CLOSED): a request that carries devices of several messages takes one slot and asks so for each
 * further message.
 *
 * @param count_r    out: slots granted, all for the moment now + *wait_ms_r (0: at once)
 * @param wait_ms_r  out: see enum permit
 * @return 0, or -1 with ERR_REDIS_*
 */
static inline int limiter_take(struct limiter *limiter, const char *class, const struct fence *fence,
                               int want, enum permit *permit_r, int *count_r, int64_t *wait_ms_r,
                               struct err *err)
{
    return limiter->ops->take(limiter->ctx, class, fence, want, permit_r, count_r, wait_ms_r, err);
}

/** After a 429: nobody sends for pause_ms (-1: the answer named no time, the limiter backs off by itself). */
static inline int limiter_pause(struct limiter *limiter, const char *class, int64_t pause_ms, struct err *err)
{
    return limiter->ops->pause(limiter->ctx, class, pause_ms, err);
}

#endif

/**
 * fake_limiter.h - the limiter (queue/limiter.h) in memory, steered by the test. It grants all at once unless
 * told otherwise, and counts.
 */
#ifndef HARNESS_FAKE_LIMITER_H
#define HARNESS_FAKE_LIMITER_H

#include "queue/limiter.h"

#define FAKE_FENCES 32

struct fake_limiter {
    struct limiter limiter; /* give &fake.limiter to the code under test */

    /* what the next answers are; a test sets them at any time */
    int grant_max;         /* slots an answer, at most; 0: no bound */
    int64_t grant_wait_ms; /* wait_ms of grants */
    int later;             /* so many answers are LATER first */
    int64_t later_wait_ms;
    int64_t slots_left;      /* after so many slots: then_permit; -1: never */
    enum permit then_permit; /* PERMIT_STOPPED, PERMIT_CLOSED, PERMIT_LATER */
    int fail_after;          /* after so many calls: -1 with ERR_REDIS_LOST; -1: never */

    /* what was asked */
    int calls, checks; /* checks: want 0 */
    int64_t granted;
    int pauses;
    int64_t last_pause_ms;

    struct {
        const char *id;
        enum permit permit; /* PERMIT_LOST, PERMIT_CANCELLED */
        int grants_first;   /* granted so often before */
    } fences[FAKE_FENCES];
    int fence_count;
};

void fake_limiter_init(struct fake_limiter *fake);
/** From its (grants_first + 1)th request on, the message with this id is LOST or CANCELLED. */
void fake_limiter_end_fence(struct fake_limiter *fake, const char *id, enum permit permit, int grants_first);

#endif

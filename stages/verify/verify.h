/**
 * verify.h - the rule of abm-verify: reads back until what is wanted is in effect (DESIGN.md 2.3, 7 Verify).
 */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include "abm/api.h"
#include "propagation.h"
#include "stage/stage.h"

#define VERIFY_MAX_RETURNS 2    /* times that FAILED goes back to assign */
#define VERIFY_LATE_MS     5000 /* beyond api.timeout: a request of a worker gone may arrive until then */
#define VERIFY_STEP_MS     1000 /* after the first look; doubled by each further one */
#define VERIFY_STEP_MAX_MS (30 * 60 * 1000)

struct verify {
    struct abm_api api;
    struct cache cache;
    int64_t timeout_ms;  /* api.timeout */
    int64_t deadline_ms; /* of this stage: the first look is never put off beyond a quarter of it */
    struct propagation propagation;
};

/**
 * Gives every job a verdict:
 *
 *   wanted, in effect         finish assigned (with a note) or unchanged (without); removed likewise
 *   the same, while a request  wait for the end of api.timeout + VERIFY_LATE_MS after the assign: the look
 * that may still be under way    counts comes then FAILED                    back to assign, at most
 * VERIFY_MAX_RETURNS times, then finish failed anything else             wait, with the code that says what
 * was seen: what it ends with at the deadline too early for a look      wait without one (propagation.h); it
 * counts as no look
 *
 * Changes nothing in ABM: safe to repeat at any point.
 *
 * @return 0; -1: nobody can go on, the whole batch goes back
 */
int verify_batch(struct verify *verify, struct batch *batch, struct err *err);

#endif

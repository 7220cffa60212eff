/**
 * api_call.h - what the rules that talk to ABM have in common: some jobs of a batch on their way into one
 * call, and the verdicts for answers that leave a rule nothing to decide.
 */
#ifndef STAGES_API_CALL_H
#define STAGES_API_CALL_H

#include "abm/api.h"
#include "stage/stage.h"

/* Jobs on their way into one call of the API: items[i] is that of jobs[i]. */
struct api_call {
    struct job **jobs;
    struct abm_item *items;
    size_t count;
};

/** Room for max jobs, in pool. -1: ERR_LIMIT, ERR_NOMEM. */
int api_call_init(struct api_call *call, size_t max, struct pool *pool, struct err *err);
/** Adds a job; its item gets the device and the fence. */
void api_call_add(struct api_call *call, struct job *job);

/**
 * Gives the job its verdict where the item leaves no choice: REFUSED fails, RETRY, SUSPECT, LOST, CANCELLED,
 * UNSENT, PAUSED. Also carries is_maybe_sent over to the device.
 *
 * @return true where it did; false for OK, ACCEPTED and NONE, which the rule judges itself
 */
bool api_call_verdict(struct job *job, const struct abm_item *item);

#endif

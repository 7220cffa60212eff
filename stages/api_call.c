#include "api_call.h"

#define PAUSED_MS 1000 /* by then this worker has seen the pause, and parks the device for longer */

int api_call_init(struct api_call *call, size_t max, struct pool *pool, struct err *err)
{
    call->jobs = pool_array(pool, max, sizeof(struct job *));
    call->items = pool_array(pool, max, sizeof(struct abm_item));
    call->count = 0;
    if (call->jobs == NULL || call->items == NULL)
        return pool_failed(pool, err);
    return 0;
}

void api_call_add(struct api_call *call, struct job *job)
{
    call->jobs[call->count] = job;
    call->items[call->count].device = job->device;
    call->items[call->count].fence = job->fence;
    call->count++;
}

bool api_call_verdict(struct job *job, const struct abm_item *item)
{
    if (item->is_maybe_sent)
        job->device->is_maybe_sent = true;
    switch (item->kind) {
    case ABM_OK:
    case ABM_ACCEPTED:
    case ABM_NONE: return false;
    case ABM_REFUSED: job_finish(job, OUTCOME_FAILED, item->code, item->text); break;
    case ABM_RETRY: job_retry(job, item->code, item->text, item->delay_ms); break;
    case ABM_SUSPECT:
        job_suspect(job, item->op, item->code, item->text);
        job->delay_ms = item->delay_ms > 0 ? item->delay_ms : -1;
        break;
    case ABM_LOST: job_lost(job); break;
    case ABM_CANCELLED: job_finish(job, OUTCOME_CANCELLED, ERR_CANCELLED, NULL); break;
    case ABM_UNSENT: job_put_back(job); break;
    case ABM_PAUSED: job_hold(job, PAUSED_MS); break;
    }
    return true;
}

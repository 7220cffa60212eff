#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "stage/worker.h"

/* A device that waits for its judgement is looked at again soon, so that all its attempts fall within the
 * minute in which the successes of others count for evidence (queue/lua/judge.lua). */
#define SUSPECT_MOST_MS 2000

static enum device_step step_of(const struct worker *worker)
{
    return (enum device_step)(STEP_VALIDATE + stage_index_of(worker->stage->name));
}

static bool is_overdue(const struct worker *worker, const struct work *work, const struct device *device)
{
    int64_t stalled = worker->tick.stalled_ms - device->stalled_ms;
    int64_t waited = work->now_ms - device->since_ms - (stalled > 0 ? stalled : 0);

    return waited > worker->own->deadline_ms;
}

static void end(struct worker *worker, struct job *job)
{
    struct device *device = job->device;

    device->outcome = job->outcome;
    device->code = job->code != ERR_NONE ? err_wire(job->code) : NULL;
    device->text = job->text;
    device->attempts_all += device->attempts;
    device->attempts = 0;
    device->suspect = (struct device_suspect){ NULL, NULL, 0 };
    device->since_ms = 0; /* it comes to audit anew */
    device->stalled_ms = 0;
    device->held_ms = 0;
    device->times_ms[STEP_END] = worker_now_ms(worker);
}

/* The step's time is its end: a batch may take minutes at the rate limit, and what reads the time of a change
 * later (when may it be in effect, when can no request arrive any more) must not take it for older than it
 * is. */
static void go_on(struct worker *worker, struct device *device)
{
    device->times_ms[step_of(worker)] = worker_now_ms(worker);
    device->attempts_all += device->attempts;
    device->attempts = 0;
    device->suspect = (struct device_suspect){ NULL, NULL, 0 };
    device->since_ms = 0;
    device->stalled_ms = 0;
    device->held_ms = 0;
    device->text = NULL;
}

static void rule_retry(struct worker *worker, struct work *work, struct job *job)
{
    struct device *device = job->device;

    device->attempts++;
    device->text = job->text;
    if (device->attempts >= worker->own->retry_attempts) {
        job_finish(job, OUTCOME_FAILED, job->code, job->text);
        return;
    }
    if (is_overdue(worker, work, device)) {
        job_finish(job, OUTCOME_FAILED, ERR_DEADLINE, job->text);
        return;
    }
    if (job->delay_ms < 0)
        job->delay_ms =
            backoff_ms(worker->own->retry_base_ms, worker->own->retry_cap_ms, device->attempts, work->chance);
}

static void rule_suspect(struct worker *worker, struct work *work, struct job *job)
{
    struct device *device = job->device;
    int64_t asked_ms = job->delay_ms; /* Retry-After; -1: none */

    device->text = job->text;
    if (is_overdue(worker, work, device)) {
        job_finish(job, OUTCOME_FAILED, job->code, job->text);
        return;
    }
    device->suspect =
        (struct device_suspect){ .op = job->op, .code = err_wire(job->code), .at_ms = worker_now_ms(worker) };
    job->delay_ms =
        backoff_ms(worker->own->retry_base_ms, worker->own->retry_cap_ms, device->attempts + 1, work->chance);
    if (job->delay_ms > SUSPECT_MOST_MS)
        job->delay_ms = SUSPECT_MOST_MS;
    if (job->delay_ms < asked_ms)
        job->delay_ms = asked_ms;
}

static void rule_wait(struct worker *worker, struct work *work, struct job *job)
{
    if (is_overdue(worker, work, job->device))
        job_finish(job, OUTCOME_FAILED, job->code, job->text);
    else
        job->delay_ms = backoff_grid_ms(job->delay_ms > 0 ? job->delay_ms : 1000);
}

void worker_rule_verdicts(struct worker *worker, struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        struct job *job = &work->jobs[i];

        if (job->is_ruled) /* a settle tried again, after a lost connection: attempts and times count once */
            continue;
        switch (job->verdict) {
        case VERDICT_NONE:
            log_error("no_verdict", "serial", job->device->serial, "run", job->fence->run, "text",
                      "the stage left a device without a verdict; it is put back", NULL);
            job_put_back(job);
            job->delay_ms = 5000;
            break;
        case VERDICT_RETRY: rule_retry(worker, work, job); break;
        case VERDICT_SUSPECT: rule_suspect(worker, work, job); break;
        case VERDICT_WAIT: rule_wait(worker, work, job); break;
        case VERDICT_PASS:
        case VERDICT_SEND: go_on(worker, job->device); break;
        case VERDICT_BACK:
            if (job->is_held)
                job->device->held_ms = worker_now_ms(worker);
            break;
        case VERDICT_FINISH:
        case VERDICT_LOST: break;
        }
        job->is_ruled = true;
        if (job->verdict == VERDICT_FINISH)
            end(worker, job);
    }
}

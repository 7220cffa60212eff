/**
 * job.h - one device in a handler's hands, and the verdict that the handler gives it (DESIGN.md 4).
 *
 * A handler gives each job exactly one verdict; a job without one at the return is a bug that the skeleton
 * reports (the device is put back). The last verdict given counts.
 */
#ifndef STAGE_JOB_H
#define STAGE_JOB_H

#include "domain/device.h"
#include "queue/limiter.h"

enum verdict {
    VERDICT_NONE,
    VERDICT_PASS,    /* on to the next stage */
    VERDICT_SEND,    /* on to a named stage (verify back to assign) */
    VERDICT_FINISH,  /* final outcome: to audit */
    VERDICT_RETRY,   /* a transient answer about this device: attempts + 1 */
    VERDICT_SUSPECT, /* a failure charged to nobody yet: judged at its next try */
    VERDICT_WAIT,    /* not yet: attempts stay, the deadline ends it */
    VERDICT_BACK,    /* put back as it was: stopping, breaker open, held back */
    VERDICT_LOST,    /* the message is another's now: nothing is written for it */
};

struct job {
    struct device *device;     /* the handler may change it; what it sets travels on */
    const struct fence *fence; /* for permits and notes */
    bool is_redelivered;       /* a worker died or was too slow with it before */

    enum verdict verdict;
    bool is_ruled;     /* the skeleton has counted this verdict */
    bool is_held;      /* VERDICT_BACK: by its run's pause or a brake, which no deadline counts */
    const char *stage; /* VERDICT_SEND */
    enum outcome outcome;
    enum err_code code;
    const char *text; /* borrowed from the batch's pool, or static; NULL: none */
    int64_t delay_ms; /* VERDICT_RETRY/WAIT: -1 lets the skeleton choose; else at least this long */
    const char *op;   /* VERDICT_SUSPECT */
};

void job_pass(struct job *job);
/** On to another stage than the next. */
void job_send(struct job *job, const char *stage);
/** The final outcome; code ERR_NONE where there is nothing to say. FAILED also leaves a dead letter. */
void job_finish(struct job *job, enum outcome outcome, enum err_code code, const char *text);
/** Charged to the device. delay_ms -1: back-off by attempts. Attempts used up: failed with code. */
void job_retry(struct job *job, enum err_code code, const char *text, int64_t delay_ms);
/** Connection failure, 408, 5xx, unreadable body, 401, 403...: not charged yet. */
void job_suspect(struct job *job, const char *op, enum err_code code, const char *text);
/** Look again later. delay_ms is rounded up to the grid. code and text: what it fails with at the deadline.
 */
void job_wait(struct job *job, enum err_code deadline_code, const char *text, int64_t delay_ms);
void job_put_back(struct job *job);
/** Its run is paused, or a brake holds it: looked at again after delay_ms (at least 1); no deadline counts
 * it. */
void job_hold(struct job *job, int64_t delay_ms);
void job_lost(struct job *job);

#endif

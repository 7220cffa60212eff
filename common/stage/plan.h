/**
 * plan.h - a settle in the making: verdicts turned into publications and dead letters, gathered by run,
 * target and delay into messages of up to 200 devices. Internal to the skeleton; pure but for uids.
 */
#ifndef STAGE_PLAN_H
#define STAGE_PLAN_H

#include "queue/settle.h"
#include "stage/worker.h"

struct plan {
    struct settle_publication *publications;
    size_t publication_count, publication_cap;
    struct settle_letter *letters;
    size_t letter_count, letter_cap;
    const char *targets[SETTLE_MAX_TARGETS];
    size_t target_count;
    size_t bytes;                              /* of bodies */
    int64_t passed, finished, retried, waited; /* devices */
    struct pool *pool;                         /* holds the bodies */
};

int plan_init(struct plan *plan, struct err *err);
void plan_release(struct plan *plan);

/** 1 + the index of a stage among the targets, which grows. */
int plan_target(struct plan *plan, const char *stage);

/** One body as it is. */
int plan_add_raw(struct plan *plan, int target, const char *field, size_t devices, int64_t delay_ms,
                 const char *body, size_t len, struct err *err);
/** Devices of one run as messages of at most 200 and MESSAGE_MAX_BYTES. */
int plan_add_devices(struct plan *plan, struct worker *worker, int target, int64_t delay_ms, const char *run,
                     const char *unknown, const struct device *const *list, size_t count, struct err *err);
int plan_add_letter(struct plan *plan, const struct device *device, const char *run, int64_t at_ms,
                    struct err *err);

/** All jobs of the work's messages from..to that are still ours. */
int plan_add_jobs(struct plan *plan, struct worker *worker, struct work *work, size_t from, size_t to,
                  struct err *err);

/** Fills head's lists from the plan. */
void plan_fill(const struct plan *plan, struct settle_head *head);

#endif

/**
 * weigh.h - the brake's part of assign: which devices of a batch may be changed now (queue/brake.h;
 * stages/README.md, "The brake on changes"). Where the organization has no such brake both do nothing.
 */
#ifndef ASSIGN_WEIGH_H
#define ASSIGN_WEIGH_H

#include "queue/brake.h"
#include "stage/stage.h"

/* What was read of one device of the batch. */
struct weighing {
    struct job *job;
    bool is_existing; /* it has an assignment, or had one before this run changed it */
    bool is_change;   /* ... that is to be changed or removed */
};

/** Devices that were held before ask again: those that may still not be changed are held on (VERDICT_BACK).
 * -1: ERR_REDIS_*, ERR_LIMIT, ERR_NOMEM. */
int weigh_held(const struct brake *brake, struct batch *batch, struct err *err);

/** Weighs what was read: a device whose change is not granted is held (VERDICT_BACK), the others go on. -1:
 * as above. */
int weigh_read(const struct brake *brake, struct batch *batch, const struct weighing *list, size_t count,
               struct err *err);

#endif

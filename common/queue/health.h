/**
 * health.h - what all workers saw of the API lately: which operation last succeeded and when (DESIGN.md 4,
 * Breaker). An interface: one hash over Redis, in memory for unit tests. The skeleton judges by it; the API's
 * client reports to it.
 */
#ifndef QUEUE_HEALTH_H
#define QUEUE_HEALTH_H

#include <stdint.h>

#include "base/err.h"

struct health_report {
    const char *op;                  /* "importDevices", ... */
    int64_t succeeded;               /* requests (or items) that ended well */
    const char *serial_a, *serial_b; /* two different devices among them; NULL: fewer */
    int64_t answered;                /* requests that brought any answer or failed */
};

struct health_ops {
    int (*report)(void *ctx, const struct health_report *report, struct err *err);
};

struct health {
    const struct health_ops *ops;
    void *ctx;
};

static inline int health_report(struct health *health, const struct health_report *report, struct err *err)
{
    return health->ops->report(health->ctx, report, err);
}

#endif

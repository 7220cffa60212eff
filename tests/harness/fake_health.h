/**
 * fake_health.h - what was reported of the API (queue/health.h), in memory: the sums by operation.
 */
#ifndef HARNESS_FAKE_HEALTH_H
#define HARNESS_FAKE_HEALTH_H

#include <stddef.h>

#include "queue/health.h"

#define FAKE_HEALTH_OPS 16

struct fake_health_op {
    char op[64];
    int64_t reports, succeeded, answered;
    char serial_a[72], serial_b[72]; /* of the last report; "" where it named none */
};

struct fake_health {
    struct health health; /* give &fake.health to the code under test */
    struct fake_health_op ops[FAKE_HEALTH_OPS];
    size_t count;
    int fail_after; /* after so many reports: -1 with ERR_REDIS_LOST; -1: never */
};

void fake_health_init(struct fake_health *fake);
/** NULL where nothing was reported of it. */
const struct fake_health_op *fake_health_of(const struct fake_health *fake, const char *op);

#endif

/**
 * brake.h - the brake on changes (stages/README.md, "The brake on changes"): which devices of a run may be
 * changed now. An interface: lua/weigh.lua over Redis in brake_redis.c, in memory for unit tests
 * (tests/harness/fake_brake.h).
 */
#ifndef QUEUE_BRAKE_H
#define QUEUE_BRAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum brake_what {
    BRAKE_NEW,    /* it has no assignment */
    BRAKE_KEPT,   /* it has one, which stays as it is */
    BRAKE_CHANGE, /* it has one that is to be changed or removed */
    BRAKE_HELD,   /* it was held before, and nothing was read of it since */
};

struct brake_item {
    int64_t row; /* of the run's input */
    enum brake_what what;
    bool is_granted; /* out. CHANGE: change it now. HELD: look at it anew. NEW and KEPT: always true */
};

struct brake_ops {
    int (*weigh)(void *ctx, const char *run, struct brake_item *list, size_t count, bool *has_tripped_r,
                 struct err *err);
};

struct brake {
    const struct brake_ops *ops; /* NULL: the organization has no such brake */
    void *ctx;
};

/**
 * Weighs devices of one run, each row once, and grants what may be changed. Safe to repeat.
 *
 * @param has_tripped_r  out: the run is paused by this very call
 * @return 0, or -1 with ERR_REDIS_*
 */
static inline int brake_weigh(const struct brake *brake, const char *run, struct brake_item *list,
                              size_t count, bool *has_tripped_r, struct err *err)
{
    return brake->ops->weigh(brake->ctx, run, list, count, has_tripped_r, err);
}

#endif

/**
 * runs.h - the runs of an organization by age; what is known of one is the runbook's (runbook.h).
 */
#ifndef QUEUE_RUNS_H
#define QUEUE_RUNS_H

#include "base/pool.h"
#include "queue/keys.h"
#include "queue/redis.h"

/** Ids of the newest runs first, at most max of them, in pool. */
int runs_list(struct redis *redis, const struct keys *keys, size_t max, struct pool *pool,
              const char ***ids_r, size_t *count_r, struct err *err);

#endif

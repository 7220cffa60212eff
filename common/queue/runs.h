/**
 * runs.h - the runs of an organization as an operator looks at them: one by its id, all by age.
 */
#ifndef QUEUE_RUNS_H
#define QUEUE_RUNS_H

#include "queue/keys.h"
#include "queue/redis.h"
#include "queue/runbook.h"

/** 1 and fills *view_r (text in pool; deprecations are left out); 0: no such run; -1 err. */
int runs_view(struct redis *redis, const struct keys *keys, const char *run, struct pool *pool,
              struct run_view *view_r, struct err *err);

/** Ids of the newest runs first, at most max of them, in pool. */
int runs_list(struct redis *redis, const struct keys *keys, size_t max, struct pool *pool,
              const char ***ids_r, size_t *count_r, struct err *err);

#endif

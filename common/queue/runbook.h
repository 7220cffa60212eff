/**
 * runbook.h - what is known of a run: `run:ID` and what hangs on it (DESIGN.md 4, 5, 8). An interface: over
 * Redis in runbook_redis.c, in memory for unit tests. Handlers read here; all writing is done by the settle
 * scripts.
 */
#ifndef QUEUE_RUNBOOK_H
#define QUEUE_RUNBOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"

/* A part of the record: the devices of one message, in audit.spool. */
struct run_part {
    const char *name; /* "<uid>.jsonl", relative to <spool>/<org>/<run>/ */
    const char *sha256;
    int64_t count;
};

#define RUN_OUTCOMES 9

/** The counter in `run:ID` for the outcome at that place of the closed list; "none" for 0. Static storage. */
const char *runbook_outcome_field(int outcome) __attribute__((returns_nonnull));

struct run_view {
    const char *id;
    const char *state; /* open, closing, closed, incomplete, cancelled (as the manifest will say) */
    const char *mode;
    const char *operator_, *source_name, *source_sha256, *mapping_sha256, *git_commit;
    const char *host;
    const char *plan_sha256; /* of the plan that it applies; NULL: none */
    const char *approvers;   /* of that plan: key ids, divided by commas; NULL: nobody */
    bool is_only_new;
    int64_t batches;                /* declared */
    int64_t come;                   /* registered */
    int64_t expected;               /* devices of the registered batches, rejected rows too */
    int64_t ended;                  /* devices with an outcome (replayed ones taken out again) */
    int64_t outcomes[RUN_OUTCOMES]; /* by place in the closed list (domain/outcome.h) */
    int64_t dead;
    int64_t malformed;     /* batches that came but could not be read */
    int64_t manifest;      /* how many manifests it has: the next is manifest + 1 */
    int64_t records_files; /* record files written so far: the numbers go on */
    bool is_cancelled;
    int64_t paused_ms;                     /* since when it is paused; 0: it is not */
    const char *paused_by, *paused_reason; /* "brake max_changes", or who did it by hand */
    const char *resumed_by;                /* who ended its last pause; NULL: there was none */
    int64_t created_ms, closed_ms;
    const char *manifest_path;           /* in the first sink; NULL before */
    const char *previous_payload_sha256; /* of its last manifest: what the next one supersedes; NULL */
    const char **deprecations;
    size_t deprecation_count;
};

struct runbook_ops {
    int (*view)(void *ctx, const char *run, struct pool *pool, struct run_view *view_r, struct err *err);
    int (*parts)(void *ctx, const char *run, struct pool *pool, struct run_part **parts_r, size_t *count_r,
                 struct err *err);
    int (*mapping)(void *ctx, const char *sha256, struct pool *pool, const char **text_r, size_t *len_r,
                   struct err *err);
};

struct runbook {
    const struct runbook_ops *ops;
    void *ctx;
};

/** 1 and fills *view_r (text in pool); 0: no such run; -1 err. */
static inline int runbook_view(struct runbook *book, const char *run, struct pool *pool,
                               struct run_view *view_r, struct err *err)
{
    return book->ops->view(book->ctx, run, pool, view_r, err);
}

/** The parts that closing must merge: exactly those settled since the last manifest, in no order. */
static inline int runbook_parts(struct runbook *book, const char *run, struct pool *pool,
                                struct run_part **parts_r, size_t *count_r, struct err *err)
{
    return book->ops->parts(book->ctx, run, pool, parts_r, count_r, err);
}

/** 1 and the mapping's text stored under rules:SHA256; 0: not there; -1 err. */
static inline int runbook_mapping(struct runbook *book, const char *sha256, struct pool *pool,
                                  const char **text_r, size_t *len_r, struct err *err)
{
    return book->ops->mapping(book->ctx, sha256, pool, text_r, len_r, err);
}

#endif

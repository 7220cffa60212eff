/**
 * status.h - what stands where, and for each stage one reason why it does or does not move (DESIGN.md 10).
 * status_fetch reads it from Redis; status_judge is pure.
 */
#ifndef QUEUE_STATUS_H
#define QUEUE_STATUS_H

#include "base/pool.h"
#include "queue/keys.h"
#include "queue/redis.h"

#define STATUS_STAGES     5     /* validate import assign verify audit, in this order */
#define STATUS_ALIVE_MS   10000 /* a heartbeat older than this is no worker any more */
#define STATUS_REASON_MAX 512

struct status_worker {
    const char *consumer, *host, *state, *why; /* "" where it does not say */
    int stage;                                 /* index; -1: none of ours */
    int64_t pid, started_ms, at_ms, hand;
    bool is_alive;
};

enum status_why {
    STATUS_IDLE,      /* nothing to do */
    STATUS_WORKING,   /* it moves */
    STATUS_PARKED,    /* all that it has looks again later */
    STATUS_PAUSED,    /* by an operator */
    STATUS_NO_WORKER, /* nobody runs it */
    STATUS_FATAL,     /* every worker of it says that it cannot go on */
    STATUS_REPLICAS,  /* what it wrote is held by too few replicas */
    STATUS_BREAKER,   /* the API is not usable */
    STATUS_LIMITED,   /* a 429 asks to wait */
    STATUS_NEXT_FULL, /* the stage behind it has enough, waiting or parked */
};

struct status_stage {
    const char *name;
    int64_t messages; /* in the stream, in hand included */
    int64_t backlog;  /* devices in the stream; ingest: at most so many */
    int64_t in_hand;  /* messages */
    int64_t parked;   /* devices that look again later */
    int64_t due_ms;   /* when the first of them does; 0: none */
    int64_t dead;     /* letters */
    int64_t passed, finished, retried, waited;
    int64_t workers;   /* alive */
    int64_t heard_ms;  /* the latest heartbeat of any, alive or not; 0: none */
    int64_t paused_ms; /* since when; 0: not */
    const char *paused_by, *paused_why;
    const char *fatal;    /* what its workers say, where all that are alive say so; NULL */
    const char *replicas; /* what the first of its workers that waits for replicas says; NULL: none waits */
    enum status_why why;
    char reason[STATUS_REASON_MAX]; /* the same for people: "breaker: 503 Service Unavailable since ..." */
};

struct status_view {
    int64_t now_ms; /* of Redis */
    struct status_stage stages[STATUS_STAGES];
    int64_t breaker_ms; /* open since; 0: closed */
    const char *breaker_text, *breaker_code;
    int64_t limited_ms; /* the limiter's pause lasts until then; 0 or past: none */
    struct status_worker *workers;
    size_t worker_count;
    char server[STATUS_REASON_MAX]; /* what Redis itself says that it refuses, and what to do; "": nothing */
};

/** "validate" ... "audit". */
const char *status_stage_name(int stage);
/** -1 where the name is none. */
int status_stage_of(const char *name);

/**
 * Reads all of it, in a few round trips; text lives in pool. Not one moment's picture: numbers may be off by
 * what moved meanwhile. status_judge is still to be called.
 */
int status_fetch(struct redis *redis, const struct keys *keys, struct pool *pool, struct status_view *view_r,
                 struct err *err);

/* What a stage may hold, in devices, before the stage ahead of it stops reading. */
struct status_limit {
    int64_t max_backlog, max_parked;
};

/** Sets why and reason of each stage. */
void status_judge(struct status_view *view, const struct status_limit limits[STATUS_STAGES]);

#endif

/**
 * shared.h - the shared state of an organization over Redis, behind the interfaces that stages see: limiter,
 * cache, notes, health, chain, runbook, sealed. One structure, since all go over the worker's one connection.
 *
 * A Redis that goes away in the middle of a call is ERR_REDIS_LOST: the batch goes back, the skeleton
 * reconnects.
 */
#ifndef QUEUE_SHARED_H
#define QUEUE_SHARED_H

#include <stdbool.h>

#include "queue/brake.h"
#include "queue/cache.h"
#include "queue/chain.h"
#include "queue/health.h"
#include "queue/keys.h"
#include "queue/limiter.h"
#include "queue/notes.h"
#include "queue/redis.h"
#include "queue/runbook.h"
#include "queue/sealed.h"

/* The bucket's two numbers, in µs of Redis's clock; see limiter_rate. */
struct limiter_rate {
    int64_t interval_us;
    int64_t tolerance_us;
};

#define SHARED_MAX_FENCES 64

struct shared {
    struct redis *redis;
    const struct keys *keys;
    const char *stage, *consumer;
    struct limiter_rate rate;
    int64_t max_changes; /* of the brake, in percent; -1: there is none */
    int64_t max_parked;  /* devices of this stage: beyond it the brake pauses a run rather than hold more */
    bool is_probing;     /* the breaker's own probe: the open breaker does not stop it */
    bool is_urgent;      /* what is in hand passes everything else */
    bool (*is_stopping)(void *stop);
    void *stop;
    char reserved_us[32], epoch[24]; /* a slot given for a moment ahead, to be confirmed then */
    char reserved_class[24];
    const char *(*uid_of)(void *ctx, const struct fence *fence); /* the message's uid, for its note */
    void *uid_ctx;
};

/**
 * From "requests a per_ms, burst": a little under both, since requests bunch up on their way (DESIGN.md 7):
 * 0.5 % of the rate, and 70 % of the burst, stay unused, so that what is sent late by tens of ms still fits
 * the server's bucket.
 */
struct limiter_rate limiter_rate_of(int64_t requests, int64_t per_ms, int64_t burst);

struct limiter shared_limiter(struct shared *shared);
struct cache shared_cache(struct shared *shared);
struct notes shared_notes(struct shared *shared);
struct health shared_health(struct shared *shared);
struct chain shared_chain(struct shared *shared);
struct runbook shared_runbook(struct shared *shared);
struct sealed shared_sealed(struct shared *shared);
/** Its ops are NULL where shared->max_changes is negative. */
struct brake shared_brake(struct shared *shared);

/* What the skeleton asks of the breaker. */
enum judgement { JUDGE_CHARGE, JUDGE_PROBE, JUDGE_WAIT, JUDGE_OPEN, JUDGE_AGAIN };
int shared_judge(struct shared *shared, const char *op, const char *serial, int64_t at_ms,
                 enum judgement *judgement_r, struct err *err);
/** action: "open", "ok" or "fail". 1 it changed something, 0 not, -1 err. */
int shared_breaker(struct shared *shared, const char *action, const char *code, const char *text,
                   const char *op, struct err *err);

/** A message's note: calls back for each device noted. */
int shared_note_read(struct shared *shared, const char *uid,
                     int (*each)(void *user, const char *serial, const char *note, size_t len,
                                 struct err *err),
                     void *user, struct err *err);

#endif

/**
 * chain.h - the evidence chain of an organization in Redis (DESIGN.md 8): the head, the envelope being
 * shipped, and the lock of the one closer. An interface: `chain` over Redis, in memory for unit tests.
 *
 * States of a closing: none -> taken (sequence and previous hash given, lock held) -> stored (the signed
 * bytes stand in `chain`) -> shipped to every sink and read back -> moved (the head is this manifest). A
 * crash in `taken`: the next closer takes the same sequence. In `stored`: the next closer ships the very same
 * bytes. In `shipped`: it ships again (the sink finds them there, equal) and moves.
 */
#ifndef QUEUE_CHAIN_H
#define QUEUE_CHAIN_H

#include "base/buf.h"

struct chain_turn {
    int64_t token;     /* fencing number of the lock: every later call gives it */
    int64_t sequence;  /* of the manifest to be made */
    char previous[65]; /* lower-case hex SHA-256 of the payload before; "" for the first */
    bool is_stored;    /* an envelope stands there already: ship these bytes */
    char run[65];      /* is_stored: whose it is (it may be another run's, left by a crash: ship it first) */
    char name[128];    /* is_stored: its file name, "manifest-1.dsse.json" */
};

struct chain_ops {
    int (*take)(void *ctx, int64_t ttl_ms, struct chain_turn *turn_r, struct buf *envelope, struct err *err);
    int (*store)(void *ctx, const struct chain_turn *turn, const char *run, const char *name,
                 const char *envelope, size_t len, struct err *err);
    int (*move)(void *ctx, const struct chain_turn *turn, const char *payload_sha256, struct err *err);
    int (*drop)(void *ctx, const struct chain_turn *turn, struct err *err);
};

struct chain {
    const struct chain_ops *ops;
    void *ctx;
};

/** 1 the turn is ours for ttl_ms (a stored envelope is appended to *envelope); 0 another closes; -1 err. */
static inline int chain_take(struct chain *chain, int64_t ttl_ms, struct chain_turn *turn_r,
                             struct buf *envelope, struct err *err)
{
    return chain->ops->take(chain->ctx, ttl_ms, turn_r, envelope, err);
}

/** Stores the signed bytes before any sink sees them. 0; -1 with ERR_LOST_MESSAGE where the lock passed on.
 */
static inline int chain_store(struct chain *chain, const struct chain_turn *turn, const char *run,
                              const char *name, const char *envelope, size_t len, struct err *err)
{
    return chain->ops->store(chain->ctx, turn, run, name, envelope, len, err);
}

/** Moves the head to the shipped manifest, clears the stored bytes and lets the lock go. Also to one further
 * on, where Redis has forgotten what was shipped (evidence/witness.h). */
static inline int chain_move(struct chain *chain, const struct chain_turn *turn, const char *payload_sha256,
                             struct err *err)
{
    return chain->ops->move(chain->ctx, turn, payload_sha256, err);
}

/** Lets the lock go without a manifest (nothing stored by this turn). */
static inline int chain_drop(struct chain *chain, const struct chain_turn *turn, struct err *err)
{
    return chain->ops->drop(chain->ctx, turn, err);
}

#endif

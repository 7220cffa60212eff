/**
 * sealed.h - one secret value that all workers of an organization share, sealed (crypto/seal.h) before it
 * comes here, and who renews it: one process at a time, by a lock that expires and a fencing number that only
 * grows. An interface: over Redis (`secret:NAME`) in sealed_redis.c, in memory for unit tests.
 *
 * Nothing here sees the value itself. Its id tells one value from another, and is no secret.
 */
#ifndef QUEUE_SEALED_H
#define QUEUE_SEALED_H

#include <stdbool.h>

#include "base/buf.h"

#define SEALED_ID_MAX   16
#define SEALED_BY_MAX   128
#define SEALED_WHY_MAX  512
#define SEALED_TEXT_MAX 65536

struct sealed_value {
    char id[SEALED_ID_MAX + 1];
    int64_t expires_ms;     /* Unix time, as its maker says */
    int64_t at_ms;          /* Redis's time when it was stored */
    char by[SEALED_BY_MAX]; /* who stored it */
    char code[64];          /* why the last renewal failed, for as long as it counts; "" */
    char why[SEALED_WHY_MAX];
    struct buf text; /* sealed */
};

/* What somebody wants who would renew the value. */
struct sealed_ask {
    const char *known_id; /* of the value that is to be renewed; "": there was none */
    int64_t ttl_ms;       /* of the lock: longer than a renewal can take */
    int64_t min_age_ms;   /* a younger value is not renewed; 0: whatever its age */
    bool is_forced;       /* though one has failed a moment ago */
};

enum sealed_turn_kind {
    SEALED_TAKEN,  /* ours to renew: fence */
    SEALED_HELD,   /* another does: left_ms at most */
    SEALED_NEWER,  /* another value is stored than the known one: read it */
    SEALED_YOUNG,  /* the known one was stored less than min_age_ms ago */
    SEALED_FAILED, /* another's renewal failed less than its hold ago: code, why */
};

struct sealed_turn {
    enum sealed_turn_kind kind;
    int64_t fence, left_ms;
    char code[64], why[SEALED_WHY_MAX];
};

struct sealed_ops {
    int (*read)(void *ctx, const char *name, struct sealed_value *value_r, struct err *err);
    int (*take)(void *ctx, const char *name, const struct sealed_ask *ask, struct sealed_turn *turn_r,
                struct err *err);
    int (*put)(void *ctx, const char *name, int64_t fence, const struct sealed_value *value, struct err *err);
    int (*give_up)(void *ctx, const char *name, int64_t fence, int64_t hold_ms, const struct err *why,
                   struct err *err);
    int (*drop)(void *ctx, const char *name, struct err *err);
};

struct sealed {
    const struct sealed_ops *ops;
    void *ctx;
};

static inline void sealed_value_init(struct sealed_value *value)
{
    *value = (struct sealed_value){ .expires_ms = 0 };
    buf_init(&value->text, SEALED_TEXT_MAX);
}

static inline void sealed_value_release(struct sealed_value *value)
{
    buf_release(&value->text);
}

/** 1 and the value, in place of what *value_r held; 0: there is none (code and why are set all the same); -1:
 * err. */
static inline int sealed_read(struct sealed *sealed, const char *name, struct sealed_value *value_r,
                              struct err *err)
{
    return sealed->ops->read(sealed->ctx, name, value_r, err);
}

/** Asks for the turn to renew. 0 and *turn_r; -1: err. */
static inline int sealed_take(struct sealed *sealed, const char *name, const struct sealed_ask *ask,
                              struct sealed_turn *turn_r, struct err *err)
{
    return sealed->ops->take(sealed->ctx, name, ask, turn_r, err);
}

/** Stores id, expires_ms and text, and ends the turn. 1 stored; 0 nothing was: another has the turn since;
 * -1: err. */
static inline int sealed_put(struct sealed *sealed, const char *name, int64_t fence,
                             const struct sealed_value *value, struct err *err)
{
    return sealed->ops->put(sealed->ctx, name, fence, value, err);
}

/** Ends the turn without a value: for hold_ms whoever asks is told why. 1, 0, -1 as sealed_put. */
static inline int sealed_give_up(struct sealed *sealed, const char *name, int64_t fence, int64_t hold_ms,
                                 const struct err *why, struct err *err)
{
    return sealed->ops->give_up(sealed->ctx, name, fence, hold_ms, why, err);
}

/** Forgets the value and why a renewal failed; the fencing number stays. 1 there was a value, 0 none, -1 err.
 */
static inline int sealed_drop(struct sealed *sealed, const char *name, struct err *err)
{
    return sealed->ops->drop(sealed->ctx, name, err);
}

#endif

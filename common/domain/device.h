/**
 * device.h - one device on its way: what the input said, what the rules want, what the stages found.
 *
 * All text is borrowed from the pool of its batch and NULL where absent. Times are Unix milliseconds of
 * Redis's clock, 0 where not reached.
 */
#ifndef DOMAIN_DEVICE_H
#define DOMAIN_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "domain/outcome.h"

#define DEVICE_SERIAL_MAX  64 /* bytes; the pattern of the settings is usually far narrower */
#define DEVICE_MODEL_MAX   64
#define DEVICE_ORDER_MAX   32
#define DEVICE_TAG_MAX     32
#define DEVICE_EXTRA_MAX   512 /* names and values of all further columns together */
#define DEVICE_ID_MAX      128 /* ids that ABM gives or rules name */
#define DEVICE_UNKNOWN_MAX 512 /* members of an ingest device that this version does not know, together */
#define DEVICE_SHOWN_MAX   128 /* what is kept of the serial of a rejected device */

/* The steps of a device's times, in order; the record prints them under these names. */
enum device_step { STEP_INGEST, STEP_VALIDATE, STEP_IMPORT, STEP_ASSIGN, STEP_VERIFY, STEP_END, STEP_COUNT };

/* ACTION_UNKNOWN: an ingest message asked for another; device_check refuses the device. */
enum device_action { ACTION_ASSIGN, ACTION_REMOVE, ACTION_UNKNOWN };

enum device_expect { EXPECT_ANY, EXPECT_UNASSIGNED, EXPECT_STATE };

/* What the brake on changes has made of it (queue/brake.h). Other numbers count as WEIGHT_NONE. */
enum device_weight {
    WEIGHT_NONE,  /* not weighed yet */
    WEIGHT_TAKEN, /* weighed: it may be changed, or need not be */
    WEIGHT_HELD,  /* weighed: it is to be changed, and may not yet */
};

struct device_extra {
    const char *name; /* without "extra." */
    const char *value;
};

/* A failure that is charged to nobody yet: judged at the device's next try (DESIGN.md 4, Breaker). */
struct device_suspect {
    const char *op;   /* operation, NULL: no suspicion */
    const char *code; /* wire name of the error */
    int64_t at_ms;
};

struct device {
    /* the input */
    int64_t row; /* of the input, from 1 */
    const char *serial;
    const char *country;
    const char *model;
    const char *order_number;
    const char *asset_tag;
    struct device_extra *extra; /* further columns; end at validate */
    size_t extra_count;
    enum device_action action;
    const char *action_word; /* ACTION_UNKNOWN: as it was written; NULL otherwise */
    enum device_expect expect;
    bool is_only_new;                 /* an assignment that is there already is left as it is */
    bool expects_no_server;           /* EXPECT_STATE: on no server; expect_mdm_server_id is NULL then */
    const char *expect_blueprint_id;  /* EXPECT_STATE; NULL: no blueprint, on a server all the same */
    const char *expect_mdm_server_id; /* EXPECT_STATE; NULL: any */

    /* what is wanted: the rules' word, or the plan's */
    const char *blueprint_id;  /* NULL: action remove, or not resolved yet */
    const char *mdm_server_id; /* NULL: the server is left as it is */
    const char *rule;          /* which rule said so: "3: country == 'JP'"; NULL: the plan did */

    /* what the stages found */
    const char *device_id;
    bool is_noted;                  /* a note was saved before the first mutation; from_* are true */
    const char *from_blueprint_id;  /* NULL: it was unassigned */
    const char *from_mdm_server_id; /* NULL: none */
    const char *assignment_id;
    bool is_maybe_sent; /* redelivered, or a request went unanswered: its claim is kept longer */

    /* its way */
    int seq;          /* 0; raised by each replay */
    int attempts;     /* answers charged to it, at the present stage */
    int attempts_all; /* at all stages, for the record */
    int returns;      /* how often verify sent it back to assign */
    int looks;        /* how often verify has looked */
    int weight;       /* enum device_weight */
    struct device_suspect suspect;
    int64_t since_ms;   /* when it came to the present stage; 0: now */
    int64_t stalled_ms; /* the stage's total of paused time at since_ms (deadlines leave pauses out) */
    int64_t held_ms;    /* since when its run's pause, or a brake, holds it back (left out too); 0: not */
    int64_t times_ms[STEP_COUNT];

    /* how it ended; OUTCOME_NONE on the way */
    enum outcome outcome;
    const char *code; /* wire name; NULL: nothing to say */
    const char *text; /* for people; never in a record */

    const char *unknown; /* members of newer versions: `"a":1,"b":[2]`, carried on as they are; NULL: none */
};

/** "ingest", "validate", ..., "end". */
const char *device_step_name(enum device_step step);

/** True where the input itself says what is wanted (a blueprint, or to remove): rules are not asked then. */
bool device_is_planned(const struct device *device) __attribute__((nonnull(1)));

/**
 * Drops what ends at validate: model, order number, tag and further columns. The pool keeps the text.
 */
void device_drop_columns(struct device *device) __attribute__((nonnull(1)));

/**
 * Prepares a device that the check refused for its way to audit: its columns are dropped, its serial is cut
 * to DEVICE_SHOWN_MAX bytes (at a character's edge), and every other text longer than its limit goes, so that
 * a hostile device cannot make a message too large. -1: the pool is at its limit (ERR_LIMIT, ERR_NOMEM).
 */
int device_shorten(struct device *device, struct pool *pool, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/** A copy whose text lives in pool. NULL where the pool is at its limit. */
struct device *device_clone(const struct device *device, struct pool *pool) __attribute__((nonnull(1, 2)));

#endif

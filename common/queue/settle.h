/**
 * settle.h - the atomic step that ends messages in hand (DESIGN.md 4, Settle): publish what follows, lay dead
 * letters, acknowledge, count, remove. Done by the owner of the messages or not at all.
 *
 * Everything is borrowed for the call. Three scripts: settle (every stage), register (validate: also the run
 * book and the claims), account and closed (audit: also the outcomes and the run's state).
 */
#ifndef QUEUE_SETTLE_H
#define QUEUE_SETTLE_H

#include <stdbool.h>

#include "queue/claims.h"
#include "queue/keys.h"
#include "queue/redis.h"

/* Most a call takes; the caller splits by messages. */
#define SETTLE_MAX_TARGETS  4
#define SETTLE_MAX_BYTES    (1024 * 1024) /* of publications and letters */
#define SETTLE_MAX_ENTRIES  1000
#define SETTLE_MAX_OUTCOMES 16 /* different ones in a message */

#define SETTLE_PARK 0 /* target: the stage's own retry set, due after delay_ms */

struct settle_publication {
    int target;        /* SETTLE_PARK, or 1 + index of settle_head.targets */
    const char *field; /* "m" or "batch" */
    size_t devices;
    int64_t delay_ms;
    const char *body;
    size_t len;
};

struct settle_letter {
    const char *serial; /* "": a whole message */
    const char *run;
    int64_t row;
    int seq;
    const char *code, *text;
    int64_t at_ms;
    const char *body;
    size_t len;
    const char *field; /* "d" (a device) or "batch" */
};

struct settle_counter {
    const char *name;
    int64_t by;
};

struct settle_head {
    const struct keys *keys;
    const char *stage, *consumer;
    const char *const *ids;
    size_t id_count;
    size_t devices;                          /* taken off the source stream */
    const char *targets[SETTLE_MAX_TARGETS]; /* stage names */
    size_t target_count;
    const struct settle_publication *publications;
    size_t publication_count;
    const struct settle_letter *letters;
    size_t letter_count;
    const char *const *note_uids;
    size_t note_count;
    const struct settle_counter *counters;
    size_t counter_count;
};

enum settle_kind {
    SETTLE_OK,
    SETTLE_LOST,     /* some ids are another's: *reply names them (index 1 on); nothing was written */
    SETTLE_REPEATED, /* register: the same batch came before; the message is removed */
    SETTLE_CONFLICT, /* register: reply[1] says why; nothing was written */
    SETTLE_CLAIMS,   /* register: pairs of claim index and kind ("same", "other"); nothing was written */
    SETTLE_LATER,    /* register: a claim is kept for reply[1] ms more; nothing was written */
};

/** One call of the script. *reply_r (freed by the caller) carries the details; with SETTLE_OK [1] is the next
 * stage's backlog. */
int settle_run(struct redis *redis, const struct settle_head *head, enum settle_kind *kind_r,
               struct redis_reply **reply_r, struct err *err);

struct settle_claim {
    const char *serial;
    int64_t row;
};

struct settle_register {
    const char *id, *run, *sha256;
    const char *batch; /* the number as text; "!SHA" where it could not be read */
    int64_t batches, rows;
    bool is_part, is_split;
    const char *malformed; /* wire name, or "" */
    const char *spare_uid;
    const char *mapping_sha256, *mapping_text; /* to store under rules:SHA256; "" none */
    size_t mapping_len;
    const char *const *members; /* of run:ID: name, value, name, value, ... */
    size_t member_count;        /* pairs */
    const struct settle_claim *claims;
    size_t claim_count;
};

/** Targets are fixed: 1 import, 2 audit, 3 back onto ingest. layout: what the caller keeps of the claims,
 * brought up to date. */
int settle_register(struct redis *redis, const struct settle_head *head, const struct settle_register *reg,
                    struct claims_layout *layout, enum settle_kind *kind_r, struct redis_reply **reply_r,
                    struct err *err);

struct settle_outcome {
    const char *serial;
    int64_t row;
    const char *outcome;
    bool is_late;      /* its claim is kept on */
    bool is_failed;    /* for the brake on failures */
    bool is_unweighed; /* the brake on changes has not seen it: it does now */
};

/** Audit: counts outcomes, ends claims, lists the part. keep_ms: how long late claims are kept on.
 * max_failed: the brake, in percent; -1: none. layout: as for settle_register. */
int settle_account(struct redis *redis, const struct keys *keys, const char *consumer, const char *id,
                   const char *run, const char *part_name, const char *part_sha256, const char *spare_uid,
                   int64_t keep_ms, int64_t max_failed, const struct settle_outcome *outcomes, size_t count,
                   struct claims_layout *layout, enum settle_kind *kind_r, struct err *err);

/** Audit: the run is closed, as `state`, by the manifest of that number (0: none). */
int settle_closed(struct redis *redis, const struct keys *keys, const char *consumer, const char *id,
                  const char *run, const char *state, const char *manifest_path, const char *payload_sha256,
                  int64_t records_files, int64_t manifest, enum settle_kind *kind_r, struct err *err);

#endif

/**
 * push.h - what a producer does with Redis: the run that an input goes under, the mapping it names, its
 * batches. The batches themselves are made elsewhere (domain/ingest.h); here they are bytes.
 */
#ifndef QUEUE_PUSH_H
#define QUEUE_PUSH_H

#include "base/buf.h"
#include "queue/lanes.h"
#include "queue/redis.h"

#define PUSH_RUN_BYTES 65

/* What decides whether two pushes are of one input. */
struct push_input {
    const char *source_sha256;
    const char *mapping_sha256;
    const char *run;  /* the id wanted */
    bool is_named;    /* the operator gave it: another open run of this input is an error then */
    const char *head; /* what must be the same in every batch, as one line; kept with the record */
    int64_t keep_ms;  /* runs.keep */
    bool is_urgent;   /* the run passes all others (a run of one batch) */
};

enum push_begun {
    PUSH_NEW,     /* a new run */
    PUSH_RESUMED, /* the input's open run: go on with its head */
    PUSH_TAKEN,   /* the id wanted is another input's, or its run is over: what holds its state */
    PUSH_OPEN_AS, /* the input is open already, as run_r */
};

/**
 * Finds or makes the record of a push, before anything is published.
 *
 * @param run_r   out: the run to push under; PUSH_TAKEN: the state of the run that has the id
 * @param head    the head to use is appended (the one kept, where it is resumed)
 * @return 0; -1 with ERR_REDIS_*
 */
int push_begin(struct redis *redis, const struct keys *keys, const struct push_input *input,
               enum push_begun *begun_r, char run_r[PUSH_RUN_BYTES], struct buf *head, struct err *err);

/** Keeps a mapping under rules:SHA256. */
int push_rules(struct redis *redis, const struct keys *keys, const char *sha256, const char *text, size_t len,
               struct err *err);

/** The record that push_begin keeps: 1, its run and (appended) its head; 0 there is none; -1 with
 * ERR_REDIS_*. */
int push_record(struct redis *redis, const struct keys *keys, const char *source_sha256,
                const char *mapping_sha256, char run_r[PUSH_RUN_BYTES], struct buf *head, struct err *err);

/** Sets is_come[N - 1] for each batch N of the run that is registered or on its way to validate; is_come has
 * count elements. */
int push_come(struct redis *redis, const struct keys *keys, const char *run, bool *is_come, size_t count,
              struct err *err);

/** Messages that wait for validate, those in hand included, of all runs; and how many batches of this run are
 * registered. */
int push_backlog(struct redis *redis, const struct keys *keys, const char *run, int64_t *messages_r,
                 int64_t *come_r, struct err *err);

#define PUSH_STATE_BYTES 32

/** The run's state; "cancelled" as soon as it is to be, "" where none of its batches has come. */
int push_state(struct redis *redis, const struct keys *keys, const char *run, char state_r[PUSH_STATE_BYTES],
               struct err *err);

/**
 * Publishes one batch, onto ingest or, urgent, past it. ERR_REDIS_OOM: Redis is full, try again later.
 * ERR_REDIS_LOST: it may or may not stand there: publish it again, validate drops the second.
 */
int push_batch(struct redis *redis, const struct keys *keys, bool is_urgent, const char *batch, size_t len,
               struct err *err);

#endif

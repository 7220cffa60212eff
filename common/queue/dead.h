/**
 * dead.h - dead letters: reading them, and the one step in which one goes, back to work (replay) or for good
 * (drop). What a letter's device becomes before it is put back is the caller's: here it is a message's bytes.
 */
#ifndef QUEUE_DEAD_H
#define QUEUE_DEAD_H

#include "queue/keys.h"
#include "queue/redis.h"

#define DEAD_ID_BYTES 48 /* "18446744073709551615-18446744073709551615" and more */

/* Text is borrowed from the reply, valid during the call that got it. */
struct dead_letter {
    const char *stage;
    const char *id; /* of the stream entry, "1764000000000-0" */
    const char *run, *serial, *code, *text;
    int64_t row, seq, at_ms;
    const char *device; /* JSON; NULL: none */
    size_t device_len;
    const char *batch; /* of an ingest message that could not be read; NULL: none */
    size_t batch_len;
    const char *message; /* of one between stages that could not be read; NULL: none */
    size_t message_len;
};

/* NULL members take all. */
struct dead_filter {
    const char *run, *code, *id, *serial;
};

/** Called for each letter. 0: go on; 1: stop here; -1: stop with err. */
typedef int dead_each_fn(void *user, const struct dead_letter *letter, struct err *err);

/**
 * Calls fn for each letter of the stage that stood there at the begin and passes the filter, oldest first. fn
 * may remove letters. 0, or -1 with err (also fn's).
 */
int dead_each(struct redis *redis, const struct keys *keys, const char *stage,
              const struct dead_filter *filter, dead_each_fn *fn, void *user, struct err *err);

enum dead_answer {
    DEAD_REPLAYED,
    DEAD_GONE,       /* somebody else replayed or dropped it */
    DEAD_NO_RUN,     /* its run is not kept any more */
    DEAD_EARLY,      /* its outcome is not counted yet, or its run is being closed: ask again in a moment */
    DEAD_HELD,       /* another run (other_r) or row holds the serial */
    DEAD_LATER,      /* the serial is kept against late writes for wait_ms_r more */
    DEAD_SUPERSEDED, /* another run (other_r) has finished the serial since */
};

struct dead_replay {
    const char *stage, *id;
    const char *target;  /* stage whose stream it goes to */
    const char *message; /* of the one device */
    size_t message_len;
    bool is_forced; /* whoever holds the serial or has finished it since */
    bool is_dry;    /* only ask */
};

/** other_r[65]: a run, or "". -1 with ERR_REDIS_* (_OOM: refused while Redis is full). */
int dead_replay(struct redis *redis, const struct keys *keys, const struct dead_replay *replay,
                enum dead_answer *answer_r, char other_r[65], int64_t *wait_ms_r, struct err *err);

/** Removes it for good. 1; 0: there is no such letter; -1 err. */
int dead_drop(struct redis *redis, const struct keys *keys, const char *stage, const char *id,
              struct err *err);

#endif

/**
 * held.h - a message in hand: the bytes as they came, and what was read from them. Internal to the skeleton.
 */
#ifndef STAGE_HELD_H
#define STAGE_HELD_H

#include <stdbool.h>

#include "domain/ingest.h"
#include "domain/message.h"
#include "queue/limiter.h"
#include "queue/stream.h"

/* What is kept, for its dead letter, of an entry above INGEST_MAX_BYTES, which is HELD_BAD. */
#define HELD_SHOWN_BYTES (64 * 1024)

enum held_kind {
    HELD_DEVICES, /* message, or ingest for validate */
    HELD_CLOSE,   /* a closing message */
    HELD_NEWER,   /* a version that this worker does not know: put back with a delay */
    HELD_BAD,     /* malformed: a dead letter with `why` */
};

struct held {
    char id[STREAM_ID_MAX];
    char run[RUN_ID_MAX + 1];
    struct fence fence; /* points to id and run */
    char *raw;          /* malloc'd; the first HELD_SHOWN_BYTES alone of what is too large to be read */
    size_t raw_len;
    struct pool *pool; /* holds what was parsed */
    enum held_kind kind;
    struct message message;
    struct ingest ingest;
    char sha256[65]; /* ingest: of the entry, or of the whole batch where this is a half */
    int64_t deliveries;
    bool is_urgent; /* it came by the urgent lane */
    bool is_redelivered;
    bool is_lost; /* another's by now: nothing may be written for it */
    bool may_have_note;
    size_t counted; /* what it counts for in count:STAGE */
    struct err why;
};

/* Writes the SHA-256 of data as 64 hex digits and a NUL. */
typedef void held_digest(const void *data, size_t len, char *hex_r);

/**
 * Reads an entry; digest is NULL but for the ingest stream. Malformed or newer content is no error here (see
 * kind). NULL with err: no memory.
 */
struct held *held_new(const struct stream_entry *entry, held_digest *digest, bool is_redelivered,
                      struct err *err);
void held_free(struct held *held);

/** Devices that a handler gets: an ingest's rejected rows count too. */
size_t held_jobs(const struct held *held);
struct device *held_device(struct held *held, size_t index);

#endif

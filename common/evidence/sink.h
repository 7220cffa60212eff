/**
 * sink.h - where evidence is kept for good: an interface, and the table of what serves it, chosen by the
 * prefix of an entry of audit.sinks (DESIGN.md 8).
 *
 *     file:DIR   a folder: DIR/ORG/RUN/NAME, synced, read-only, never overwritten (sink_file.c)
 *
 * Putting is idempotent: the same bytes under a name that has them already are fine, other bytes are refused.
 * Nothing counts as kept before it was read back.
 */
#ifndef EVIDENCE_SINK_H
#define EVIDENCE_SINK_H

#include "base/buf.h"
#include "crypto/sha256.h"

struct sink;

/* Under which name something is kept. Each part has the form of a run id; borrowed. */
struct sink_place {
    const char *org, *run, *name;
};

/* What is to be kept: a file, or bytes. */
struct sink_content {
    const char *path; /* NULL: data[len] */
    const void *data;
    size_t len;
    const char *sha256; /* of the whole */
};

struct sink_ops {
    int (*put)(struct sink *sink, const struct sink_place *place, const struct sink_content *content,
               struct err *err);
    int (*look)(struct sink *sink, const struct sink_place *place, char sha256_r[SHA256_HEX],
                struct err *err);
    int (*read)(struct sink *sink, const struct sink_place *place, struct buf *out, struct err *err);
    int (*locate)(struct sink *sink, const struct sink_place *place, struct buf *out, struct err *err);
    void (*free)(struct sink *sink);
};

struct sink {
    const struct sink_ops *ops;
};

/** Opens what url names. -1 with ERR_SETTINGS (no such kind: the text names those there are), ERR_NOMEM. */
int sink_open(const char *url, struct sink **sink_r, struct err *err) __attribute__((nonnull(1, 2, 3)));
/** The kind behind "file:"; dir is absolute or relative to the working folder. Made when first needed. */
int sink_file_open(const char *dir, struct sink **sink_r, struct err *err) __attribute__((nonnull(1, 2, 3)));

static inline void sink_free(struct sink *sink)
{
    if (sink != NULL)
        sink->ops->free(sink);
}

/**
 * Keeps content under place. 0: it is there now, or was already with these bytes.
 * -1 with ERR_SINK (not writable now), ERR_SINK_EXISTS (other bytes are there), ERR_EVIDENCE (content is not
 * what content->sha256 says), ERR_RUN_ID (place is none).
 */
int sink_put(struct sink *sink, const struct sink_place *place, const struct sink_content *content,
             struct err *err) __attribute__((nonnull(1, 2, 3, 4)));
/** Reads back: 1 and its hash; 0 nothing of that name; -1 with ERR_SINK, ERR_RUN_ID. */
int sink_look(struct sink *sink, const struct sink_place *place, char sha256_r[SHA256_HEX], struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));
/** Reads back: 1 and appends the bytes to out; 0 nothing of that name; -1 with ERR_SINK, ERR_LIMIT,
 * ERR_RUN_ID. */
int sink_read(struct sink *sink, const struct sink_place *place, struct buf *out, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));
/** Appends the path or URL for people. */
int sink_locate(struct sink *sink, const struct sink_place *place, struct buf *out, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

#endif

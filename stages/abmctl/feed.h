/**
 * feed.h - what a push publishes, whatever it is read from: rows in their order, handed out as often as asked
 * and each time the same. A device file (device_file.h) is one, a plan (plan_feed.h) another.
 */
#ifndef ABMCTL_FEED_H
#define ABMCTL_FEED_H

#include "batcher.h"

struct feed_ops {
    int (*pass)(void *ctx, struct batcher *batcher, struct err *err);
    int (*check)(const void *ctx, struct err *err);
};

/* Everything is borrowed from whoever made it. */
struct feed {
    const struct feed_ops *ops;
    void *ctx;
    const char *path;           /* as given, for messages */
    const char *name;           /* for the run's id and its manifest */
    const char *sha256;         /* what tells it from others; "" before the first pass of a device file */
    const char *mapping_sha256; /* the mapping that was asked; NULL: none */
    const struct buf *mapping;  /* its text, where validate is to ask it too; NULL: it need not */
    const char *git_commit;     /* of what was reviewed; NULL: what the environment says */
    const char *plan_sha256;    /* NULL: no plan */
    int64_t plan_unchanged;     /* assignments that it leaves as they are */
    const char *approvers;      /* of that plan, as domain/approvers.h has them; NULL: nobody */
};

/** Hands all rows to the batcher, and ends its last batch. ERR_INPUT_*, ERR_FILE_*, what the batcher said. */
static inline int feed_pass(const struct feed *feed, struct batcher *batcher, struct err *err)
{
    return feed->ops->pass(feed->ctx, batcher, err);
}

/** Whether it is still what it was when it was opened. ERR_INPUT_CHANGED. */
static inline int feed_check(const struct feed *feed, struct err *err)
{
    return feed->ops->check(feed->ctx, err);
}

#endif

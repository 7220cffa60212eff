/**
 * batcher.h - rows in their order become batches of ingest, the same rows always the same batches: push makes
 * them twice, once to know how many there are, once to publish them. A batch holds at most `size` rows,
 * devices and rejected ones together, and never more than a message may.
 */
#ifndef ABMCTL_BATCHER_H
#define ABMCTL_BATCHER_H

#include "base/buf.h"
#include "base/pool.h"
#include "domain/ingest.h"

/* What may be used of INGEST_MAX_BYTES for rows; the rest is for what stands before them. */
#define BATCHER_ROW_BYTES (INGEST_MAX_BYTES - 16 * 1024)

/** Gets the finished batch, its JSON in text. -1 ends the batching. */
typedef int batcher_flush_fn(void *ctx, int64_t number, const struct buf *text, struct err *err);

struct batcher {
    struct ingest
        head;     /* what all batches say alike; batches is set by the caller where they are to be printed */
    int64_t size; /* rows of a batch, 1..INGEST_MAX_DEVICES */
    batcher_flush_fn *flush; /* NULL: only count */
    void *ctx;

    int64_t batches; /* made so far */
    int64_t rows;    /* in the batch under way */
    size_t bytes;    /* what they take */
    struct pool *pool;
    const struct device **devices;
    struct ingest_rejected *rejected;
    size_t device_count, rejected_count;
    struct buf scratch, text;
};

/** head is copied, what it points to borrowed. */
int batcher_init(struct batcher *batcher, const struct ingest *head, int64_t size, batcher_flush_fn *flush,
                 void *ctx, struct err *err);
void batcher_release(struct batcher *batcher);

/** Adds a row; its text is copied where it is kept. */
int batcher_device(struct batcher *batcher, const struct device *device, struct err *err);
int batcher_rejected(struct batcher *batcher, const struct ingest_rejected *rejected, struct err *err);
/** The last batch, where rows are left. */
int batcher_end(struct batcher *batcher, struct err *err);

#endif

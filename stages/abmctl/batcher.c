#include "batcher.h"

#include <string.h>

#define POOL_BYTES (8u * 1024 * 1024)

int batcher_init(struct batcher *batcher, const struct ingest *head, int64_t size, batcher_flush_fn *flush,
                 void *ctx, struct err *err)
{
    memset(batcher, 0, sizeof(*batcher));
    batcher->head = *head;
    batcher->size = size;
    batcher->flush = flush;
    batcher->ctx = ctx;
    buf_init(&batcher->scratch, 4u * INGEST_MAX_BYTES);
    buf_init(&batcher->text, INGEST_MAX_BYTES);
    batcher->pool = pool_new(POOL_BYTES);
    return batcher->pool != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "no memory");
}

void batcher_release(struct batcher *batcher)
{
    pool_free(batcher->pool);
    buf_release(&batcher->scratch);
    buf_release(&batcher->text);
}

static int flush(struct batcher *batcher, struct err *err)
{
    int rc = 0;

    batcher->batches++;
    if (batcher->flush != NULL) {
        batcher->head.batch = batcher->batches;
        batcher->head.rejected = batcher->rejected;
        batcher->head.rejected_count = batcher->rejected_count;
        buf_reset(&batcher->text);
        ingest_print(&batcher->text, &batcher->head, batcher->devices, batcher->device_count);
        rc = buf_check(&batcher->text, "the batch", err);
        if (rc == 0)
            rc = batcher->flush(batcher->ctx, batcher->batches, &batcher->text, err);
    }
    pool_reset(batcher->pool);
    batcher->devices = NULL;
    batcher->rejected = NULL;
    batcher->device_count = 0;
    batcher->rejected_count = 0;
    batcher->rows = 0;
    batcher->bytes = 0;
    return rc;
}

/* Room for one more row of so many bytes: a full batch goes first. */
static int make_room(struct batcher *batcher, size_t bytes, struct err *err)
{
    size_t size = (size_t)batcher->size;

    if (batcher->rows > 0 && (batcher->rows == batcher->size || batcher->bytes + bytes > BATCHER_ROW_BYTES) &&
        flush(batcher, err) != 0)
        return -1;
    batcher->rows++;
    batcher->bytes += bytes;
    if (batcher->flush == NULL || batcher->devices != NULL)
        return 0;
    batcher->devices = pool_array(batcher->pool, size, sizeof(batcher->devices[0]));
    batcher->rejected = pool_array(batcher->pool, size, sizeof(batcher->rejected[0]));
    if (batcher->devices == NULL || batcher->rejected == NULL)
        return pool_failed(batcher->pool, err);
    return 0;
}

/* The bytes that a row takes in a batch, by printing a batch of it alone; what it has too much is the same
 * for all. */
static int measure(struct batcher *batcher, const struct ingest *alone, const struct device *const *list,
                   size_t count, size_t *bytes_r, struct err *err)
{
    buf_reset(&batcher->scratch);
    ingest_print(&batcher->scratch, alone, list, count);
    *bytes_r = batcher->scratch.len;
    return buf_check(&batcher->scratch, "the row", err);
}

int batcher_device(struct batcher *batcher, const struct device *device, struct err *err)
{
    static const struct ingest alone;
    size_t bytes;

    if (measure(batcher, &alone, &device, 1, &bytes, err) != 0 || make_room(batcher, bytes, err) != 0)
        return -1;
    if (batcher->flush == NULL)
        return 0;
    batcher->devices[batcher->device_count] = device_clone(device, batcher->pool);
    if (batcher->devices[batcher->device_count] == NULL)
        return pool_failed(batcher->pool, err);
    batcher->device_count++;
    return 0;
}

int batcher_rejected(struct batcher *batcher, const struct ingest_rejected *rejected, struct err *err)
{
    struct ingest_rejected row = *rejected;
    struct ingest alone = { .rejected = &row, .rejected_count = 1 };
    size_t bytes;

    if (measure(batcher, &alone, NULL, 0, &bytes, err) != 0 || make_room(batcher, bytes, err) != 0)
        return -1;
    if (batcher->flush == NULL)
        return 0;
    row.serial = pool_strdup(batcher->pool, rejected->serial);
    row.code = pool_strdup(batcher->pool, rejected->code);
    row.text = pool_strdup(batcher->pool, rejected->text);
    if ((row.serial == NULL && rejected->serial != NULL) || row.code == NULL ||
        (row.text == NULL && rejected->text != NULL))
        return pool_failed(batcher->pool, err);
    batcher->rejected[batcher->rejected_count++] = row;
    return 0;
}

int batcher_end(struct batcher *batcher, struct err *err)
{
    return batcher->rows > 0 ? flush(batcher, err) : 0;
}

#include "domain/plan_inside.h"

void plan_writer_init(struct plan_writer *writer, const struct plan_head *head, const char *plan_sha256,
                      const struct plan_sink *sink)
{
    *writer = (struct plan_writer){ .head = head, .plan_sha256 = plan_sha256, .sink = *sink };
    buf_init(&writer->buf, PLAN_HEAD_BYTES);
}

void plan_writer_release(struct plan_writer *writer)
{
    buf_release(&writer->buf);
}

/* Hands out what stands in the buffer. */
static int flush(struct plan_writer *writer, bool is_hashed, struct err *err)
{
    struct buf *buf = &writer->buf;
    int rc = buf_check(buf, "the plan", err);

    if (rc == 0 && buf->len > 0)
        rc = writer->sink.put(writer->sink.ctx, buf->data, buf->len, is_hashed, err);
    buf_reset(buf);
    return rc;
}

/* Writes all pieces before `end` that are not written yet. */
static int put_pieces(struct plan_writer *writer, int end, struct err *err)
{
    if (writer->piece == 0 && plan_check_head(writer->head, NULL, err) != 0)
        return -1;
    for (; writer->piece < end; writer->piece++) {
        enum plan_piece piece = (enum plan_piece)writer->piece;

        plan_print_piece(&writer->buf, piece, writer->head, writer->plan_sha256);
        if (flush(writer, plan_piece_is_hashed(piece), err) != 0)
            return -1;
    }
    return 0;
}

int plan_writer_add(struct plan_writer *writer, enum plan_kind kind, const struct plan_entry *entry,
                    struct err *err)
{
    int pieces = plan_pieces_before(kind);
    int64_t row = writer->tally.rows + 1;

    if (kind >= PLAN_KINDS || writer->piece > pieces)
        return err_set(err, ERR_BUG, 0, "an entry of %s stands behind those of another list",
                       plan_kind_name(kind));
    if (plan_check_entry(kind, entry, err) != 0 || plan_tally_add(&writer->tally, kind, entry, err) != 0)
        return err_prefix(err, "%s[%lld]", plan_kind_name(kind), (long long)writer->tally.counts[kind]);
    if (put_pieces(writer, pieces, err) != 0)
        return -1;
    if (writer->tally.counts[kind] > 1)
        buf_add_char(&writer->buf, ',');
    plan_print_entry(&writer->buf, entry, row);
    return flush(writer, true, err);
}

int plan_writer_end(struct plan_writer *writer, struct err *err)
{
    if (plan_check_head(writer->head, &writer->tally, err) != 0)
        return -1;
    return put_pieces(writer, PLAN_PIECES, err);
}

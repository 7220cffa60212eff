/*
 * libcsv tells that a row has ended, not where. So it is given pieces that end wherever a row can: behind
 * each LF and each CR. Then the end of the piece is the end of the row.
 */
#include "domain/csv_rows.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "domain/input_inside.h"

#define MARK       "\xef\xbb\xbf"
#define MARK_BYTES 3

struct gathering {
    const struct input_source *source;
    char first[MARK_BYTES]; /* of the file: input_piece passes over a byte order mark */
    size_t first_len;
    const struct csv_rows_sink *sink;
    size_t max_bytes;
    struct buf held; /* a row with what is blank behind it, then what is not yet known to be a row */
    size_t row_len;  /* of the row in held; 0: none yet */
    size_t row_line; /* where it begins */
    int64_t row_number;
    size_t next_line;    /* where what is behind it begins */
    int64_t next_number; /* and its number */
    bool has_header, has_rows;
    bool has_fields; /* of the present row: a blank line has none */
    bool is_over;    /* the piece ended a line that is in no quotes */
    bool was_cr;     /* the line before ended with CR: an LF is of the same line */
};

static void on_field(void *text, size_t len, void *ctx)
{
    struct gathering *gathering = ctx;

    (void)text, (void)len;
    gathering->has_fields = true;
}

static void on_end(int ch, void *ctx)
{
    struct gathering *gathering = ctx;

    (void)ch;
    gathering->is_over = true;
}

static int fail_long(const struct gathering *gathering, int64_t number, size_t line, struct err *err)
{
    return err_set(err, ERR_LIMIT, 0,
                   "%s: row %lld (line %zu) has more than %zu bytes — is a quote not closed?",
                   gathering->source->name, (long long)number, line, gathering->max_bytes);
}

/* Hands out the row that is held, and lets what is behind it be the next. */
static int hand_out(struct gathering *gathering, struct err *err)
{
    struct csv_bytes row = { .row = gathering->row_number,
                             .line = gathering->row_line,
                             .bytes = gathering->held.data,
                             .len = gathering->row_len };
    size_t left = gathering->held.len - gathering->row_len;

    if (row.len == 0)
        return 0;
    if ((gathering->has_header ? gathering->sink->row : gathering->sink->header)(gathering->sink->ctx, &row,
                                                                                 err) != 0)
        return -1;
    gathering->has_rows = gathering->has_header;
    gathering->has_header = true;
    memmove(gathering->held.data, gathering->held.data + row.len, left);
    buf_truncate(&gathering->held, left);
    gathering->row_len = 0;
    return 0;
}

/* A line has ended that is in no quotes: a row's last, a blank one, or the LF of a CRLF. */
static int end_line(struct gathering *gathering, bool is_lf_of_cr, size_t line, struct err *err)
{
    if (gathering->has_fields) {
        if (hand_out(gathering, err) != 0)
            return -1;
        gathering->row_len = gathering->held.len; /* with what was blank between the header and it */
        gathering->row_number = gathering->next_number;
        gathering->row_line = gathering->next_line;
    } else if ((is_lf_of_cr && gathering->row_len + 1 == gathering->held.len) ||
               (gathering->has_header && gathering->row_len > 0)) {
        gathering->row_len = gathering->held.len;
        if (gathering->row_len > gathering->max_bytes)
            return fail_long(gathering, gathering->row_number, gathering->row_line, err);
    }
    gathering->next_number += !is_lf_of_cr;
    gathering->next_line = line + 1;
    gathering->has_fields = false;
    return 0;
}

static int feed(struct gathering *gathering, struct csv_parser *csv, const char *piece, size_t len,
                size_t line, struct err *err)
{
    char last = piece[len - 1];
    bool is_lf_of_cr;

    if (gathering->held.len - gathering->row_len + len > gathering->max_bytes)
        return fail_long(gathering, gathering->next_number, gathering->next_line, err);
    buf_add(&gathering->held, piece, len);
    if (buf_check(&gathering->held, "the row", err) != 0)
        return -1;
    gathering->is_over = false;
    if (csv_parse(csv, piece, len, on_field, on_end, gathering) != len)
        return err_set(err, csv_error(csv) == CSV_ENOMEM ? ERR_NOMEM : ERR_CSV_ROW, 0, "%s: row %lld: %s",
                       gathering->source->name, (long long)gathering->next_number,
                       csv_strerror(csv_error(csv)));
    if (csv->entry_pos > INPUT_FIELD_MAX)
        return fail_long(gathering, gathering->next_number, gathering->next_line, err);
    if (!gathering->is_over)
        return 0;
    /* The same as input_csv.c does, which numbers rows by it. */
    is_lf_of_cr = gathering->was_cr && last == '\n' && !gathering->has_fields;
    gathering->was_cr = last == '\r';
    return end_line(gathering, is_lf_of_cr, line, err);
}

/* A piece of up to one LF, divided behind each CR. */
static int feed_lines(struct gathering *gathering, struct csv_parser *csv, const char *piece, size_t len,
                      size_t line, struct err *err)
{
    while (len > 0) {
        const char *cr = memchr(piece, '\r', len);
        size_t part = cr != NULL ? (size_t)(cr - piece) + 1 : len;

        if (feed(gathering, csv, piece, part, line, err) != 0)
            return -1;
        piece += part;
        len -= part;
    }
    return 0;
}

static int read_noted(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct gathering *gathering = ctx;
    size_t room = MARK_BYTES - gathering->first_len;

    if (gathering->source->read(gathering->source->ctx, data, cap, got_r, err) != 0)
        return -1;
    if (room > *got_r)
        room = *got_r;
    if (room > 0)
        memcpy(gathering->first + gathering->first_len, data, room);
    gathering->first_len += room;
    return 0;
}

static int read_pieces(struct gathering *gathering, struct csv_parser *csv, struct input_bytes *bytes,
                       struct err *err)
{
    bool is_first = true;
    const char *piece;
    size_t len;
    int rc;

    while ((rc = input_piece(bytes, &piece, &len, err)) == 1) {
        /* The mark belongs to the header's bytes; libcsv is told nothing of it. */
        if (is_first && gathering->first_len == MARK_BYTES && memcmp(gathering->first, MARK, MARK_BYTES) == 0)
            buf_add(&gathering->held, MARK, MARK_BYTES);
        is_first = false;
        if (feed_lines(gathering, csv, piece, len, bytes->line, err) != 0)
            return -1;
    }
    return rc;
}

/* The last row may have no line's end; only here is an open quote an error (input_csv.c). */
static int finish(struct gathering *gathering, struct csv_parser *csv, size_t line, struct err *err)
{
    csv_set_opts(csv, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
    gathering->is_over = false;
    if (csv_fini(csv, on_field, on_end, gathering) != 0)
        return err_set(err, ERR_CSV_QUOTE, 0, "%s: row %lld (line %zu): a quote is opened and never closed",
                       gathering->source->name, (long long)gathering->next_number, gathering->next_line);
    if (gathering->has_fields && end_line(gathering, false, line, err) != 0)
        return -1;
    if (gathering->row_len > 0 && gathering->has_header)
        gathering->row_len = gathering->held.len; /* blanks without a line's end */
    if (hand_out(gathering, err) != 0)
        return -1;
    if (!gathering->has_rows)
        return err_set(err, ERR_INPUT_EMPTY, 0, "%s: the file is empty: it has no %s",
                       gathering->source->name, gathering->has_header ? "rows" : "header");
    return 0;
}

int csv_rows_read(const struct input_source *source, size_t max_bytes, const struct csv_rows_sink *sink,
                  struct err *err)
{
    struct gathering gathering = { .source = source, .sink = sink, .max_bytes = max_bytes };
    struct input_source noted = { .name = source->name, .read = read_noted, .ctx = &gathering };
    struct input_bytes *bytes = calloc(1, sizeof(*bytes));
    struct csv_parser csv;
    int rc;

    if (bytes == NULL || csv_init(&csv, CSV_REPALL_NL) != 0) {
        free(bytes);
        return err_set(err, ERR_NOMEM, 0, "%s: no memory to read it", source->name);
    }
    csv_set_blk_size(&csv, 4096);
    bytes->source = &noted;
    gathering.next_number = 1;
    gathering.next_line = 1;
    buf_init(&gathering.held, 3 * (size_t)CSV_ROWS_MAX);
    rc = read_pieces(&gathering, &csv, bytes, err);
    if (rc == 0)
        rc = finish(&gathering, &csv, bytes->line, err);
    csv_free(&csv);
    buf_release(&gathering.held);
    free(bytes);
    return rc;
}

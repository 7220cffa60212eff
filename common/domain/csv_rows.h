/**
 * csv_rows.h - the rows of a CSV file as the bytes that they are: where one ends is what input.h's reader
 * says (libcsv with the same options), so a quoted field with newlines is one row. Values are not looked at,
 * nor what the header names. Streamed, in the memory of one row.
 */
#ifndef DOMAIN_CSV_ROWS_H
#define DOMAIN_CSV_ROWS_H

#include "domain/input.h"

#define CSV_ROWS_MAX (4 * 1024 * 1024) /* the most that max_bytes may be */

/* One row, or the header. Header and rows one behind the other are the file, byte for byte. */
struct csv_bytes {
    int64_t row; /* as input.h numbers them: the header is 1 */
    size_t line; /* where it begins, from 1 */
    /*
     * From a byte order mark and blank lines before the header to its line's end; of a row with its line's
     * end, which the last may lack, and blank lines behind it (those behind the header stand before the first
     * row).
     */
    const char *bytes;
    size_t len;
};

struct csv_rows_sink {
    /** Called once with the header, then for each row. Borrowed for the call; -1 with err ends the reading.
     */
    int (*header)(void *ctx, const struct csv_bytes *header, struct err *err);
    int (*row)(void *ctx, const struct csv_bytes *row, struct err *err);
    void *ctx;
};

/**
 * Reads the whole source.
 *
 * @param max_bytes  of a row, 1 to CSV_ROWS_MAX
 *
 * -1 with ERR_LIMIT (a larger row or header, or a field over INPUT_FIELD_MAX: names row and line),
 * ERR_CSV_QUOTE (names the row whose quote is never closed), ERR_INPUT_EMPTY (no header, or no row: the text
 * says `empty`), ERR_ENCODING (NUL, UTF-16), ERR_NOMEM, and what source and sink said. Rows may have been
 * handed out before.
 */
int csv_rows_read(const struct input_source *source, size_t max_bytes, const struct csv_rows_sink *sink,
                  struct err *err) __attribute__((nonnull(1, 3, 4)));

#endif

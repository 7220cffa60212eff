/**
 * input.h - device files: CSV, YAML, JSON lines (DESIGN.md 6), streamed one device at a time in bounded
 * memory. No I/O of its own: the caller reads bytes and takes rows.
 *
 * A row that is wrong by itself (too few fields, no UTF-8, a nested value) comes to the sink without a device
 * and with its reason, and reading goes on. What makes the file unreadable (header, an open quote, NUL, YAML
 * that is none) ends it with an error. Values are not checked here: that is device_check (check.h).
 *
 * Row numbers:
 *   CSV         the header is row 1, the first device row 2, as a spreadsheet shows it: blank lines count, a
 * quoted field with newlines is one row YAML        the place in the list `devices`, from 1 JSON lines  the
 * object's place, from 1, blank lines left out
 *
 * CSV: RFC 4180 with comma; a byte order mark, CRLF, LF and CR are taken; blanks around an unquoted field go;
 * a quote inside an unquoted field stands for itself. Columns: serial and country (required), model,
 * order_number, asset_tag, in any order, named exactly; others become extra.NAME. A near miss of a known name
 * is an error: "column 'serialNumber' — did you mean 'serial'?". An empty value is an absent one.
 *
 * YAML and JSON lines: the same names as members; others become extra, numbers and booleans as their text;
 * null is absent. A near miss, a name twice or a nested value makes the row wrong.
 */
#ifndef DOMAIN_INPUT_H
#define DOMAIN_INPUT_H

#include "base/err.h"
#include "domain/device.h"

#define INPUT_FIELD_MAX   (1024 * 1024) /* bytes of one CSV field or YAML value */
#define INPUT_ROW_MAX     (1024 * 1024) /* bytes of one row's values, and of one JSON line */
#define INPUT_COLUMNS_MAX 256

enum input_format { INPUT_CSV, INPUT_YAML, INPUT_JSONL };

/** By the name's suffix: .csv, .yaml, .yml, .jsonl, .ndjson, case ignored. ERR_INPUT_FORMAT. */
int input_format_of(const char *path, enum input_format *format_r, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

struct input_source {
    const char *name; /* of the file, for messages */
    /** Up to cap bytes into data; *got_r 0: the end. -1 with err. */
    int (*read)(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err);
    void *ctx;
};

struct input_row {
    int64_t row;
    size_t line;                 /* where it begins, from 1 */
    const struct device *device; /* row, serial, country, ... set; NULL: the row is wrong */
    const char *serial; /* of a wrong row, as far as it could be read, at most DEVICE_SHOWN_MAX bytes; "" */
    enum err_code code; /* of a wrong row: ERR_ROW_FORMAT, ERR_ENCODING, ERR_FIELD_LENGTH */
    const char *text;   /* and what is wrong, in words */
};

struct input_sink {
    /** Everything in row is borrowed for the call. -1 with err ends the reading with that error. */
    int (*row)(void *ctx, const struct input_row *row, struct err *err);
    void *ctx;
};

/**
 * Reads the whole source.
 *
 * -1 with ERR_INPUT_EMPTY (no bytes, or no device: the text says `empty`), ERR_CSV_HEADER, ERR_CSV_QUOTE
 * (names the row whose quote is never closed), ERR_ENCODING (NUL, UTF-16: names the line), ERR_LIMIT (a field
 * over INPUT_FIELD_MAX: names the row), ERR_YAML, ERR_INPUT_FORMAT (YAML without `devices:`), ERR_NOMEM, and
 * what source and sink said. Rows may have been handed out before.
 */
int input_read(enum input_format format, const struct input_source *source, const struct input_sink *sink,
               struct err *err) __attribute__((nonnull(2, 3, 4)));

#endif

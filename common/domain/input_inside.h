/**
 * input_inside.h - the inside of input*.c: bytes in pieces, and a row that grows value by value.
 */
#ifndef DOMAIN_INPUT_INSIDE_H
#define DOMAIN_INPUT_INSIDE_H

#include "base/pool.h"
#include "domain/input.h"

/* --- bytes --- */

#define INPUT_CHUNK 65536

struct input_bytes {
    const struct input_source *source;
    size_t at, filled;
    size_t line; /* of the piece given last, from 1 */
    bool is_started, is_line_over;
    char chunk[INPUT_CHUNK];
};

/**
 * The next piece: up to and with the next newline, or less where the chunk ends. The byte order mark is
 * passed over. 1, 0 at the end, -1 with ERR_ENCODING (NUL, UTF-16) or the source's error.
 */
int input_piece(struct input_bytes *bytes, const char **piece_r, size_t *len_r, struct err *err);

/* --- columns --- */

/** What a column or member is. */
enum input_column { COLUMN_SERIAL, COLUMN_COUNTRY, COLUMN_MODEL, COLUMN_ORDER, COLUMN_TAG, COLUMN_EXTRA };

/** COLUMN_EXTRA where the name is none of the known. */
enum input_column input_column_of(const char *name);
/** The known name that is probably meant by one that is none; NULL. is_certain: written otherwise, no mere
 * typo. */
const char *input_column_meant(const char *name, bool *is_certain_r);

/* --- a row --- */

struct input_builder {
    const struct input_sink *sink;
    struct pool *pool; /* of the present row */
    struct device device;
    size_t extra_room, bytes, line;
    bool is_wrong, is_out_of_memory;
    unsigned seen; /* bit of each known column */
    enum err_code code;
    char text[512];
    int64_t count; /* rows handed out */
};

int input_builder_init(struct input_builder *builder, const struct input_sink *sink, struct err *err);
void input_builder_release(struct input_builder *builder);

void input_row_begin(struct input_builder *builder, int64_t row, size_t line);
/** The row is wrong; the first reason counts. */
void input_row_wrong(struct input_builder *builder, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** One value of len bytes, which need not be UTF-8 (then the row is wrong). An empty one is absent. */
void input_row_set(struct input_builder *builder, enum input_column column, const char *name,
                   const char *value, size_t len);
/** The same by a member's name: near misses and names that came before make the row wrong. */
void input_row_member(struct input_builder *builder, const char *name, const char *value, size_t len);
/** Hands the row to the sink. */
int input_row_end(struct input_builder *builder, struct err *err);

/* --- formats; each hands rows to builder --- */

int input_csv(const struct input_source *source, struct input_builder *builder, struct err *err);
int input_yaml(const struct input_source *source, struct input_builder *builder, struct err *err);
int input_jsonl(const struct input_source *source, struct input_builder *builder, struct err *err);

#endif

/* CSV through libcsv: fields and ends of rows come as callbacks while pieces of the file go in. */
#include <csv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "domain/input_inside.h"

struct column {
    enum input_column what;
    const char *name;
};

struct csv_state {
    const struct input_source *source;
    struct input_builder *builder;
    struct pool *pool; /* of the header */
    struct column columns[INPUT_COLUMNS_MAX];
    size_t column_count;
    bool has_header;

    int64_t row; /* the present one, from 1 */
    size_t line; /* where it began */
    size_t now;  /* line of the piece that is being read */
    size_t fields;
    bool is_begun, was_cr;

    struct err *err;
    bool is_failed;
};

static void fail(struct csv_state *state, int rc)
{
    if (rc != 0)
        state->is_failed = true;
}

/* --- the header --- */

static int fail_header(struct csv_state *state, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail_header(struct csv_state *state, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return err_set(state->err, ERR_CSV_HEADER, 0, "%s: line 1: %s", state->source->name, text);
}

static bool has_column(const struct csv_state *state, const char *name)
{
    for (size_t i = 0; i < state->column_count; i++)
        if (strcmp(state->columns[i].name, name) == 0)
            return true;
    return false;
}

static int add_column(struct csv_state *state, const char *text, size_t len)
{
    struct column *column = &state->columns[state->column_count];

    if (len == 0)
        return fail_header(state, "column %zu has no name", state->column_count + 1);
    if (state->column_count == INPUT_COLUMNS_MAX)
        return fail_header(state, "more than %d columns", INPUT_COLUMNS_MAX);
    if (len > DEVICE_EXTRA_MAX)
        return fail_header(state, "the name of column %zu has %zu bytes, at most %d", state->column_count + 1,
                           len, DEVICE_EXTRA_MAX);
    column->name = pool_strndup(state->pool, text, len);
    if (column->name == NULL)
        return pool_failed(state->pool, state->err);
    if (strchr(column->name, '\t') != NULL)
        return fail_header(state, "the columns are separated by tabs, wanted commas");
    if (!str_is_utf8(column->name, len) || str_has_control(column->name))
        return fail_header(state, "the name of column %zu is no plain UTF-8 text", state->column_count + 1);
    if (has_column(state, column->name))
        return fail_header(state, "column '%.64s' stands twice", column->name);
    column->what = input_column_of(column->name);
    state->column_count++;
    return 0;
}

/* A name that is nearly a known one. A mere typo counts only where the known one is not there itself. */
static int check_column(struct csv_state *state, const char *name)
{
    bool is_certain;
    const char *meant = input_column_meant(name, &is_certain);

    if (strncmp(name, "extra.", 6) == 0)
        return fail_header(state, "column '%.64s': write '%.64s', rules call it extra.%.64s", name, name + 6,
                           name + 6);
    if (meant == NULL || (!is_certain && has_column(state, meant)))
        return 0;
    return fail_header(state, "column '%.64s' — did you mean '%s'?", name, meant);
}

static int check_header(struct csv_state *state)
{
    static const char *const required[] = { "serial", "country" };

    if (state->column_count == 1 && strchr(state->columns[0].name, ';') != NULL)
        return fail_header(state, "'%.64s': the columns are separated by ';', wanted commas",
                           state->columns[0].name);
    for (size_t i = 0; i < state->column_count; i++)
        if (state->columns[i].what == COLUMN_EXTRA && check_column(state, state->columns[i].name) != 0)
            return -1;
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (!has_column(state, required[i]))
            return fail_header(state, "there is no column '%s'", required[i]);
    return 0;
}

/* --- what libcsv reports --- */

static int fail_long_field(struct csv_state *state)
{
    return err_set(state->err, ERR_LIMIT, 0,
                   "%s: row %lld (line %zu): a field of more than %d bytes — is a quote not closed?",
                   state->source->name, (long long)state->row, state->line, INPUT_FIELD_MAX);
}

static void on_field(void *text, size_t len, void *ctx)
{
    struct csv_state *state = ctx;

    if (state->is_failed)
        return;
    state->was_cr = false;
    if (len > INPUT_FIELD_MAX) {
        fail(state, fail_long_field(state));
        return;
    }
    if (!state->has_header) {
        fail(state, add_column(state, text, len));
        return;
    }
    if (!state->is_begun)
        input_row_begin(state->builder, state->row, state->line);
    state->is_begun = true;
    if (state->fields < state->column_count)
        input_row_set(state->builder, state->columns[state->fields].what, state->columns[state->fields].name,
                      text, len);
    state->fields++;
}

static void end_row(struct csv_state *state)
{
    if (state->fields != state->column_count)
        input_row_wrong(state->builder, ERR_ROW_FORMAT, "%zu fields, the header has %zu", state->fields,
                        state->column_count);
    fail(state, input_row_end(state->builder, state->err));
    state->is_begun = false;
    state->fields = 0;
}

/* ch is the character that ended the row, -1 at the end of the file. Every newline is reported, also of blank
 * lines. */
static void on_row(int ch, void *ctx)
{
    struct csv_state *state = ctx;

    if (state->is_failed)
        return;
    if (ch == '\n' && state->was_cr) {
        state->was_cr = false;
        state->line = state->now + 1;
        return;
    }
    state->was_cr = ch == '\r';
    if (!state->has_header && state->column_count > 0) {
        fail(state, check_header(state));
        state->has_header = true;
    } else if (state->is_begun) {
        end_row(state);
    }
    state->row++;
    state->line = state->now + 1;
}

/* --- the whole --- */

static int feed(struct csv_state *state, struct csv_parser *csv, struct input_bytes *bytes)
{
    const char *piece;
    size_t len;
    int rc;

    while ((rc = input_piece(bytes, &piece, &len, state->err)) == 1) {
        state->now = bytes->line;
        if (csv_parse(csv, piece, len, on_field, on_row, state) != len)
            return err_set(state->err, csv_error(csv) == CSV_ENOMEM ? ERR_NOMEM : ERR_CSV_ROW, 0,
                           "%s: row %lld: %s", state->source->name, (long long)state->row,
                           csv_strerror(csv_error(csv)));
        if (state->is_failed)
            return -1;
        if (csv->entry_pos > INPUT_FIELD_MAX)
            return fail_long_field(state);
    }
    return rc;
}

static int finish(struct csv_state *state, struct csv_parser *csv)
{
    /* Only now strict: an open quote is an error, a quote inside an unquoted field was none. */
    csv_set_opts(csv, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
    if (csv_fini(csv, on_field, on_row, state) != 0)
        return err_set(state->err, ERR_CSV_QUOTE, 0,
                       "%s: row %lld (line %zu): a quote is opened and never closed", state->source->name,
                       (long long)state->row, state->line);
    if (state->is_failed)
        return -1;
    if (!state->has_header)
        return err_set(state->err, ERR_INPUT_EMPTY, 0, "%s: the file is empty: it has no header",
                       state->source->name);
    return 0;
}

int input_csv(const struct input_source *source, struct input_builder *builder, struct err *err)
{
    struct csv_state *state = calloc(1, sizeof(*state));
    struct input_bytes *bytes = calloc(1, sizeof(*bytes));
    struct csv_parser csv;
    int rc = -1;

    if (state != NULL)
        state->pool = pool_new(INPUT_ROW_MAX);
    if (state == NULL || bytes == NULL || state->pool == NULL || csv_init(&csv, CSV_REPALL_NL) != 0) {
        err_set(err, ERR_NOMEM, 0, "%s: no memory to read it", source->name);
        goto out;
    }
    csv_set_blk_size(&csv, 4096);
    bytes->source = source;
    state->source = source;
    state->builder = builder;
    state->err = err;
    state->row = 1;
    state->line = 1;
    rc = feed(state, &csv, bytes);
    if (rc == 0)
        rc = finish(state, &csv);
    csv_free(&csv);
out:
    if (state != NULL)
        pool_free(state->pool);
    free(state);
    free(bytes);
    return rc;
}

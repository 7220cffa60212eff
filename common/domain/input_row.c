/* A row that grows value by value, and the names that its values may have. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "domain/input_inside.h"

#define ROW_POOL                                                                                             \
    (4 * 1024 * 1024) /* INPUT_ROW_MAX of values, lists that grew, and room for what a wrong row says */

/* --- names --- */

static const char *const known[] = {
    [COLUMN_SERIAL] = "serial",      [COLUMN_COUNTRY] = "country", [COLUMN_MODEL] = "model",
    [COLUMN_ORDER] = "order_number", [COLUMN_TAG] = "asset_tag",
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

/* Other ways to write them, without case, blanks and punctuation. */
static const struct {
    const char *written;
    enum input_column column;
} habits[] = {
    { "serial", COLUMN_SERIAL },       { "serialnumber", COLUMN_SERIAL }, { "serialno", COLUMN_SERIAL },
    { "serialnr", COLUMN_SERIAL },     { "serials", COLUMN_SERIAL },      { "country", COLUMN_COUNTRY },
    { "countrycode", COLUMN_COUNTRY }, { "model", COLUMN_MODEL },         { "modelname", COLUMN_MODEL },
    { "ordernumber", COLUMN_ORDER },   { "orderno", COLUMN_ORDER },       { "ordernr", COLUMN_ORDER },
    { "orderid", COLUMN_ORDER },       { "assettag", COLUMN_TAG },
};

enum input_column input_column_of(const char *name)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(known[i], name) == 0)
            return (enum input_column)i;
    return COLUMN_EXTRA;
}

const char *input_column_meant(const char *name, bool *is_certain_r)
{
    char plain[32];
    size_t len = 0;

    *is_certain_r = true;
    for (const char *at = name; *at != '\0' && len < sizeof(plain) - 1; at++) {
        if (*at >= 'A' && *at <= 'Z')
            plain[len++] = (char)(*at - 'A' + 'a');
        else if (strchr(" _-.", *at) == NULL)
            plain[len++] = *at;
    }
    plain[len] = '\0';
    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
        if (strcmp(habits[i].written, plain) == 0)
            return known[habits[i].column];
    *is_certain_r = false;
    return str_nearest(name, known, KNOWN);
}

/* --- the row --- */

int input_builder_init(struct input_builder *builder, const struct input_sink *sink, struct err *err)
{
    memset(builder, 0, sizeof(*builder));
    builder->sink = sink;
    builder->pool = pool_new(ROW_POOL);
    return builder->pool != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "no memory for the input");
}

void input_builder_release(struct input_builder *builder)
{
    pool_free(builder->pool);
}

void input_row_begin(struct input_builder *builder, int64_t row, size_t line)
{
    pool_reset(builder->pool);
    memset(&builder->device, 0, sizeof(builder->device));
    builder->device.row = row;
    builder->line = line;
    builder->extra_room = 0;
    builder->bytes = 0;
    builder->is_wrong = builder->is_out_of_memory = false;
    builder->seen = 0;
    builder->code = ERR_NONE;
}

void input_row_wrong(struct input_builder *builder, enum err_code code, const char *fmt, ...)
{
    va_list args;

    if (builder->is_wrong)
        return;
    builder->is_wrong = true;
    builder->code = code;
    va_start(args, fmt);
    vsnprintf(builder->text, sizeof(builder->text), fmt, args);
    va_end(args);
}

static void wrong_size(struct input_builder *builder)
{
    input_row_wrong(builder, ERR_FIELD_LENGTH, "the row has more than %d bytes", INPUT_ROW_MAX);
}

/* The pool gave nothing: a row that is too large, or a machine that is: the second is no fault of the row's.
 */
static void no_room(struct input_builder *builder)
{
    struct err why = ERR_INIT;

    (void)pool_failed(builder->pool, &why);
    if (why.code == ERR_NOMEM)
        builder->is_out_of_memory = true;
    else
        wrong_size(builder);
}

static void add_extra(struct input_builder *builder, const char *name, const char *value)
{
    struct device *device = &builder->device;
    const char *copy = pool_strdup(builder->pool, name);

    if (device->extra_count == builder->extra_room) {
        size_t room = builder->extra_room > 0 ? 2 * builder->extra_room : 8;
        struct device_extra *extra = pool_array(builder->pool, room, sizeof(*extra));

        if (extra == NULL) {
            no_room(builder);
            return;
        }
        if (device->extra_count > 0)
            memcpy(extra, device->extra, device->extra_count * sizeof(*extra));
        device->extra = extra;
        builder->extra_room = room;
    }
    if (copy == NULL) {
        no_room(builder);
        return;
    }
    device->extra[device->extra_count].name = copy;
    device->extra[device->extra_count++].value = value;
}

void input_row_set(struct input_builder *builder, enum input_column column, const char *name,
                   const char *value, size_t len)
{
    const char **into[] = {
        [COLUMN_SERIAL] = &builder->device.serial, [COLUMN_COUNTRY] = &builder->device.country,
        [COLUMN_MODEL] = &builder->device.model,   [COLUMN_ORDER] = &builder->device.order_number,
        [COLUMN_TAG] = &builder->device.asset_tag,
    };
    const char *copy;

    if (len == 0)
        return;
    builder->bytes += strlen(name) + len;
    if (builder->bytes > INPUT_ROW_MAX) {
        wrong_size(builder);
        return;
    }
    copy = pool_strndup(builder->pool, value, len);
    if (copy == NULL) {
        no_room(builder);
        return;
    }
    if (!str_is_utf8(copy, len)) {
        input_row_wrong(builder, ERR_ENCODING, "%.64s is no valid UTF-8", name);
        return;
    }
    if (column == COLUMN_EXTRA)
        add_extra(builder, name, copy);
    else
        *into[column] = copy;
}

static bool has_extra(const struct device *device, const char *name)
{
    for (size_t i = 0; i < device->extra_count; i++)
        if (strcmp(device->extra[i].name, name) == 0)
            return true;
    return false;
}

void input_row_member(struct input_builder *builder, const char *name, const char *value, size_t len)
{
    enum input_column column = input_column_of(name);
    bool is_certain;
    const char *meant = column == COLUMN_EXTRA ? input_column_meant(name, &is_certain) : NULL;

    if (strncmp(name, "extra.", 6) == 0)
        input_row_wrong(builder, ERR_ROW_FORMAT, "'%.64s': write '%.64s', rules call it extra.%.64s", name,
                        name + 6, name + 6);
    else if (meant != NULL && (is_certain || (builder->seen & (1u << input_column_of(meant))) == 0))
        input_row_wrong(builder, ERR_ROW_FORMAT, "'%.64s' — did you mean '%s'?", name, meant);
    else if (column == COLUMN_EXTRA ? has_extra(&builder->device, name)
                                    : (builder->seen & (1u << column)) != 0)
        input_row_wrong(builder, ERR_ROW_FORMAT, "'%.64s' stands twice", name);
    else if (builder->device.extra_count >= INPUT_COLUMNS_MAX)
        input_row_wrong(builder, ERR_ROW_FORMAT, "more than %d further members", INPUT_COLUMNS_MAX);
    if (column != COLUMN_EXTRA)
        builder->seen |= 1u << column;
    if (!builder->is_wrong || column == COLUMN_SERIAL)
        input_row_set(builder, column, name, value, len);
}

int input_row_end(struct input_builder *builder, struct err *err)
{
    struct input_row row = { .row = builder->device.row, .line = builder->line };

    if (builder->is_out_of_memory)
        return err_set(err, ERR_NOMEM, 0, "row %lld: no memory for it", (long long)builder->device.row);
    /* What a row lacks is the check's affair; to it, absent and empty are the same. */
    if (builder->device.serial == NULL)
        builder->device.serial = "";
    if (builder->device.country == NULL)
        builder->device.country = "";
    if (builder->is_wrong) {
        if (device_shorten(&builder->device, builder->pool, err) != 0)
            return -1;
        row.serial = builder->device.serial;
        row.code = builder->code;
        row.text = builder->text;
    } else {
        row.device = &builder->device;
    }
    builder->count++;
    return builder->sink->row(builder->sink->ctx, &row, err);
}

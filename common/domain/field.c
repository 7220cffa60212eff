#include "domain/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX  (INT64_C(1) << 53)
#define UNKNOWN_MAX (1024 * 1024)

int field_wrong(struct field_reader *reader, const char *name, const char *fmt, ...)
{
    const struct field_place *place = &reader->place;
    char what[256], index[24] = "";
    const char *dot = *place->path != '\0' && name != NULL ? "." : "";
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    if (place->index >= 0)
        snprintf(index, sizeof(index), "[%ld]", place->index);
    if (*place->path == '\0' && name == NULL)
        name = "the message";
    return err_set(reader->err, ERR_MSG_MALFORMED, 0, "%s%s%s%.64s: %s", place->path, index, dot,
                   name != NULL ? name : "", what);
}

int field_wrong_type(struct field_reader *reader, const char *name, const struct json *value,
                     const char *wanted)
{
    return field_wrong(reader, name, "%s, wanted %s", json_kind_name(json_kind(value)), wanted);
}

int field_read_text(struct field_reader *reader, const char *name, const struct json *value,
                    const char **text_r)
{
    const char *text = json_string(value);

    if (text == NULL)
        return field_wrong_type(reader, name, value, "a string");
    *text_r = pool_strdup(reader->pool, text);
    return *text_r != NULL ? 0 : pool_failed(reader->pool, reader->err);
}

int field_read_word(struct field_reader *reader, const char *name, const struct json *value, size_t max,
                    const char **text_r)
{
    if (json_kind(value) == JSON_NULL)
        return 0;
    if (field_read_text(reader, name, value, text_r) != 0)
        return -1;
    if (strlen(*text_r) > max)
        return field_wrong(reader, name, "%zu bytes, at most %zu", strlen(*text_r), max);
    return 0;
}

int field_read_int(struct field_reader *reader, const char *name, const struct json *value, int64_t min,
                   int64_t max, int64_t *number_r)
{
    int64_t number;

    if (json_kind(value) != JSON_NUMBER)
        return field_wrong_type(reader, name, value, "a number");
    if (!json_int(value, &number))
        return field_wrong(reader, name, "not a whole number below 2^53");
    if (number < min || number > max)
        return field_wrong(reader, name, "%lld, wanted %lld to %lld", (long long)number, (long long)min,
                           (long long)max);
    *number_r = number;
    return 0;
}

static int read_flag(struct field_reader *reader, const char *name, const struct json *value, bool *flag_r)
{
    if (!json_bool(value, flag_r))
        return field_wrong_type(reader, name, value, "true or false");
    return 0;
}

static int read_member(struct field_reader *reader, const struct field *field, const struct json *value,
                       void *object)
{
    char *at = (char *)object + field->at;
    int64_t number;

    if (field->read != NULL)
        return field->read(reader, field->name, value, object);
    if (json_kind(value) == JSON_NULL)
        return 0;
    switch (field->kind) {
    case FIELD_TEXT: return field_read_text(reader, field->name, value, (const char **)(void *)at);
    case FIELD_ROW: return field_read_int(reader, field->name, value, 1, NUMBER_MAX, (int64_t *)(void *)at);
    case FIELD_TIME: return field_read_int(reader, field->name, value, 0, NUMBER_MAX, (int64_t *)(void *)at);
    case FIELD_COUNT:
        if (field_read_int(reader, field->name, value, 0, FIELD_COUNT_MAX, &number) != 0)
            return -1;
        *(int *)(void *)at = (int)number;
        return 0;
    case FIELD_FLAG: return read_flag(reader, field->name, value, (bool *)(void *)at);
    case FIELD_OTHER: break;
    }
    return 0;
}

/* The row of name, looked for from *hint on and then from the start; NULL: none. *hint: the row behind it. */
static const struct field *find_row(const struct field *fields, size_t count, const char *name, size_t *hint)
{
    for (size_t n = 0, i = *hint; n < count; n++, i++) {
        if (i >= count)
            i = 0;
        if (fields[i].name[0] == name[0] && strcmp(fields[i].name, name) == 0) {
            *hint = i + 1;
            return &fields[i];
        }
    }
    return NULL;
}

static void keep_unknown(struct buf *kept, const char *name, const struct json *value)
{
    if (kept->len > 0)
        buf_add_char(kept, ',');
    json_quote(kept, name, strlen(name));
    buf_add_char(kept, ':');
    json_print(value, kept);
}

static int hand_over_unknown(struct field_reader *reader, struct buf *kept, const char **unknown_r)
{
    if (buf_check(kept, "the unknown members", reader->err) != 0)
        return -1;
    if (kept->len == 0)
        return 0;
    *unknown_r = pool_strndup(reader->pool, kept->data, kept->len);
    return *unknown_r != NULL ? 0 : pool_failed(reader->pool, reader->err);
}

int field_read(struct field_reader *reader, const struct field *fields, size_t count,
               const struct json *value, void *object, const char **unknown_r)
{
    struct buf kept;
    size_t hint = 0;
    int rc = -1;

    if (json_kind(value) != JSON_OBJECT)
        return field_wrong_type(reader, NULL, value, "an object");
    buf_init(&kept, UNKNOWN_MAX);
    for (const struct json *child = json_first(value); child != NULL; child = json_next(child)) {
        const char *name = json_name(child);
        const struct field *field = find_row(fields, count, name, &hint);

        if (field == NULL)
            keep_unknown(&kept, name, child);
        else if (read_member(reader, field, child, object) != 0)
            goto out;
    }
    rc = hand_over_unknown(reader, &kept, unknown_r);
out:
    buf_release(&kept);
    return rc;
}

static void print_text(struct buf *out, const struct field *field, const char *text)
{
    if (text == NULL)
        return;
    buf_add(out, field->label, field->label_len);
    json_quote(out, text, strlen(text));
}

static void print_number(struct buf *out, const struct field *field, int64_t number)
{
    if (number == 0)
        return;
    buf_add(out, field->label, field->label_len);
    buf_add_int(out, number);
}

static void print_flag(struct buf *out, const struct field *field, bool is_set)
{
    if (!is_set)
        return;
    buf_add(out, field->label, field->label_len);
    buf_add(out, "true", 4);
}

void field_print(struct buf *out, const struct field *fields, size_t count, const void *object,
                 const char *unknown)
{
    size_t start = out->len;

    for (const struct field *field = fields; field < fields + count; field++) {
        const char *at = (const char *)object + field->at;

        switch (field->kind) {
        case FIELD_TEXT: print_text(out, field, *(const char *const *)(const void *)at); break;
        case FIELD_ROW:
        case FIELD_TIME: print_number(out, field, *(const int64_t *)(const void *)at); break;
        case FIELD_COUNT: print_number(out, field, *(const int *)(const void *)at); break;
        case FIELD_FLAG: print_flag(out, field, *(const bool *)(const void *)at); break;
        case FIELD_OTHER: field->print(out, field, object); break;
        }
    }
    if (unknown != NULL) {
        buf_add_char(out, ',');
        buf_add_str(out, unknown);
    }
    if (out->len == start)
        buf_add_char(out, '{');
    else if (!out->is_failed)
        out->data[start] = '{'; /* in place of the first comma */
    buf_add_char(out, '}');
}

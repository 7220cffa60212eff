/* JSON lines: one object a line. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "domain/input_inside.h"

/* Sets the members of one object; a number or boolean as its text. */
static void set_members(struct input_builder *builder, const struct json *object, struct buf *text)
{
    for (const struct json *child = json_first(object); child != NULL; child = json_next(child)) {
        const char *name = json_name(child);

        switch (json_kind(child)) {
        case JSON_STRING:
            input_row_member(builder, name, json_string(child), strlen(json_string(child)));
            break;
        case JSON_NUMBER:
        case JSON_BOOL:
            buf_reset(text);
            json_print(child, text);
            input_row_member(builder, name, text->data, text->len);
            break;
        case JSON_NULL: input_row_member(builder, name, "", 0); break;
        default:
            input_row_wrong(builder, ERR_ROW_FORMAT, "'%.64s' is %s, wanted text", name,
                            json_kind_name(json_kind(child)));
            break;
        }
    }
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr(" \t\r\n", text[i]) == NULL)
            return false;
    return true;
}

/* One whole line; is_cut: there was more of it than fits. */
static int read_line(struct input_builder *builder, const struct buf *line, size_t number, bool is_cut,
                     struct buf *text, struct err *err)
{
    struct json *doc = NULL;
    struct err why = ERR_INIT;
    int rc;

    if (!is_cut && is_blank(line->data, line->len))
        return 0;
    input_row_begin(builder, builder->count + 1, number);
    if (is_cut) {
        input_row_wrong(builder, ERR_FIELD_LENGTH, "the line has more than %d bytes", INPUT_ROW_MAX);
        return input_row_end(builder, err);
    }
    if (json_parse(line->data, line->len, &doc, &why) != 0) {
        if (why.code == ERR_NOMEM)
            return err_set(err, ERR_NOMEM, 0, "%s", why.text);
        input_row_wrong(builder, ERR_ROW_FORMAT, "%.400s", why.text);
    } else if (json_kind(doc) != JSON_OBJECT) {
        input_row_wrong(builder, ERR_ROW_FORMAT, "%s, wanted an object", json_kind_name(json_kind(doc)));
    } else {
        set_members(builder, doc, text);
    }
    rc = input_row_end(builder, err);
    json_free(doc);
    return rc;
}

static int read_lines(struct input_bytes *bytes, struct input_builder *builder, struct buf *line,
                      struct buf *text, struct err *err)
{
    const char *piece;
    size_t len;
    bool is_cut = false;
    int rc;

    while ((rc = input_piece(bytes, &piece, &len, err)) == 1) {
        if (line->len + len > INPUT_ROW_MAX)
            is_cut = true;
        else
            buf_add(line, piece, len);
        if (line->is_out_of_memory)
            return buf_check(line, "a line", err);
        if (!bytes->is_line_over)
            continue;
        if (read_line(builder, line, bytes->line, is_cut, text, err) != 0)
            return -1;
        buf_reset(line);
        is_cut = false;
    }
    if (rc == 0 && (line->len > 0 || is_cut)) /* the last line needs no newline */
        rc = read_line(builder, line, bytes->line, is_cut, text, err);
    return rc;
}

int input_jsonl(const struct input_source *source, struct input_builder *builder, struct err *err)
{
    struct input_bytes *bytes = calloc(1, sizeof(*bytes));
    struct buf line, text;
    int rc;

    if (bytes == NULL)
        return err_set(err, ERR_NOMEM, 0, "%s: no memory to read it", source->name);
    bytes->source = source;
    buf_init(&line, INPUT_ROW_MAX);
    buf_init(&text, 64);
    rc = read_lines(bytes, builder, &line, &text, err);
    buf_release(&line);
    buf_release(&text);
    free(bytes);
    return rc;
}

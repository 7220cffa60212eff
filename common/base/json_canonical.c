#include "base/json_canonical.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/str.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* One character that does not stand as it is; the bytes of text that it took. */
static size_t put_special(struct buf *out, const char *text, size_t len)
{
    static const char named[] = "btn_fr"; /* U+0008 to U+000D; there is no \v */
    uint32_t point;
    size_t step = str_utf8_next(text, len, &point);

    if (step == 0 || point == 0) {
        buf_add(out, REPLACEMENT, sizeof(REPLACEMENT) - 1);
        return 1;
    }
    if (point == '"' || point == '\\') {
        buf_add_char(out, '\\');
        buf_add_char(out, (char)point);
    } else if (point >= 0x08 && point <= 0x0d && point != 0x0b) {
        buf_add_char(out, '\\');
        buf_add_char(out, named[point - 0x08]);
    } else if (point < 0x20) {
        buf_addf(out, "\\u%04x", (unsigned)point);
    } else {
        buf_add(out, text, step);
    }
    return step;
}

void json_canonical_string(struct buf *out, const char *text, size_t len)
{
    buf_add_char(out, '"');
    for (size_t at = 0; at < len;) {
        size_t run = json_plain_run(text + at, len - at);

        buf_add(out, text + at, run);
        at += run;
        if (at < len)
            at += put_special(out, text + at, len - at);
    }
    buf_add_char(out, '"');
}

/* The UTF-16 form of a character as a number that compares as its code units do. */
static uint32_t units_of(uint32_t point)
{
    if (point < 0x10000)
        return point << 16;
    point -= 0x10000;
    return (0xd800 + (point >> 10)) << 16 | (0xdc00 + (point & 0x3ff));
}

int json_canonical_compare(const char *a, const char *b)
{
    size_t a_left = strlen(a), b_left = strlen(b);

    while (a_left > 0 && b_left > 0) {
        uint32_t a_point = 0, b_point = 0;
        size_t a_step = str_utf8_next(a, a_left, &a_point), b_step = str_utf8_next(b, b_left, &b_point);

        if (a_step == 0 || b_step == 0) /* no text; the order of the bytes is an order, too */
            return strcmp(a, b);
        if (a_point != b_point)
            return units_of(a_point) < units_of(b_point) ? -1 : 1;
        a += a_step, a_left -= a_step;
        b += b_step, b_left -= b_step;
    }
    return (a_left > 0) - (b_left > 0);
}

static int put_value(const struct json *value, struct buf *out, struct err *err);

static int compare_members(const void *a, const void *b)
{
    return json_canonical_compare(json_name(*(const struct json *const *)a),
                                  json_name(*(const struct json *const *)b));
}

static int put_object(const struct json *object, struct buf *out, struct err *err)
{
    size_t count = json_count(object), at = 0;
    const struct json **members = malloc((count + 1) * sizeof(const struct json *));
    int rc = 0;

    if (members == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a JSON object");
    for (const struct json *child = json_first(object); child != NULL; child = json_next(child))
        members[at++] = child;
    qsort(members, count, sizeof(const struct json *), compare_members);
    buf_add_char(out, '{');
    for (size_t i = 0; i < count && rc == 0; i++) {
        const char *name = json_name(members[i]);

        if (i > 0)
            buf_add_char(out, ',');
        json_canonical_string(out, name, strlen(name));
        buf_add_char(out, ':');
        rc = put_value(members[i], out, err);
        if (rc != 0)
            err_prefix(err, "%.64s", name);
    }
    buf_add_char(out, '}');
    free(members);
    return rc;
}

static int put_array(const struct json *array, struct buf *out, struct err *err)
{
    size_t place = 0;

    buf_add_char(out, '[');
    for (const struct json *child = json_first(array); child != NULL; child = json_next(child), place++) {
        if (place > 0)
            buf_add_char(out, ',');
        if (put_value(child, out, err) != 0)
            return err_prefix(err, "[%zu]", place);
    }
    buf_add_char(out, ']');
    return 0;
}

/* Recursion is bounded: json_parse made the tree, of at most JSON_MAX_DEPTH levels. */
static int put_value(const struct json *value, struct buf *out, struct err *err)
{
    enum json_kind kind = json_kind(value);
    bool is_true = false;
    int64_t number;

    switch (kind) {
    case JSON_OBJECT: return put_object(value, out, err);
    case JSON_ARRAY: return put_array(value, out, err);
    case JSON_STRING: json_canonical_string(out, json_string(value), strlen(json_string(value))); return 0;
    case JSON_NUMBER:
        if (!json_int(value, &number))
            return err_set(err, ERR_JSON, 0, "a number that is no whole one within 2^53 - 1");
        buf_add_int(out, number);
        return 0;
    case JSON_BOOL:
        json_bool(value, &is_true);
        buf_add_str(out, is_true ? "true" : "false");
        return 0;
    case JSON_NULL:
    case JSON_ABSENT: break;
    }
    buf_add_str(out, "null");
    return 0;
}

int json_canonical(const struct json *value, struct buf *out, struct err *err)
{
    if (put_value(value, out, err) != 0)
        return -1;
    return buf_check(out, "the canonical JSON", err);
}

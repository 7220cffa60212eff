/* json_out.c - the writing half of json.h. On the path of every message: one reservation a member. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/str.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* One character that does not stand as it is; returns the bytes of text that it took. */
static size_t quote_special(struct buf *out, const char *text, size_t len)
{
    uint32_t point;
    size_t step = str_utf8_next(text, len, &point);

    if (step == 0 || point == 0) {
        /* the strict reader would refuse the whole for one bad byte, so it is not let out */
        buf_add(out, REPLACEMENT, sizeof(REPLACEMENT) - 1);
        return 1;
    }
    switch (point) {
    case '"': buf_add(out, "\\\"", 2); break;
    case '\\': buf_add(out, "\\\\", 2); break;
    case '\n': buf_add(out, "\\n", 2); break;
    case '\r': buf_add(out, "\\r", 2); break;
    case '\t': buf_add(out, "\\t", 2); break;
    default:
        if (point < 0x20)
            buf_addf(out, "\\u%04x", (unsigned)point);
        else
            buf_add(out, text, step);
        break;
    }
    return step;
}

/* A string of len bytes, the first plain of which are known to stand as they are. */
static void quote(struct buf *out, const char *text, size_t len, size_t plain)
{
    buf_add_char(out, '"');
    buf_add(out, text, plain);
    while (plain < len) {
        size_t run;

        plain += quote_special(out, text + plain, len - plain);
        run = json_plain_run(text + plain, len - plain);
        buf_add(out, text + plain, run);
        plain += run;
    }
    buf_add_char(out, '"');
}

void json_quote(struct buf *out, const char *text, size_t len)
{
    quote(out, text, len, json_plain_run(text, len));
}

void json_out_init(struct json_out *out, struct buf *buf)
{
    out->buf = buf;
    out->needs_comma = false;
}

/* The comma and the name, written in one piece where the name is plain, as all of ours are. */
static void put_name(struct json_out *out, const char *name)
{
    struct buf *buf = out->buf;
    size_t len, plain;
    char *at;

    if (name == NULL) {
        if (out->needs_comma)
            buf_add_char(buf, ',');
        out->needs_comma = true;
        return;
    }
    len = strlen(name);
    plain = json_plain_run(name, len);
    if (plain < len) {
        if (out->needs_comma)
            buf_add_char(buf, ',');
        quote(buf, name, len, plain);
        buf_add_char(buf, ':');
    } else if (buf_reserve(buf, len + 3 + out->needs_comma) == 0) {
        at = buf->data + buf->len;
        if (out->needs_comma)
            *at++ = ',';
        *at++ = '"';
        memcpy(at, name, len);
        at += len;
        *at++ = '"';
        *at++ = ':';
        *at = '\0';
        buf->len = (size_t)(at - buf->data);
    }
    out->needs_comma = true;
}

void json_begin(struct json_out *out, const char *name, char bracket)
{
    put_name(out, name);
    buf_add_char(out->buf, bracket);
    out->needs_comma = false;
}

void json_end(struct json_out *out, char bracket)
{
    buf_add_char(out->buf, bracket);
    out->needs_comma = true;
}

void json_add_string(struct json_out *out, const char *name, const char *text)
{
    struct buf *buf = out->buf;
    size_t len, plain;
    char *at;

    if (text == NULL) {
        json_add_null(out, name);
        return;
    }
    put_name(out, name);
    len = strlen(text);
    plain = json_plain_run(text, len);
    if (plain < len) {
        quote(buf, text, len, plain);
    } else if (buf_reserve(buf, len + 2) == 0) {
        at = buf->data + buf->len;
        *at++ = '"';
        memcpy(at, text, len);
        at += len;
        *at++ = '"';
        *at = '\0';
        buf->len += len + 2;
    }
}

void json_add_int(struct json_out *out, const char *name, int64_t number)
{
    put_name(out, name);
    buf_add_int(out->buf, number);
}

void json_add_bool(struct json_out *out, const char *name, bool is_true)
{
    put_name(out, name);
    buf_add_str(out->buf, is_true ? "true" : "false");
}

void json_add_null(struct json_out *out, const char *name)
{
    put_name(out, name);
    buf_add(out->buf, "null", 4);
}

void json_add_raw(struct json_out *out, const char *name, const char *raw, size_t len)
{
    put_name(out, name);
    buf_add(out->buf, raw, len);
}

static void print_number(const struct json *value, struct buf *out)
{
    char digits[32];
    double number = 0;
    int64_t whole;

    json_number(value, &number);
    if (json_int(value, &whole) && !(whole == 0 && signbit(number))) {
        buf_add_int(out, whole);
        return;
    }
    snprintf(digits, sizeof(digits), "%.15g", number);
    if (strtod(digits, NULL) != number) /* the shorter form where it reads back as the same */
        snprintf(digits, sizeof(digits), "%.17g", number);
    buf_add_str(out, digits);
}

/* Recursion is bounded: json_parse made the tree, of at most JSON_MAX_DEPTH levels. */
static void print_value(const struct json *value, struct buf *out)
{
    enum json_kind kind = json_kind(value);
    bool is_true = false;
    const char *text;

    switch (kind) {
    case JSON_STRING:
        text = json_string(value);
        json_quote(out, text, strlen(text));
        return;
    case JSON_NUMBER: print_number(value, out); return;
    case JSON_BOOL:
        json_bool(value, &is_true);
        buf_add_str(out, is_true ? "true" : "false");
        return;
    case JSON_NULL:
    case JSON_ABSENT: buf_add(out, "null", 4); return;
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    buf_add_char(out, kind == JSON_OBJECT ? '{' : '[');
    for (const struct json *child = json_first(value); child != NULL; child = json_next(child)) {
        if (child != json_first(value))
            buf_add_char(out, ',');
        if (kind == JSON_OBJECT) {
            json_quote(out, json_name(child), strlen(json_name(child)));
            buf_add_char(out, ':');
        }
        print_value(child, out);
    }
    buf_add_char(out, kind == JSON_OBJECT ? '}' : ']');
}

void json_print(const struct json *value, struct buf *out)
{
    print_value(value, out);
}

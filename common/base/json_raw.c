#include "base/json_raw.h"

#include <stdio.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/str.h"

/* All that follows walks over text that json_scan has taken: quotes and brackets are in pairs, and an escape
 * is whole. end is behind the value, where walking stops at the latest. */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

/* At the opening quote; behind the closing one. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"';)
        at += *at == '\\' ? 2 : 1;
    return at + 1;
}

static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0)
                return at;
            depth--;
            at++;
        } else if (depth == 0 && strchr(", \t\r\n", *at) != NULL) {
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0)
            return at;
    }
    return at;
}

int json_raw_open(const char *text, size_t len, struct json_raw *value_r, struct err *err)
{
    const char *at, *end = text + len;

    if (json_scan(text, len, err) != 0)
        return -1;
    at = skip_blanks(text, end);
    *value_r = (struct json_raw){ at, (size_t)(skip_value(at, end) - at) };
    return 0;
}

enum json_kind json_raw_kind(struct json_raw value)
{
    if (value.at == NULL)
        return JSON_ABSENT;
    switch (value.at[0]) {
    case '"': return JSON_STRING;
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case 'n': return JSON_NULL;
    case 't':
    case 'f': return JSON_BOOL;
    default: return JSON_NUMBER;
    }
}

static uint32_t hex4(const char *at)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];

        value = value * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t put_utf8(uint32_t point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xc0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xe0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 0x3f));
        to[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 0x3f));
    to[2] = (char)(0x80 | (point >> 6 & 0x3f));
    to[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* At the backslash: behind the escape, and what it says at *to_r, which moves on. */
static const char *take_escape(const char *at, char **to_r)
{
    static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    const char *letter;
    uint32_t point;

    if (at[1] != 'u') {
        letter = strchr(letters, at[1]);
        *(*to_r)++ = letter != NULL ? bytes[letter - letters] : at[1];
        return at + 2;
    }
    point = hex4(at + 2);
    at += 6;
    if (point >= 0xd800 && point <= 0xdbff) { /* its other half follows: json_scan has seen to it */
        point = 0x10000 + ((point - 0xd800) << 10) + (hex4(at + 2) - 0xdc00);
        at += 6;
    }
    *to_r += put_utf8(point, *to_r);
    return at;
}

size_t json_raw_text(struct json_raw string, char *to)
{
    const char *at, *end;
    char *first = to;

    if (json_raw_kind(string) != JSON_STRING)
        return 0;
    end = string.at + string.len - 1;
    for (at = string.at + 1; at < end;) {
        if (*at == '\\')
            at = take_escape(at, &to);
        else
            *to++ = *at++;
    }
    return (size_t)(to - first);
}

static bool is_name(struct json_raw written, const char *name)
{
    char text[6 * JSON_RAW_NAME_MAX + 2];
    size_t len = strlen(name);

    if (written.len > sizeof(text) || len > JSON_RAW_NAME_MAX)
        return false;
    return json_raw_text(written, text) == len && memcmp(text, name, len) == 0;
}

int json_raw_get(struct json_raw object, const char *name, struct json_raw *member_r)
{
    const char *at, *end = object.at + object.len;
    struct json_raw written, value;
    int found = 0;

    if (json_raw_kind(object) != JSON_OBJECT)
        return 0;
    for (at = skip_blanks(object.at + 1, end); *at == '"'; at = skip_blanks(*at == ',' ? at + 1 : at, end)) {
        written = (struct json_raw){ at, (size_t)(skip_string(at) - at) };
        at = skip_blanks(skip_blanks(at + written.len, end) + 1, end); /* behind the colon */
        value = (struct json_raw){ at, (size_t)(skip_value(at, end) - at) };
        at = skip_blanks(at + value.len, end);
        if (!is_name(written, name))
            continue;
        if (found)
            return -1;
        found = 1;
        *member_r = value;
    }
    return found;
}

struct json_raw json_raw_first(struct json_raw array)
{
    struct json_raw none = { NULL, 0 };
    const char *at, *end = array.at + array.len;

    if (json_raw_kind(array) != JSON_ARRAY)
        return none;
    at = skip_blanks(array.at + 1, end);
    return *at == ']' ? none : (struct json_raw){ at, (size_t)(skip_value(at, end) - at) };
}

bool json_raw_int(struct json_raw value, int64_t min, int64_t max, int64_t *number_r)
{
    char text[24];

    if (json_raw_kind(value) != JSON_NUMBER || value.len >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", (int)value.len, value.at);
    return str_to_int(text, min, max, number_r);
}

bool json_raw_is_true(struct json_raw value)
{
    return json_raw_kind(value) == JSON_BOOL && value.at[0] == 't';
}

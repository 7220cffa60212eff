#include "base/json_scan.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define NUMBER_MAX 63 /* cJSON reads a number through a buffer of that size */

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Where the text ends, and what was found wrong where. A take_ function gives the place behind what it took,
 * or NULL. */
struct scan {
    const char *end;
    const char *wrong; /* static text */
    const char *wrong_at;
};

/*
 * The bytes of the word that are < 0x20, a quote, a backslash or >= 0x80, each as its high bit. Exact up to
 * the lowest that is set: only such a byte lends a borrow to those above it.
 */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t quote = word ^ (EACH_BYTE * '"'), backslash = word ^ (EACH_BYTE * '\\');

    return (word | (word - EACH_BYTE * 0x20) | (quote - EACH_BYTE) | (backslash - EACH_BYTE)) & HIGH_BITS;
}

static inline const char *skip_plain(const char *at, const char *end)
{
    uint64_t word, special;

    for (; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        special = special_bytes(le64toh(word));
        if (special != 0)
            return at + __builtin_ctzll(special) / 8;
    }
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return at;
}

size_t json_plain_run(const char *text, size_t len)
{
    return (size_t)(skip_plain(text, text + len) - text);
}

static const char *wrong(struct scan *scan, const char *at, const char *what)
{
    scan->wrong = what;
    scan->wrong_at = at;
    return NULL;
}

static inline const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

/* '\0' is no character of JSON's own, so it serves for the end. */
static inline char peek(const char *at, const char *end)
{
    return at < end ? *at : '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The value of "\uXXXX", or -1 where that does not stand here. */
static int32_t escape_value(const char *at, const char *end)
{
    int32_t value = 0;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(at[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* At the backslash. */
static const char *take_escape(struct scan *scan, const char *at)
{
    int32_t unit, low;

    if (scan->end - at < 2)
        return wrong(scan, at, "the string does not end");
    if (at[1] != 'u') {
        if (at[1] == '\0' || strchr("\"\\/bfnrt", at[1]) == NULL)
            return wrong(scan, at, "an unknown escape");
        return at + 2;
    }
    unit = escape_value(at, scan->end);
    if (unit < 0)
        return wrong(scan, at, "\\u wants four hexadecimal digits");
    if (unit == 0)
        return wrong(scan, at, "\\u0000 is refused");
    if (unit < 0xd800 || unit > 0xdfff)
        return at + 6;
    low = escape_value(at + 6, scan->end);
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return wrong(scan, at, "half a surrogate pair");
    return at + 12;
}

/* At the opening quote. */
static const char *take_string(struct scan *scan, const char *at)
{
    const char *end = scan->end;
    uint32_t point;

    at++;
    for (;;) {
        size_t step;

        at = skip_plain(at, end);
        if (at == end)
            return wrong(scan, at, "the string does not end");
        if (*at == '"')
            return at + 1;
        if (*at == '\\') {
            at = take_escape(scan, at);
            if (at == NULL)
                return NULL;
            continue;
        }
        if ((unsigned char)*at < 0x20)
            return wrong(scan, at, "a control character in a string");
        step = str_utf8_next(at, (size_t)(end - at), &point);
        if (step == 0)
            return wrong(scan, at, "not UTF-8");
        at += step;
    }
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

static const char *take_digits(struct scan *scan, const char *at)
{
    if (!is_digit(peek(at, scan->end)))
        return wrong(scan, at, "a digit is missing in a number");
    while (at < scan->end && is_digit(*at))
        at++;
    return at;
}

static const char *take_number(struct scan *scan, const char *at)
{
    const char *first = at, *end = scan->end;

    if (peek(at, end) == '-')
        at++;
    at = peek(at, end) == '0' ? at + 1 : take_digits(scan, at);
    if (at != NULL && peek(at, end) == '.')
        at = take_digits(scan, at + 1);
    if (at != NULL && (peek(at, end) == 'e' || peek(at, end) == 'E')) {
        at++;
        if (peek(at, end) == '+' || peek(at, end) == '-')
            at++;
        at = take_digits(scan, at);
    }
    if (at != NULL && at - first > NUMBER_MAX)
        return wrong(scan, first, "a number of more than 63 characters");
    return at;
}

static const char *take_word(struct scan *scan, const char *at, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(scan->end - at) < len || memcmp(at, word, len) != 0)
        return wrong(scan, at, "a value was expected");
    return at + len;
}

static const char *take_scalar(struct scan *scan, const char *at)
{
    char c = peek(at, scan->end);

    if (c == '"')
        return take_string(scan, at);
    if (c == '-' || is_digit(c))
        return take_number(scan, at);
    switch (c) {
    case 't': return take_word(scan, at, "true");
    case 'f': return take_word(scan, at, "false");
    case 'n': return take_word(scan, at, "null");
    default: break;
    }
    return wrong(scan, at, at == scan->end ? "the text ends too early" : "a value was expected");
}

/* The name and its colon. */
static const char *take_name(struct scan *scan, const char *at)
{
    at = skip_blanks(at, scan->end);
    if (peek(at, scan->end) != '"')
        return wrong(scan, at, "a member's name was expected");
    at = take_string(scan, at);
    if (at == NULL)
        return NULL;
    at = skip_blanks(at, scan->end);
    return peek(at, scan->end) == ':' ? at + 1 : wrong(scan, at, "':' was expected");
}

/*
 * Behind a value: closes what ends here, and passes the comma and the next member's name. Another value
 * follows, unless *depth came to 0.
 */
static const char *take_separators(struct scan *scan, const char *at, uint64_t objects, unsigned *depth)
{
    while (*depth > 0) {
        bool is_object = (objects >> (*depth - 1) & 1) != 0;
        char c;

        at = skip_blanks(at, scan->end);
        c = peek(at, scan->end);
        if (c == ',')
            return is_object ? take_name(scan, at + 1) : at + 1;
        if (c != (is_object ? '}' : ']'))
            return wrong(scan, at, is_object ? "',' or '}' was expected" : "',' or ']' was expected");
        at++;
        (*depth)--;
    }
    return at;
}

static const char *take_document(struct scan *scan, const char *at)
{
    uint64_t objects = 0; /* bit n: the bracket at depth n + 1 is '{' */
    unsigned depth = 0;

    do {
        char bracket;

        at = skip_blanks(at, scan->end);
        bracket = peek(at, scan->end);
        if (bracket == '{' || bracket == '[') {
            if (depth == JSON_MAX_DEPTH)
                return wrong(scan, at, "nested too deep");
            objects = (objects & ~(UINT64_C(1) << depth)) | (uint64_t)(bracket == '{') << depth;
            depth++;
            at = skip_blanks(at + 1, scan->end);
            if (peek(at, scan->end) != (bracket == '{' ? '}' : ']')) {
                at = bracket == '{' ? take_name(scan, at) : at;
                continue;
            }
        } else {
            at = take_scalar(scan, at);
        }
        if (at != NULL)
            at = take_separators(scan, at, objects, &depth);
    } while (at != NULL && depth > 0);
    if (at == NULL)
        return NULL;
    at = skip_blanks(at, scan->end);
    return at == scan->end ? at : wrong(scan, at, "something stands behind the value");
}

int json_scan(const char *text, size_t len, struct err *err)
{
    struct scan scan = { .end = text + len };

    if (take_document(&scan, text) != NULL)
        return 0;
    return err_set(err, ERR_JSON, 0, "byte %zu: %s", (size_t)(scan.wrong_at - text), scan.wrong);
}

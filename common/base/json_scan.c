#include "base/json_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define NUMBER_MAX 63 /* cJSON reads a number through a buffer of that size */

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

struct scan {
    const char *text;
    size_t len, at;
    const char *wrong; /* static text; what stands at `at` */
};

/* True where some byte of the word is < 0x20, a quote, a backslash or >= 0x80. May be true for 0x7f too,
 * never false. */
static bool is_special_word(uint64_t word)
{
    uint64_t quote = word ^ (EACH_BYTE * '"'), backslash = word ^ (EACH_BYTE * '\\');

    return ((word | (word - EACH_BYTE * 0x20) | (quote - EACH_BYTE) | (backslash - EACH_BYTE)) & HIGH_BITS) !=
           0;
}

size_t json_plain_run(const char *text, size_t len)
{
    size_t at = 0;
    uint64_t word;

    for (; at + sizeof(word) <= len; at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        if (is_special_word(word))
            break;
    }
    for (; at < len; at++) {
        unsigned char c = (unsigned char)text[at];

        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return at;
}

static bool wrong(struct scan *scan, const char *what)
{
    scan->wrong = what;
    return false;
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->len) {
        char c = scan->text[scan->at];

        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return;
        scan->at++;
    }
}

static char peek(const struct scan *scan)
{
    return scan->at < scan->len ? scan->text[scan->at] : '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* At "\uXXXX": its four digits, or -1. Moves nothing. */
static int32_t escape_value(const struct scan *scan, size_t at)
{
    int32_t value = 0;

    if (scan->len - at < 6 || scan->text[at] != '\\' || scan->text[at + 1] != 'u')
        return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = hex_digit(scan->text[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool take_escape(struct scan *scan)
{
    int32_t unit, low;

    if (scan->len - scan->at < 2)
        return wrong(scan, "the string does not end");
    if (scan->text[scan->at + 1] != 'u') {
        if (scan->text[scan->at + 1] == '\0' || strchr("\"\\/bfnrt", scan->text[scan->at + 1]) == NULL)
            return wrong(scan, "an unknown escape");
        scan->at += 2;
        return true;
    }
    unit = escape_value(scan, scan->at);
    if (unit < 0)
        return wrong(scan, "\\u wants four hexadecimal digits");
    if (unit == 0)
        return wrong(scan, "\\u0000 is refused");
    if (unit >= 0xd800 && unit <= 0xdbff) {
        low = escape_value(scan, scan->at + 6);
        if (low < 0xdc00 || low > 0xdfff)
            return wrong(scan, "half a surrogate pair");
        scan->at += 6;
    } else if (unit >= 0xdc00 && unit <= 0xdfff) {
        return wrong(scan, "half a surrogate pair");
    }
    scan->at += 6;
    return true;
}

/* At the opening quote. */
static bool take_string(struct scan *scan)
{
    uint32_t point;

    for (scan->at++; scan->at < scan->len;) {
        size_t step;

        scan->at += json_plain_run(scan->text + scan->at, scan->len - scan->at);
        if (scan->at == scan->len)
            break;
        if (scan->text[scan->at] == '"') {
            scan->at++;
            return true;
        }
        if (scan->text[scan->at] == '\\') {
            if (!take_escape(scan))
                return false;
            continue;
        }
        if ((unsigned char)scan->text[scan->at] < 0x20)
            return wrong(scan, "a control character in a string");
        step = str_utf8_next(scan->text + scan->at, scan->len - scan->at, &point);
        if (step == 0)
            return wrong(scan, "not UTF-8");
        scan->at += step;
    }
    return wrong(scan, "the string does not end");
}

static bool take_digits(struct scan *scan)
{
    size_t first = scan->at;

    while (peek(scan) >= '0' && peek(scan) <= '9')
        scan->at++;
    return scan->at > first ? true : wrong(scan, "a digit is missing in a number");
}

static bool take_number(struct scan *scan)
{
    size_t first = scan->at;

    if (peek(scan) == '-')
        scan->at++;
    if (peek(scan) == '0')
        scan->at++;
    else if (!take_digits(scan))
        return false;
    if (peek(scan) == '.') {
        scan->at++;
        if (!take_digits(scan))
            return false;
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->at++;
        if (peek(scan) == '+' || peek(scan) == '-')
            scan->at++;
        if (!take_digits(scan))
            return false;
    }
    return scan->at - first <= NUMBER_MAX ? true : wrong(scan, "a number of more than 63 characters");
}

static bool take_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if (scan->len - scan->at < len || memcmp(scan->text + scan->at, word, len) != 0)
        return wrong(scan, "a value was expected");
    scan->at += len;
    return true;
}

static bool take_scalar(struct scan *scan)
{
    switch (peek(scan)) {
    case '"': return take_string(scan);
    case 't': return take_word(scan, "true");
    case 'f': return take_word(scan, "false");
    case 'n': return take_word(scan, "null");
    default: break;
    }
    if (scan->at == scan->len)
        return wrong(scan, "the text ends too early");
    if (peek(scan) != '-' && (peek(scan) < '0' || peek(scan) > '9'))
        return wrong(scan, "a value was expected");
    return take_number(scan);
}

/* The name and its colon. */
static bool take_name(struct scan *scan)
{
    skip_blanks(scan);
    if (peek(scan) != '"')
        return wrong(scan, "a member's name was expected");
    if (!take_string(scan))
        return false;
    skip_blanks(scan);
    if (peek(scan) != ':')
        return wrong(scan, "':' was expected");
    scan->at++;
    return true;
}

/*
 * Behind a value: closes what ends here, or passes the comma (and the next member's name). true: another
 * value follows, or the whole is done (*depth == 0).
 */
static bool take_separators(struct scan *scan, uint64_t objects, unsigned *depth)
{
    while (*depth > 0) {
        bool is_object = (objects >> (*depth - 1) & 1) != 0;

        skip_blanks(scan);
        if (peek(scan) == ',') {
            scan->at++;
            return is_object ? take_name(scan) : true;
        }
        if (peek(scan) != (is_object ? '}' : ']'))
            return wrong(scan, is_object ? "',' or '}' was expected" : "',' or ']' was expected");
        scan->at++;
        (*depth)--;
    }
    return true;
}

static bool take_document(struct scan *scan)
{
    uint64_t objects = 0; /* bit n: the bracket at depth n + 1 is '{' */
    unsigned depth = 0;

    do {
        char bracket;

        skip_blanks(scan);
        bracket = peek(scan);
        if (bracket == '{' || bracket == '[') {
            if (depth == JSON_MAX_DEPTH)
                return wrong(scan, "nested too deep");
            objects = (objects & ~(UINT64_C(1) << depth)) | (uint64_t)(bracket == '{') << depth;
            depth++;
            scan->at++;
            skip_blanks(scan);
            if (peek(scan) != (bracket == '{' ? '}' : ']')) {
                if (bracket == '{' && !take_name(scan))
                    return false;
                continue;
            }
        } else if (!take_scalar(scan)) {
            return false;
        }
        if (!take_separators(scan, objects, &depth))
            return false;
    } while (depth > 0);
    skip_blanks(scan);
    return scan->at == scan->len ? true : wrong(scan, "something stands behind the value");
}

int json_scan(const char *text, size_t len, struct err *err)
{
    struct scan scan = { .text = text, .len = len };

    if (take_document(&scan))
        return 0;
    return err_set(err, ERR_JSON, 0, "byte %zu: %s", scan.at, scan.wrong);
}

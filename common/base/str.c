#include "base/str.h"

#include <ctype.h>
#include <string.h>

#define DISTANCE_MAX_LEN 64

bool str_eq(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t text_len = strlen(text), len = strlen(suffix);

    return text_len >= len && memcmp(text + text_len - len, suffix, len) == 0;
}

bool str_to_int(const char *text, int64_t min, int64_t max, int64_t *number_r)
{
    bool is_negative = *text == '-';
    uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t rest = 0;
    int64_t number;

    if (is_negative)
        text++;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        uint64_t digit = (uint64_t)(unsigned char)*text - '0';

        if (digit > 9 || rest > (limit - digit) / 10)
            return false;
        rest = rest * 10 + digit;
    }
    number = is_negative ? (int64_t)(0 - rest) : (int64_t)rest;
    if (number < min || number > max)
        return false;
    *number_r = number;
    return true;
}

bool str_to_duration_ms(const char *text, int64_t *ms_r)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    size_t digits = strspn(text, "0123456789");
    char number[20];
    int64_t count;

    if (digits == 0 || digits >= sizeof(number))
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!str_to_int(number, 0, INT64_MAX, &count))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text + digits, units[i].unit) != 0)
            continue;
        return !__builtin_mul_overflow(count, units[i].ms, ms_r);
    }
    return false;
}

size_t str_utf8_next(const char *text, size_t len, uint32_t *point_r)
{
    const unsigned char *byte = (const unsigned char *)text;
    uint32_t point, least;
    size_t more;

    if (len == 0)
        return 0;
    if (byte[0] < 0x80) {
        *point_r = byte[0];
        return 1;
    }
    if (byte[0] >= 0xc2 && byte[0] <= 0xdf) {
        more = 1;
        least = 0x80;
        point = byte[0] & 0x1f;
    } else if ((byte[0] & 0xf0) == 0xe0) {
        more = 2;
        least = 0x800;
        point = byte[0] & 0x0f;
    } else if (byte[0] >= 0xf0 && byte[0] <= 0xf4) {
        more = 3;
        least = 0x10000;
        point = byte[0] & 0x07;
    } else {
        return 0;
    }
    if (len <= more)
        return 0;
    for (size_t i = 1; i <= more; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (byte[i] & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *point_r = point;
    return more + 1;
}

bool str_is_utf8(const char *text, size_t len)
{
    uint32_t point;

    for (size_t at = 0, step; at < len; at += step) {
        step = str_utf8_next(text + at, len - at, &point);
        if (step == 0 || point == 0)
            return false;
    }
    return true;
}

bool str_has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

/* What would move the cursor, break the line or turn the writing direction of a terminal. */
static bool is_hostile(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c || point == 0x200e ||
           point == 0x200f || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

void str_escape(struct buf *out, const char *text, size_t len, size_t max_bytes)
{
    bool is_cut = len > max_bytes;
    size_t plain = 0; /* bytes before at that are not appended yet */
    size_t at = 0;
    uint32_t point;

    if (is_cut) {
        len = max_bytes;
        /* never in the middle of a character */
        while (len > 0 && max_bytes - len < 3 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    while (at < len) {
        size_t step = str_utf8_next(text + at, len - at, &point);

        if (step > 0 && !is_hostile(point)) {
            at += step;
            plain += step;
            continue;
        }
        buf_add(out, text + at - plain, plain);
        plain = 0;
        if (step <= 1)
            buf_addf(out, "\\x%02x", (unsigned)(unsigned char)text[at]);
        else
            buf_addf(out, "\\u{%04x}", (unsigned)point);
        at += step > 0 ? step : 1;
    }
    buf_add(out, text + at - plain, plain);
    if (is_cut)
        buf_add_str(out, "...");
}

static unsigned char fold(char c)
{
    return c == '-' ? '_' : (unsigned char)tolower((unsigned char)c);
}

unsigned str_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    unsigned rows[3][DISTANCE_MAX_LEN + 1]; /* this row and the two above it */

    if (a_len > DISTANCE_MAX_LEN || b_len > DISTANCE_MAX_LEN)
        return (unsigned)DISTANCE_MAX_LEN + 1;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned least = (above[j] < row[j - 1] ? above[j] : row[j - 1]) + 1;
            unsigned replaced = above[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));

            row[j] = replaced < least ? replaced : least;
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]) &&
                two_above[j - 2] + 1 < row[j])
                row[j] = two_above[j - 2] + 1; /* two neighbours swapped: the commonest slip */
        }
    }
    return rows[a_len % 3][b_len];
}

const char *str_nearest(const char *text, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    unsigned best = 3;

    for (size_t i = 0; i < count; i++) {
        unsigned most = strlen(names[i]) <= 4 ? 1 : 2;
        unsigned distance = str_distance(text, names[i]);

        if (distance <= most && distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

void str_hex(const void *bytes, size_t len, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[byte[i] >> 4];
        hex[2 * i + 1] = digits[byte[i] & 0x0f];
    }
    hex[2 * len] = '\0';
}

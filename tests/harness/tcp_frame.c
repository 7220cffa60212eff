#include "harness/tcp_frame.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define NUMBER_MAX (1L << 40)

/* Behind the line that begins at `at`; 0: its end has not come. */
static size_t behind_line(const char *data, size_t len, size_t at)
{
    const char *end = at < len ? memchr(data + at, '\n', len - at) : NULL;

    return end != NULL ? (size_t)(end - data) + 1 : 0;
}

/* The whole number that begins at data[at], as far as the bytes reach, which no NUL ends; 0 where there is
 * none. */
static long number_at(const char *data, size_t len, size_t at, int base)
{
    static const char digits[] = "0123456789abcdef";
    bool is_negative = at < len && data[at] == '-';
    long number = 0;

    for (at += is_negative; at < len && number < NUMBER_MAX; at++) {
        const char *digit = memchr(digits, tolower((unsigned char)data[at]), (size_t)base);

        if (digit == NULL)
            break;
        number = number * base + (digit - digits);
    }
    return is_negative ? -number : number;
}

/* Source: the Redis serialization protocol, RESP2. */
static size_t resp_frame(const char *data, size_t len)
{
    size_t at = 0;

    for (long values = 1; values > 0; values--) {
        size_t line = behind_line(data, len, at);
        long number;

        if (line == 0)
            return 0;
        number = number_at(data, line, at + 1, 10);
        switch (data[at]) {
        case '*': values += number > 0 ? number : 0; break;
        case '$': line += number >= 0 ? (size_t)number + 2 : 0; break;
        case '+':
        case '-':
        case ':': break;
        default: return len;
        }
        if (line > len)
            return 0;
        at = line;
    }
    return at;
}

/* The value of a header of data[0..end), as a number; -1: there is none. Names a word that is asked for: 1.
 */
static long header(const char *data, size_t end, const char *name, const char *word)
{
    size_t size = strlen(name);

    for (size_t at = behind_line(data, end, 0); at > 0 && at < end; at = behind_line(data, end, at)) {
        const char *value = data + at + size;

        if (at + size >= end || strncasecmp(data + at, name, size) != 0)
            continue;
        while (value < data + end && *value == ' ')
            value++;
        if (word != NULL)
            return strlen(word) <= (size_t)(data + end - value) &&
                   strncasecmp(value, word, strlen(word)) == 0;
        return number_at(data, end, (size_t)(value - data), 10);
    }
    return -1;
}

static size_t behind_chunks(const char *data, size_t len, size_t at)
{
    for (;;) {
        size_t line = behind_line(data, len, at);
        size_t size;

        if (line == 0)
            return 0;
        size = (size_t)number_at(data, line, at, 16);
        at = line + size + 2;
        if (at > len)
            return 0;
        if (size == 0)
            return at;
    }
}

static size_t http_frame(const char *data, size_t len)
{
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    size_t head;
    long body;

    if (end == NULL)
        return 0;
    head = (size_t)(end - data) + 4;
    if (header(data, head, "Transfer-Encoding:", "chunked") == 1)
        return behind_chunks(data, len, head);
    body = header(data, head, "Content-Length:", NULL);
    if (body > 0)
        head += (size_t)body;
    return head <= len ? head : 0;
}

size_t tcp_frame(enum tcp_protocol protocol, const char *data, size_t len)
{
    switch (protocol) {
    case TCP_RESP: return resp_frame(data, len);
    case TCP_HTTP: return http_frame(data, len);
    case TCP_BYTES: break;
    }
    return len;
}

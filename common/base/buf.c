#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char empty[1];

void buf_init(struct buf *buf, size_t max_bytes)
{
    memset(buf, 0, sizeof(*buf));
    buf->data = empty;
    buf->max_bytes = max_bytes;
}

void buf_release(struct buf *buf)
{
    if (buf->data != empty)
        free(buf->data);
    buf_init(buf, buf->max_bytes);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->is_failed = false;
    buf->is_out_of_memory = false;
    if (buf->cap > 0)
        buf->data[0] = '\0';
}

char *buf_detach(struct buf *buf)
{
    char *data = buf->cap > 0 ? buf->data : calloc(1, 1);

    buf_init(buf, buf->max_bytes);
    return data;
}

static int fail(struct buf *buf, bool is_out_of_memory)
{
    buf->is_failed = true;
    buf->is_out_of_memory = is_out_of_memory;
    return -1;
}

int buf_reserve(struct buf *buf, size_t extra)
{
    size_t need, cap;
    char *data;

    if (buf->is_failed)
        return -1;
    if (extra > buf->max_bytes - buf->len)
        return fail(buf, false);
    if (extra >= SIZE_MAX / 2 - buf->len) /* a limit of SIZE_MAX does not make it addressable */
        return fail(buf, true);
    need = buf->len + extra + 1; /* and the NUL */
    if (need <= buf->cap)
        return 0;
    cap = buf->cap > 0 ? buf->cap : 64;
    while (cap < need)
        cap += cap / 2 + 1;
    if (cap - 1 > buf->max_bytes)
        cap = buf->max_bytes + 1;
    data = realloc(buf->cap > 0 ? buf->data : NULL, cap);
    if (data == NULL)
        return fail(buf, true);
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int buf_add(struct buf *buf, const void *data, size_t len)
{
    if (buf_reserve(buf, len) != 0)
        return -1;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int buf_add_str(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

int buf_add_char(struct buf *buf, char c)
{
    return buf_add(buf, &c, 1);
}

int buf_add_int(struct buf *buf, int64_t number)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        *--at = '-';
    return buf_add(buf, at, (size_t)(digits + sizeof(digits) - at));
}

int buf_addf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        return fail(buf, true);
    if (buf_reserve(buf, (size_t)len) != 0)
        return -1;
    va_start(args, fmt);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
    return 0;
}

void buf_truncate(struct buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->data[len] = '\0';
}

int buf_check(const struct buf *buf, const char *what, struct err *err)
{
    if (!buf->is_failed)
        return 0;
    if (buf->is_out_of_memory)
        return err_set(err, ERR_NOMEM, 0, "%s: no memory for it", what);
    return err_set(err, ERR_LIMIT, 0, "%s is larger than %zu bytes", what, buf->max_bytes);
}

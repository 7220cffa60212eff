#include "evidence/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/record.h"

#define FIRST_BYTES ((size_t)16 * 1024)

static int open_file(const char *path, int *fd_r, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a pipe must not hold us up */

    if (fd < 0) {
        int sys = errno;

        if (sys == ELOOP)
            return err_set(err, ERR_IO, 0, "cannot read %s: no regular file", path);
        return err_set(err,
                       sys == ENOENT || sys == ENOTDIR ? ERR_FILE_MISSING
                       : sys == EACCES || sys == EPERM ? ERR_FILE_DENIED
                                                       : ERR_IO,
                       sys, "cannot read %s", path);
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, ERR_IO, 0, "cannot read %s: no regular file", path);
    }
    *fd_r = fd;
    return 0;
}

int lines_open(struct lines *lines, const char *path, struct err *err)
{
    memset(lines, 0, sizeof(*lines));
    if (open_file(path, &lines->fd, err) != 0)
        return -1;
    lines->cap = FIRST_BYTES;
    lines->data = malloc(lines->cap);
    if (lines->data == NULL) {
        close(lines->fd);
        return err_set(err, ERR_NOMEM, 0, "no memory to read %s", path);
    }
    sha256_init(&lines->sha);
    return 0;
}

void lines_close(struct lines *lines)
{
    if (lines->data == NULL)
        return;
    close(lines->fd);
    free(lines->data);
    lines->data = NULL;
}

/* Room for more behind what is not handed out yet. */
static int make_room(struct lines *lines, struct err *err)
{
    char *data;

    if (lines->from > 0) {
        memmove(lines->data, lines->data + lines->from, lines->to - lines->from);
        lines->to -= lines->from;
        lines->from = 0;
    }
    if (lines->to < lines->cap)
        return 0;
    if (lines->cap > RECORD_LINE_MAX)
        return err_set(err, ERR_EVIDENCE, 0, "line %lld is longer than %d bytes", (long long)lines->count + 1,
                       RECORD_LINE_MAX);
    data = realloc(lines->data, lines->cap * 2);
    if (data == NULL) {
        err_set(err, ERR_NOMEM, 0, "no memory for a line");
        return -1; /* spelled out for the analyzer, which cannot see what err_set returns */
    }
    lines->data = data;
    lines->cap *= 2;
    return 0;
}

static int fill(struct lines *lines, struct err *err)
{
    ssize_t got;

    if (make_room(lines, err) != 0)
        return -1;
    do
        got = read(lines->fd, lines->data + lines->to, lines->cap - lines->to);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set(err, ERR_IO, errno, "cannot read on after line %lld", (long long)lines->count);
    sha256_add(&lines->sha, lines->data + lines->to, (size_t)got);
    lines->to += (size_t)got;
    lines->is_at_end = got == 0;
    return 0;
}

int lines_next(struct lines *lines, const char **line_r, size_t *len_r, struct err *err)
{
    size_t seen = 0; /* bytes known to hold no newline */

    for (;;) {
        const char *from = lines->data + lines->from;
        size_t len = lines->to - lines->from;
        const char *newline = len > seen ? memchr(from + seen, '\n', len - seen) : NULL;

        if (newline != NULL) {
            *line_r = from;
            *len_r = (size_t)(newline - from);
            lines->from += *len_r + 1;
            lines->count++;
            return 1;
        }
        if (lines->is_at_end)
            return len == 0
                       ? 0
                       : err_set(err, ERR_EVIDENCE, 0, "line %lld is cut short", (long long)lines->count + 1);
        seen = len;
        if (fill(lines, err) != 0)
            return -1;
    }
}

void lines_sha256(struct lines *lines, char hex_r[SHA256_HEX])
{
    sha256_end_hex(&lines->sha, hex_r);
}

int file_sha256(const char *path, char hex_r[SHA256_HEX], struct err *err)
{
    char chunk[32 * 1024];
    struct sha256 sha;
    int fd;

    if (open_file(path, &fd, err) != 0)
        return -1;
    sha256_init(&sha);
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_set(err, ERR_IO, errno, "cannot read %s", path);
            close(fd);
            return -1;
        }
        if (got == 0)
            break;
        sha256_add(&sha, chunk, (size_t)got);
    }
    close(fd);
    sha256_end_hex(&sha, hex_r);
    return 0;
}

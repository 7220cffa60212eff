/**
 * lines.h - a file of records read line by line in bounded memory, hashed and counted on the way, so that
 * what was used and what was hashed are the same bytes.
 */
#ifndef EVIDENCE_LINES_H
#define EVIDENCE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/sha256.h"

struct lines {
    int fd;
    char *data;
    size_t cap, from, to; /* data[from..to) is read and not handed out yet */
    bool is_at_end;
    int64_t count; /* lines handed out */
    struct sha256 sha;
};

/** -1 with ERR_FILE_MISSING, ERR_FILE_DENIED, ERR_IO, ERR_NOMEM; nothing to close then. Only regular files.
 */
int lines_open(struct lines *lines, const char *path, struct err *err) __attribute__((nonnull(1, 2, 3)));
void lines_close(struct lines *lines) __attribute__((nonnull(1)));

/**
 * The next line, without its newline, valid until the next call.
 * @return 1; 0 at the end; -1 with ERR_EVIDENCE (longer than RECORD_LINE_MAX, or the last one has no
 * newline), ERR_IO
 */
int lines_next(struct lines *lines, const char **line_r, size_t *len_r, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

/** The hash of the whole file, once lines_next has given 0. */
void lines_sha256(struct lines *lines, char hex_r[SHA256_HEX]) __attribute__((nonnull(1, 2)));

/** Hash and size of any file, however large. Errors as lines_open. */
int file_sha256(const char *path, char hex_r[SHA256_HEX], struct err *err) __attribute__((nonnull(1, 2, 3)));

#endif

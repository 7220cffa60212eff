/**
 * buf.h - a growing byte buffer with a limit fixed at init, always NUL-terminated behind its bytes.
 *
 * An append that would pass the limit, or finds no memory, fails, leaves the buffer as it was and marks
 * it failed: so a run of appends may be written without checks and asked once with buf_check().
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
    char *data; /* NUL-terminated once anything was appended; "" before */
    size_t len;
    size_t cap;
    size_t max_bytes;
    bool is_failed;
    bool is_out_of_memory;
};

/** max_bytes: the most it will ever hold, the NUL not counted. Allocates nothing. */
void buf_init(struct buf *buf, size_t max_bytes) __attribute__((nonnull(1)));
void buf_release(struct buf *buf) __attribute__((nonnull(1)));
/** Emptied; the memory and the limit stay; the failure mark goes. */
void buf_reset(struct buf *buf) __attribute__((nonnull(1)));
/** Hands the bytes (malloc'd, never NULL but without memory) to the caller, who frees them; buf is empty
 * after. */
char *buf_detach(struct buf *buf) __attribute__((nonnull(1)));

/** Makes room for extra more bytes, to be written at data + len by the caller, who then adds to len and sets
 * the NUL. */
int buf_reserve(struct buf *buf, size_t extra) __attribute__((nonnull(1)));

int buf_add(struct buf *buf, const void *data, size_t len) __attribute__((nonnull(1)));
int buf_add_str(struct buf *buf, const char *text) __attribute__((nonnull(1, 2)));
int buf_add_char(struct buf *buf, char c) __attribute__((nonnull(1)));
int buf_add_int(struct buf *buf, int64_t number) __attribute__((nonnull(1)));
int buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3), nonnull(1, 2)));
/** Cuts back to len bytes (len <= buf->len). */
void buf_truncate(struct buf *buf, size_t len) __attribute__((nonnull(1)));

/** 0 where every append succeeded; -1 with ERR_LIMIT or ERR_NOMEM; what names the content ("the message"). */
int buf_check(const struct buf *buf, const char *what, struct err *err) __attribute__((nonnull(1, 2, 3)));

#endif

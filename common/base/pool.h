/**
 * pool.h - many small allocations that live and die together (the devices of one batch).
 *
 * Nothing is freed singly; pool_reset frees all and keeps one block. A pool has a limit in bytes, so that
 * hostile input cannot grow it. Not for secrets: its memory is not wiped.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/err.h"

struct pool;

/** NULL without memory. max_bytes bounds the sum of all allocations. */
struct pool *pool_new(size_t max_bytes);
void pool_free(struct pool *pool);
void pool_reset(struct pool *pool) __attribute__((nonnull(1)));

/** Zeroed and aligned for any type; NULL at the limit or without memory. Valid until reset or free. */
void *pool_alloc(struct pool *pool, size_t len) __attribute__((nonnull(1)));
/** count * size, checked against overflow. */
void *pool_array(struct pool *pool, size_t count, size_t size) __attribute__((nonnull(1)));
/** A copy with a NUL behind it; NULL text gives NULL. */
char *pool_strdup(struct pool *pool, const char *text) __attribute__((nonnull(1)));
char *pool_strndup(struct pool *pool, const char *text, size_t len) __attribute__((nonnull(1)));
char *pool_printf(struct pool *pool, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(1, 2)));

/** The bytes handed out since new or reset. */
size_t pool_used(const struct pool *pool) __attribute__((nonnull(1)));

/** Fills err for an allocation that gave NULL: ERR_LIMIT or ERR_NOMEM. Returns -1. */
int pool_failed(const struct pool *pool, struct err *err) __attribute__((nonnull(1, 2)));

#endif

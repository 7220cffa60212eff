#include "base/pool.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 16384
#define ALIGN       (sizeof(max_align_t))

struct block {
    struct block *next;
    size_t size, used;
    max_align_t data[];
};

struct pool {
    struct block *blocks;
    size_t used, max_bytes;
    bool is_over_limit;
};

struct pool *pool_new(size_t max_bytes)
{
    struct pool *pool = calloc(1, sizeof(*pool));

    if (pool != NULL)
        pool->max_bytes = max_bytes;
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    for (struct block *block = pool->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(pool);
}

void pool_reset(struct pool *pool)
{
    struct block *keep = NULL;

    for (struct block *block = pool->blocks, *next; block != NULL; block = next) {
        next = block->next;
        if (keep == NULL && block->size == BLOCK_BYTES)
            keep = block;
        else
            free(block);
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
    }
    pool->blocks = keep;
    pool->used = 0;
    pool->is_over_limit = false;
}

static struct block *block_new(struct pool *pool, size_t need)
{
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    struct block *block = malloc(sizeof(*block) + size);

    if (block == NULL)
        return NULL;
    block->size = size;
    block->used = 0;
    block->next = pool->blocks;
    pool->blocks = block;
    return block;
}

void *pool_alloc(struct pool *pool, size_t len)
{
    struct block *block = pool->blocks;
    void *at;

    if (len > pool->max_bytes || pool->used > pool->max_bytes - len) {
        pool->is_over_limit = true;
        return NULL;
    }
    if (len > SIZE_MAX / 2) /* no memory holds it, and rounding it up would overflow */
        return NULL;
    len = len == 0 ? ALIGN : (len + ALIGN - 1) / ALIGN * ALIGN; /* a piece of nothing has its own place too */
    if (block == NULL || block->size - block->used < len)
        block = block_new(pool, len);
    if (block == NULL)
        return NULL;
    at = (char *)block->data + block->used;
    block->used += len;
    pool->used += len;
    return memset(at, 0, len);
}

void *pool_array(struct pool *pool, size_t count, size_t size)
{
    size_t len;

    if (__builtin_mul_overflow(count, size, &len)) {
        pool->is_over_limit = true;
        return NULL;
    }
    return pool_alloc(pool, len);
}

char *pool_strndup(struct pool *pool, const char *text, size_t len)
{
    char *copy = pool_alloc(pool, len < SIZE_MAX ? len + 1 : len);

    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *pool_strdup(struct pool *pool, const char *text)
{
    return text == NULL ? NULL : pool_strndup(pool, text, strlen(text));
}

char *pool_printf(struct pool *pool, const char *fmt, ...)
{
    va_list args;
    char *text;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    text = len < 0 ? NULL : pool_alloc(pool, (size_t)len + 1);
    if (text == NULL)
        return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return text;
}

size_t pool_used(const struct pool *pool)
{
    return pool->used;
}

int pool_failed(const struct pool *pool, struct err *err)
{
    if (pool->is_over_limit)
        return err_set(err, ERR_LIMIT, 0, "more than %zu bytes for one batch", pool->max_bytes);
    return err_set(err, ERR_NOMEM, 0, "no memory for a batch");
}

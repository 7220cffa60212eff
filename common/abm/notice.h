/**
 * notice.h - what the API says of its own end: deprecation and sunset, by operation. Warned of once an hour
 * for all workers together, counted, and kept in the shared cache for the manifest (`deprecations[]`).
 * Source: RFC 9745 (Deprecation: a structured date, "@1688169599"; Link rel="deprecation"); RFC 8594
 * (Sunset).
 */
#ifndef ABM_NOTICE_H
#define ABM_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/http.h"
#include "queue/cache.h"

#define NOTICE_OPS      16
#define NOTICE_LINK_MAX 256
#define NOTICE_CACHE_NAME                                                                                    \
    "deprecations" /* JSON: [{"op","deprecated_at","sunset_at","link","count","first","last"}] */
#define NOTICE_KEEP_MS  (INT64_C(30) * 24 * 3600 * 1000)
#define NOTICE_EVERY_MS (INT64_C(3600) * 1000)

struct notice {
    const char *op;             /* static storage */
    int64_t deprecated_ms;      /* Unix time; 0: said without a date, or only the end was said */
    int64_t sunset_ms;          /* 0: not said */
    char link[NOTICE_LINK_MAX]; /* where it is explained, escaped; "" */
    int64_t count;              /* answers that said so since the last flush */
};

struct notices {
    struct notice at[NOTICE_OPS];
    size_t count;
    int64_t flushed_ms; /* boot time */
    bool is_new;        /* an operation or a date not flushed yet */
};

/** What one answer says. false: nothing of the kind. Pure. */
bool notice_parse(const struct http_answer_headers *got, int64_t now_ms, struct notice *notice_r);

/** Counts what an answer of the operation says. */
void notice_see(struct notices *notices, const char *op, const struct http_answer_headers *got,
                int64_t now_ms);

/**
 * Hands on what was seen: to the cache, and to warn where this process is the first in an hour. Does so at
 * most once a minute but for what is new. A cache that fails only makes it later.
 */
void notice_flush(struct notices *notices, struct cache *cache, int64_t now_ms, int64_t boot_ms,
                  void (*warn)(void *user, const char *event, const char *text), void *user);

#endif

/**
 * http.h - many HTTP requests at once over kept connections (curl's multi interface; HTTP/2 where offered).
 *
 * Knows nothing of ABM and nothing of limits: it asks `next` for each request at the moment it could send
 * one, so that whoever owns the limit decides, and `done` may queue what follows from an answer.
 *
 * What holds for every request:
 *   - TLS is verified; only https and http are spoken, http only to loopback hosts unless allow_http;
 *   - redirects are never followed, no cookies, no netrc, no HTTP/0.9;
 *   - a request goes out at most once: curl's own resend over a connection that died is refused, since a
 *     resend takes a new slot of the limit and a new permit (HTTP_CUT);
 *   - the body of an answer is bounded after decompression;
 *   - header names and values with control characters are refused before anything is sent;
 *   - proxies come from the environment (https_proxy, no_proxy), as operators expect of a service behind a
 *     company's proxy, but a loopback host is always reached directly.
 *
 * Not thread-safe: one client a thread. curl_global_init is called once, by the first http_new.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buf.h"

struct http;

struct http_settings {
    const char *user_agent;
    const char *ca_file;   /* NULL: the system's */
    int64_t timeout_ms;    /* a whole request; connecting takes at most half of it, and at most 10 s */
    int concurrency;       /* requests under way at once, 1..HTTP_CONCURRENCY_MAX */
    size_t max_body_bytes; /* a larger answer is HTTP_TOO_LARGE */
    bool allow_http;       /* plain http to other than loopback hosts */
};

#define HTTP_CONCURRENCY_MAX 256

struct http_header {
    const char *name, *value;
};

enum http_result {
    HTTP_NOT_SENT,      /* not run yet, or a malformed request: nothing was sent */
    HTTP_TOO_LATE,      /* send_before_ms passed while connecting: nothing was sent */
    HTTP_NO_CONNECTION, /* refused, DNS, connecting took too long: nothing was sent */
    HTTP_TLS_FAILED,    /* certificate or handshake: nothing was sent */
    HTTP_ANSWERED,      /* status and body are there */
    HTTP_TIMED_OUT,     /* sent, may have had its effect */
    HTTP_CUT,           /* connection lost after sending: may have had its effect */
    HTTP_GARBLED,       /* answered, but not in HTTP, or its encoding is broken: may have had its effect */
    HTTP_TOO_LARGE,     /* the answer passed max_body_bytes: may have had its effect */
};

/* What is kept of an answer's headers: malloc'd, or NULL; each at most HTTP_HEADER_MAX bytes. */
#define HTTP_HEADER_MAX 8192

struct http_answer_headers {
    char *content_type, *retry_after, *date, *deprecation, *sunset;
    char *link; /* all its fields, joined by ", " */
};

struct http_request {
    const char *method; /* "GET", "PUT", ... */
    const char *url;
    const struct http_header *headers; /* header_count of them; borrowed until done */
    size_t header_count;
    const char *body; /* NULL: none; borrowed until done */
    size_t body_len;
    int64_t send_before_ms; /* boot time: not sent after that moment; 0: whenever */
    bool is_secret;         /* its answer: kept in one place from the first byte on, wiped when forgotten */
    void *user;

    enum http_result result;
    long status;
    struct buf answer;
    struct http_answer_headers got;
    char error[256];              /* curl's words; never a header that was sent */
    int64_t sent_ms, answered_ms; /* boot time; sent_ms 0: nothing was sent */
};

enum http_next {
    HTTP_NEXT_SEND, /* *request_r goes out now */
    HTTP_NEXT_WAIT, /* nothing now: ask again in *wait_ms_r, or sooner (as a request ends, or a signal comes)
                     */
    HTTP_NEXT_NONE, /* nothing to send: asked again only after one under way has ended; none under way: the
                       run ends */
};

struct http_hooks {
    /** What to send next. Asked while fewer than `concurrency` requests are under way. */
    enum http_next (*next)(void *user, struct http_request **request_r, int64_t *wait_ms_r);
    /** As each ends, in any order; exactly once for each request that `next` gave. */
    void (*done)(void *user, struct http_request *request);
    void *user;
    /** True: the run ends, and what is under way is not awaited but cut. Asked several times a second. NULL:
     * never. */
    bool (*is_over)(void *user);
};

/* The seam for unit tests: the client of ABM runs its requests through this. */
struct http_transport {
    int (*run)(void *ctx, const struct http_hooks *hooks, struct err *err);
    void *ctx;
};

/** ERR_NOMEM, ERR_BUG (settings out of range), ERR_FILE_MISSING (ca_file). */
int http_new(const struct http_settings *settings, struct http **http_r, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
void http_free(struct http *http);

/** Its `run` is http_run. */
struct http_transport http_transport(struct http *http);

void http_request_init(struct http_request *request) __attribute__((nonnull(1)));
void http_request_release(struct http_request *request) __attribute__((nonnull(1)));
/** Forgets the answer; what is to be sent stays, so that the request may be given again. */
void http_request_reset(struct http_request *request) __attribute__((nonnull(1)));

/**
 * Runs until `next` says NONE with nothing under way, or is_over. -1 only without memory or with a broken
 * curl (ERR_NOMEM, ERR_BUG); `done` was called then too for each request that was under way.
 */
int http_run(struct http *http, const struct http_hooks *hooks, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/** True where something may have reached the server. */
bool http_was_sent(enum http_result result);

#endif

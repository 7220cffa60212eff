/**
 * http.h - many HTTP requests at once over kept connections (curl's multi interface; HTTP/2 where offered).
 *
 * Redirects are never followed. TLS is verified. Bodies have a limit. Not thread-safe: one client a thread.
 * Knows nothing of ABM and nothing of limits: before each request is sent, `gate` is asked.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buf.h"

struct http;

struct http_settings {
    const char *user_agent;
    const char *ca_file;     /* NULL: the system's */
    int64_t timeout_ms;      /* a whole request */
    int concurrency;         /* requests under way at once */
    size_t max_body_bytes;   /* a larger answer is HTTP_TOO_LARGE */
    bool allow_http;         /* plain http to other than loopback hosts */
};

struct http_header { const char *name, *value; };

enum http_result {
    HTTP_NOT_SENT,     /* the gate said no */
    HTTP_ANSWERED,     /* status and body are there */
    HTTP_NO_CONNECTION,/* refused, DNS, TLS: nothing was sent */
    HTTP_TLS_FAILED,
    HTTP_TIMED_OUT,    /* may have had its effect */
    HTTP_CUT,          /* connection lost after sending: may have had its effect */
    HTTP_TOO_LARGE,
};

struct http_request {
    const char *method;          /* "GET", "PUT", ... */
    const char *url;
    const struct http_header *headers; /* of the request, header_count of them */
    size_t header_count;
    const char *body;            /* NULL: none */
    size_t body_len;

    enum http_result result;
    long status;
    struct buf answer;           /* init by http_request_init, released by http_request_release */
    struct http_answer_headers {
        char *content_type, *retry_after, *date, *link, *deprecation, *sunset, *location; /* malloc'd or NULL; link: all values, comma-joined */
    } got;
    char error[256];             /* curl's words; never a header that was sent */
    int64_t sent_ms, answered_ms; /* boot time */
    void *user;
};

enum gate {
    GATE_SEND,  /* send now */
    GATE_LATER, /* ask again in *wait_ms_r; nothing else is started meanwhile */
    GATE_SKIP,  /* do not send this one: HTTP_NOT_SENT */
};

struct http_hooks {
    /** Before a request goes out. Called again after GATE_LATER. */
    enum gate (*gate)(void *user, struct http_request *request, int64_t *wait_ms_r);
    /** As each ends, in any order (also the not sent). May set up and submit nothing itself. */
    void (*done)(void *user, struct http_request *request);
    void *user;
};

int http_new(const struct http_settings *settings, struct http **http_r, struct err *err);
void http_free(struct http *http);

void http_request_init(struct http_request *request, size_t max_body_bytes);
void http_request_release(struct http_request *request);

/** Runs all requests; returns when each has ended. -1 only without memory or with broken curl (ERR_NOMEM, ERR_BUG). */
int http_run(struct http *http, struct http_request *const *requests, size_t count, const struct http_hooks *hooks,
             struct err *err);

#endif

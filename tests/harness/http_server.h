/**
 * http_server.h - a small HTTP/1.1 server on a free port of 127.0.0.1 that answers from a script, for tests
 * of what a real network does: slow, cut, reset, truncated, too large. One thread for each connection. It
 * keeps what it was asked.
 */
#ifndef HARNESS_HTTP_SERVER_H
#define HARNESS_HTTP_SERVER_H

#include "base/buf.h"

struct http_server;

enum http_server_end {
    SERVER_KEEP,  /* the connection stays open for the next request */
    SERVER_CLOSE, /* closed in order after the answer */
    SERVER_RESET, /* reset (RST) after the answer's bytes */
    SERVER_HANG,  /* the answer's bytes, then nothing until the client goes */
};

struct http_server_answer {
    const char *bytes; /* the whole answer as it goes over the wire; NULL: nothing */
    size_t len;        /* 0: strlen(bytes) */
    int64_t delay_ms;  /* before the first byte; ended early when the server stops */
    enum http_server_end end;
};

/** Request number i gets answers[i]; those behind the last get the last. The answers are borrowed. */
int http_server_start(const struct http_server_answer *answers, size_t count, struct http_server **server_r,
                      struct err *err);
/** Ends every connection and joins every thread. Takes NULL. */
void http_server_stop(struct http_server *server);

int http_server_port(const struct http_server *server);
/** Requests read whole so far, and connections accepted. */
size_t http_server_requests(struct http_server *server);
size_t http_server_connections(struct http_server *server);
/** The most requests that were being answered at one moment. */
size_t http_server_most_at_once(struct http_server *server);
/** Appends request number i as it came (head and body). false: there was none. */
bool http_server_request(struct http_server *server, size_t i, struct buf *out);

#endif

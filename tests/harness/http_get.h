/**
 * http_get.h - one plain HTTP/1.1 request over a connection of its own, to a port of 127.0.0.1. For tests
 * that must not depend on the client they test.
 */
#ifndef HARNESS_HTTP_GET_H
#define HARNESS_HTTP_GET_H

#include "base/buf.h"

struct http_reply {
    int status;
    struct buf head; /* status line and headers, as they came */
    struct buf body;
};

void http_reply_init(struct http_reply *reply) __attribute__((nonnull(1)));
void http_reply_release(struct http_reply *reply) __attribute__((nonnull(1)));

/**
 * Sends the request and reads the answer to its Content-Length, or to the end of the connection.
 *
 * @param headers  further header lines, each ended by "\r\n"; NULL: none
 * @param body     NULL: none; else Content-Length is sent with it
 * @param reply    initialised; emptied first
 *
 * @return 0; -1 with ERR_IO: no connection, closed before a whole answer came, or nothing for timeout_ms
 */
int http_ask(int port, const char *method, const char *target, const char *headers, const char *body,
             int64_t timeout_ms, struct http_reply *reply, struct err *err)
    __attribute__((nonnull(2, 3, 7, 8)));

/** The value of a header of the reply into value[size]; false where it has none. */
bool http_reply_header(const struct http_reply *reply, const char *name, char *value, size_t size)
    __attribute__((nonnull(1, 2, 3)));

#endif

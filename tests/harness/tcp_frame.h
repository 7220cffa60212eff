/** tcp_frame.h - where a message ends in a stream of bytes: a value of RESP, a request or answer of HTTP. */
#ifndef HARNESS_TCP_FRAME_H
#define HARNESS_TCP_FRAME_H

#include <stddef.h>

enum tcp_protocol {
    TCP_BYTES, /* no messages: every read is passed on as it comes */
    TCP_RESP,  /* Redis, both ways; what is sent as one value */
    TCP_HTTP,  /* HTTP/1.1 with Content-Length or chunked bodies */
};

/** Bytes of the first message of data[0..len); 0: it has not come whole. What is no message at all is passed
 * on as it is: len. */
size_t tcp_frame(enum tcp_protocol protocol, const char *data, size_t len);

#endif

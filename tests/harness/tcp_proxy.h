/**
 * tcp_proxy.h - a faulty network between two processes: a port of 127.0.0.1 that passes on to another, as the
 * test says. Lines may be slow, narrow, cut, half open or refused; and one message may be caught on its way,
 * by what it says, so that a test can stop a process at a named point of its work without a hook in it.
 *
 * One thread a proxy. Every call may come from the test's thread at any time; it holds for the connections
 * that are open, too. Bytes of one connection and direction never overtake each other.
 */
#ifndef HARNESS_TCP_PROXY_H
#define HARNESS_TCP_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "harness/tcp_frame.h"

struct tcp_proxy;

enum tcp_way { TCP_TO_SERVER, TCP_TO_CLIENT, TCP_WAYS };

enum tcp_flow {
    TCP_FLOWS,
    TCP_SWALLOWED, /* taken, and gone: the other side hears nothing, not even of an end */
    TCP_STALLED,   /* not taken: the sender's buffers fill */
};

/* All zero: as if there were no proxy. */
struct tcp_weather {
    int64_t delay_ms, jitter_ms; /* each way; jitter: 0..jitter_ms on top */
    int64_t bytes_a_second;      /* a connection and way; 0: as fast as can be */
    int64_t cut_after;           /* a connection is reset once so many bytes went to the server; 0: never */
    int64_t cut_after_answer;    /* ... to the client */
    enum tcp_flow flow[TCP_WAYS];
    bool is_refused; /* new connections are refused; those that are open stay */
};

/* server_port: of 127.0.0.1. */
int tcp_proxy_start(int server_port, enum tcp_protocol protocol, struct tcp_proxy **proxy_r, struct err *err)
    __attribute__((nonnull(3, 4), warn_unused_result));
/** Resets what is open. Takes NULL. */
void tcp_proxy_stop(struct tcp_proxy *proxy);

int tcp_proxy_port(const struct tcp_proxy *proxy) __attribute__((nonnull(1)));
void tcp_proxy_set(struct tcp_proxy *proxy, const struct tcp_weather *weather) __attribute__((nonnull(1, 2)));
/** Ends every connection, with RST or in order (FIN). Returns how many. */
int tcp_proxy_cut(struct tcp_proxy *proxy, bool is_reset) __attribute__((nonnull(1)));
/** Connections accepted so far. */
int64_t tcp_proxy_connections(struct tcp_proxy *proxy) __attribute__((nonnull(1)));

enum tcp_point {
    TCP_NEVER,          /* only counted */
    TCP_BEFORE_REQUEST, /* held: the server has not seen it */
    TCP_BEFORE_REPLY,   /* the server has done it; its reply is held */
    TCP_AFTER_REPLY,    /* the client has its reply; whatever it sends next on that connection is held */
};

/* What is caught, once: a message to the server (TCP_RESP, TCP_HTTP), and with `reply` only if its reply says
 * that.
 */
struct tcp_catch {
    enum tcp_point point;
    const char *request; /* bytes that it has in it; NULL: any */
    const char *also;    /* ... and these; NULL: any */
    const char *reply;   /* bytes that its reply has in it; not for TCP_BEFORE_REQUEST; NULL: any */
    int after;           /* so many are let pass first */
};

/** Lays the trap, also for the reply to what is under way already; one that was laid before and has caught
 * nothing is gone. Texts are borrowed until the next.
 */
void tcp_proxy_catch(struct tcp_proxy *proxy, const struct tcp_catch *trap) __attribute__((nonnull(1, 2)));
/** True once it has caught (with TCP_AFTER_REPLY: once the reply has gone out whole). */
bool tcp_proxy_has_caught(struct tcp_proxy *proxy) __attribute__((nonnull(1)));
/** How many messages fitted since the trap was laid, those let pass included. */
int64_t tcp_proxy_matches(struct tcp_proxy *proxy) __attribute__((nonnull(1)));

enum tcp_fate {
    TCP_GOES_ON, /* as if it had never been held */
    TCP_HALVED,  /* its first half goes on, then the connection is reset */
    TCP_DROPPED, /* gone, and the connection is reset */
};
/** What becomes of all that is held. A message whose sender has gone is dropped by itself. */
void tcp_proxy_release(struct tcp_proxy *proxy, enum tcp_fate fate) __attribute__((nonnull(1)));

#endif

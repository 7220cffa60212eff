/** tcp_link.h - one connection through a tcp_proxy: two lines of bytes, each piece due at its time. Internal
 * to it. */
#ifndef HARNESS_TCP_LINK_H
#define HARNESS_TCP_LINK_H

#include <stddef.h>

#include "harness/tcp_proxy.h"

struct tcp_piece {
    struct tcp_piece *next;
    int64_t due_ms;
    size_t len, sent;
    char data[];
};

/* One direction. */
struct tcp_line {
    int from, to;
    char *in; /* not passed on: the part of a message, or what is held */
    size_t in_len, in_cap;
    struct tcp_piece *first, *last;
    int64_t due_ms;    /* of the last piece */
    int64_t free_ms;   /* a narrow line is busy until then */
    int64_t passed;    /* bytes */
    int64_t cut_after; /* the link is cut once so many have passed and gone out; 0: never */
    bool is_held, has_ended, is_shut;
};

struct tcp_link {
    struct tcp_link *next;
    struct tcp_line lines[TCP_WAYS];
    char *asked; /* the message to the server that is not answered yet, for a trap that is laid meanwhile */
    size_t asked_len;
    bool awaits_reply; /* that message fits the trap */
    bool tells_when_out;
    bool is_cut, is_reset;
    int polled[TCP_WAYS]; /* index into the poll's list; -1: none */
};

/** To the server of that port, for a client that was accepted; NULL: there is none, the client is reset. */
struct tcp_link *tcp_link_new(int client, int server_port);
void tcp_link_free(struct tcp_link *link);
/** To be freed soon, with a reset. */
void tcp_link_cut(struct tcp_link *link);
/** What is to be cut behind some bytes counts them from now on. */
void tcp_link_set(struct tcp_link *link, const struct tcp_weather *weather);

/** Reads what is there; false: nothing new. */
bool tcp_link_read(struct tcp_link *link, enum tcp_way way, const struct tcp_weather *weather);
/** The first len bytes of what came in go out, in time; behind a cut there is nothing. */
void tcp_link_pass(struct tcp_link *link, enum tcp_way way, size_t len, const struct tcp_weather *weather);
/** Sends what is due, and the end behind it all. */
void tcp_link_write(struct tcp_link *link, enum tcp_way way, const struct tcp_weather *weather);

#endif

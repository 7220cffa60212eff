/**
 * server.h - HTTP/1.1 for the simulator, by libmicrohttpd, in the one thread of the caller: so that what a
 * request sees and does is never half done, and no lock is needed.
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "sim.h"

struct server;

/**
 * Listens. address: a dotted IPv4 address; port 0: a free one. ERR_USAGE for another address, ERR_IO where
 * the port is taken.
 */
int server_new(struct sim *sim, const char *address, int port, struct server **server_r, struct err *err)
    __attribute__((nonnull(1, 2, 4, 5)));
/** Closes every connection; those that wait for a slow answer get none. */
void server_free(struct server *server);
int server_port(const struct server *server) __attribute__((nonnull(1)));

/** Serves until stop_fd is readable. ERR_IO. */
int server_run(struct server *server, int stop_fd, struct err *err) __attribute__((nonnull(1, 3)));

#endif

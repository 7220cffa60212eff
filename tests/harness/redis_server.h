/**
 * redis_server.h - a real Redis of the test's own: in a temporary folder, on a Unix socket and a free
 * loopback port, with AOF always and noeviction unless told otherwise. It can be killed and started again on
 * its data.
 *
 * The program is $REDIS_SERVER, else redis-server or valkey-server of PATH.
 *
 * $TEST_REDIS may be "cluster": the server is then one of three nodes, the one that has the keys of the
 * organizations t and acme, and url names another one; or "cluster-replica": the same with a replica of the
 * server; or "sentinel": the server has a replica and three sentinels, and url names these. A test that asks
 * for neither runs on all of them.
 */
#ifndef HARNESS_REDIS_SERVER_H
#define HARNESS_REDIS_SERVER_H

#include "base/buf.h"
#include "harness/proc.h"

struct redis_group;

struct redis_server {
    struct proc proc;
    int port;
    char dir[64];
    char socket[96];    /* path of the Unix socket */
    char url[112];      /* redis://127.0.0.1:PORT/0 */
    char unix_url[112]; /* unix://PATH; in a group the same as url */
    char test_url[112]; /* for the test itself: that of the server, even where url names another node */
    struct redis_group *group; /* NULL: it is alone */
    char config[96];           /* path of its redis.conf */
    char log[96];              /* path of its log */
};

/**
 * Starts and returns once it answers PONG. config: further lines of redis.conf, NULL-terminated, which win
 * over those set here; or NULL. ERR_REDIS_UNREACHABLE names the log.
 */
int redis_server_start(struct redis_server *server, const char *const *config, struct err *err)
    __attribute__((nonnull(1, 3)));
/** The same, alone whatever $TEST_REDIS says. */
int redis_server_start_alone(struct redis_server *server, const char *const *config, struct err *err)
    __attribute__((nonnull(1, 3)));

/** SIGKILL: what a crash leaves. Port, folder and data stay. */
void redis_server_kill(struct redis_server *server) __attribute__((nonnull(1)));
/** Starts again on the same port and data, after kill or halt; returns once the data is loaded. */
int redis_server_restart(struct redis_server *server, struct err *err) __attribute__((nonnull(1, 2)));
/** SIGTERM; port, folder and data stay. Returns the exit status. */
int redis_server_halt(struct redis_server *server) __attribute__((nonnull(1)));
/** $TEST_REDIS is "sentinel" or "cluster-replica": SIGKILL to the primary; returns once its replica is one,
 * which is asked from there on. */
int redis_server_fail_over(struct redis_server *server, struct err *err) __attribute__((nonnull(1, 2)));
/** Bytes of its append-only file: what a later redis_server_lose may go back to. -1 where there is none. */
int64_t redis_server_aof_bytes(const struct redis_server *server) __attribute__((nonnull(1)));
/**
 * Cuts off what stands only half at the end of the append-only file, a script as a whole, as redis-check-aof
 * --fix does. The server itself would keep the first half of a transaction, and apply it at the start after
 * the next (config/redis.conf). Every restart does it first.
 */
int redis_server_cut_torn_tail(const struct redis_server *server, struct err *err)
    __attribute__((nonnull(1, 2)));
/** What a loss of power leaves with everysec: SIGKILL, the append-only file cut to so many bytes, and a
 * restart. */
int redis_server_lose(struct redis_server *server, int64_t aof_bytes, struct err *err)
    __attribute__((nonnull(1, 3)));

/** $TEST_REDIS is "cluster": a slot of the server begins to move to another node, all its keys go there one
 * by one with pause_ms between them, and it belongs to that node, which is asked from there on. */
int redis_server_begin_move(struct redis_server *server, int slot, struct err *err)
    __attribute__((nonnull(1, 3)));
int redis_server_move_keys(struct redis_server *server, int slot, int64_t pause_ms, struct err *err)
    __attribute__((nonnull(1, 4)));
int redis_server_end_move(struct redis_server *server, int slot, struct err *err)
    __attribute__((nonnull(1, 3)));

/** Ends the server and removes its folder. Safe on one that never started, if it was zeroed. */
void redis_server_stop(struct redis_server *server) __attribute__((nonnull(1)));

/**
 * Sends one inline command ("XLEN {abm:acme}:import") over a connection of its own and appends the reply to
 * out: a status, number or string as its text, null as "(nil)", an array as one line an element, depth first.
 * -1 with ERR_REDIS_REPLY for an error reply (its words in err), ERR_REDIS_UNREACHABLE without an answer in 5
 * s.
 */
int redis_server_ask(const struct redis_server *server, const char *command, struct buf *out, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

/** The number that a command answers; -1 where it is none or nobody answers. */
int64_t redis_server_number(const struct redis_server *server, const char *command)
    __attribute__((nonnull(1, 2)));

#endif

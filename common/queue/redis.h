/**
 * redis.h - one connection to Redis, commands and replies without hiredis' types.
 *
 * A connection is used by one thread. A command that fails on the wire leaves the connection closed:
 * redis_connect opens it again, and tells whether it is still the same server (redis_identity). Every command
 * has a time-out, so that a silent server never holds a worker for ever.
 *
 * Which server that is may be asked of sentinels at every connect, or told by a cluster in any answer: then
 * the command is repeated at the right node by itself, and the identity is another from there on. So whoever
 * holds something that only one server knows compares the identity before he goes on.
 */
#ifndef QUEUE_REDIS_H
#define QUEUE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct redis;

/* Files in PEM, and all of them optional: ca_file NULL is the system's authorities. */
struct redis_tls {
    const char *ca_file;     /* whom the server's certificate is checked against */
    const char *cert_file;   /* the client's own, with key_file */
    const char *key_file;    /* without a passphrase */
    const char *server_name; /* what the certificate must name; NULL: the host connected to */
};

struct redis_settings {
    const char *url;      /* redis_url.h has the forms; borrowed until redis_free, as all texts here */
    const char *username; /* NULL: none */
    const char *password; /* NULL: none; clear text in the caller's guarded memory */
    const char *sentinel_username; /* of the sentinels themselves, where they want a log-in; NULL: none */
    const char *sentinel_password;
    const char *key; /* any of the keys asked for, which share a slot: in a cluster the connect goes to the
                      * node that has it; NULL: the first command finds out */
    struct redis_tls tls;    /* for the URLs with an s */
    const char *name;        /* CLIENT SETNAME: shown by CLIENT LIST */
    int64_t timeout_ms;      /* a command; 0: 5 s */
    int64_t wait_replicas;   /* redis_confirm waits for so many; 0: for none */
    int64_t wait_timeout_ms; /* and so long; 0: 1 s */
};

/** Makes the structure; does not connect. ERR_SETTINGS where the URL is none or a file of tls cannot be used;
 * ERR_REDIS_TLS where this build cannot speak TLS. */
int redis_new(const struct redis_settings *settings, struct redis **redis_r, struct err *err);
void redis_free(struct redis *redis);

/**
 * Connects (closing what was open), logs in, selects the database, checks that the server is 7.0 or later.
 * With sentinels: asks them in turn for the primary, and takes none that says it is a replica. One pass: to
 * try again, and when, is the caller's. ERR_REDIS_UNREACHABLE, _CERTIFICATE, _AUTH, _VERSION, _REPLY
 * (LOADING, ...).
 */
int redis_connect(struct redis *redis, struct err *err);
bool redis_is_connected(const struct redis *redis);
void redis_disconnect(struct redis *redis);

/** "run_id replid" of the server connected to last: another text means that entry ids may name other
 * messages. */
const char *redis_identity(const struct redis *redis);

/* Arguments, borrowed until the call. Up to any number; errors (no memory) show at the call. */
struct redis_args {
    const char **at;
    size_t *len;
    size_t count, cap;
    struct number_block *numbers; /* where numbers are printed */
    size_t number_count;          /* in the first block */
    bool is_failed;
};

void redis_args_init(struct redis_args *args);
void redis_args_release(struct redis_args *args);
void redis_args_reset(struct redis_args *args);
void redis_arg(struct redis_args *args, const char *text); /* NULL: "" */
void redis_arg_len(struct redis_args *args, const char *data, size_t len);
void redis_arg_int(struct redis_args *args, int64_t number);

/* A reply; NULL-safe reading. Freed by redis_reply_free. */
struct redis_reply;
enum redis_kind { REDIS_NIL, REDIS_TEXT, REDIS_INTEGER, REDIS_LIST };

/** Sends and waits. An error reply is -1: ERR_REDIS_OOM, _AUTH, _TYPE, _NOGROUP, _READONLY, _LOADING, _BUSY,
 * _DISK, else _REPLY (the text is Redis's). Wire: ERR_REDIS_LOST, also where a primary was demoted or a
 * cluster has no answer for longer than the time-out. */
int redis_call(struct redis *redis, const struct redis_args *args, struct redis_reply **reply_r,
               struct err *err);
/** The same with further time allowed: a command that blocks on the server for up to block_ms. */
int redis_call_blocking(struct redis *redis, const struct redis_args *args, int64_t block_ms,
                        struct redis_reply **reply_r, struct err *err);
/** For short commands: all arguments text, ended by NULL. */
int redis_callv(struct redis *redis, struct redis_reply **reply_r, struct err *err, ...)
    __attribute__((sentinel));
void redis_reply_free(struct redis_reply *reply);

/**
 * Waits until all that this connection wrote is held by settings.wait_replicas replicas (WAIT); at once where
 * that is 0. What was written stands on the primary in any case.
 *
 * @return 1: they have it (or none is asked for), 0: fewer within wait_timeout_ms: redis_shortage says so
 * until a later call finds them all; -1 with err as redis_call.
 */
int redis_confirm(struct redis *redis, struct err *err);
/** The same where something that cannot be taken back is done next, and what was written must outlive a
 * failover for that. 0; -1 with err, ERR_REDIS_REPLICAS for too few. */
int redis_secure(struct redis *redis, struct err *err);
/** NULL, or what the last redis_confirm fell short of: "waits for replicas: 0 of 1 hold what was written". */
const char *redis_shortage(const struct redis *redis);

enum redis_kind redis_kind(const struct redis_reply *reply);
/** "" for anything but text. NUL-terminated; *len_r (may be NULL) the bytes. */
const char *redis_text(const struct redis_reply *reply, size_t *len_r);
/* No number of the pipeline is larger (Lua's are exact up to here), and a thousand of them can be added up.
 */
#define REDIS_NUMBER_MAX (INT64_C(1) << 53)

/** An integer reply, or text that is one, within +-REDIS_NUMBER_MAX; 0 for anything else. */
int64_t redis_integer(const struct redis_reply *reply);
size_t redis_count(const struct redis_reply *reply);
/** NULL beyond the end. */
const struct redis_reply *redis_at(const struct redis_reply *reply, size_t index);
/** In a flat list of name, value, ...: the value of name; NULL: absent. */
const struct redis_reply *redis_field(const struct redis_reply *reply, const char *name);

#endif

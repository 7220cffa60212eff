/**
 * vault_server.h - a stand-in for HashiCorp Vault or OpenBao, for tests: in the test's own process, on a port
 * of 127.0.0.1, by libmicrohttpd, one thread for each connection. What it answers is in vault_api.h; that it
 * is none is said there too. Functions may be called from any thread.
 */
#ifndef HARNESS_VAULT_SERVER_H
#define HARNESS_VAULT_SERVER_H

#include "harness/vault_api.h"

struct vault_server;

/* NULL or 0: as said. All texts are copied. */
struct vault_server_options {
    int port;                        /* 0: a free one */
    const char *address;             /* NULL: 127.0.0.1; another only inside a container's own network */
    const char *mount;               /* of the KV engine; NULL: "secret" */
    const char *name_space;          /* NULL: the root's */
    const char *root_token;          /* good for ever; NULL: there is none */
    const char *approle_mount;       /* NULL: "approle" */
    const char *role_id, *secret_id; /* NULL: nobody logs in so */
    const char *kubernetes_mount;    /* NULL: "kubernetes" */
    const char *kubernetes_role, *kubernetes_jwt; /* NULL: nobody logs in so */
    int64_t lease_s;                              /* of a login's token; 0: 1200 */
    int64_t max_lease_s;                          /* beyond which no renewal goes; 0: no limit */
    const char *certificate, *key;                /* PEM texts; NULL: no TLS */
};

/** Starts and serves. ERR_LIMIT (a text that is too long), ERR_IO (the port is taken), ERR_NOMEM. */
int vault_server_start(const struct vault_server_options *options, struct vault_server **server_r,
                       struct err *err) __attribute__((nonnull(1, 2, 3)));
/** Ends it, and what it knew is gone. Takes NULL. */
void vault_server_stop(struct vault_server *server);

int vault_server_port(const struct vault_server *server) __attribute__((nonnull(1)));
/** "http://127.0.0.1:PORT", or with https. Borrowed. */
const char *vault_server_url(const struct vault_server *server) __attribute__((nonnull(1), returns_nonnull));

/** Its connections end and new ones are refused, as of a server that is gone; what it knows it keeps. */
void vault_server_down(struct vault_server *server) __attribute__((nonnull(1)));
/** Serves again, on the same port. ERR_IO. Nothing where it is up. */
int vault_server_up(struct vault_server *server, struct err *err) __attribute__((nonnull(1, 2)));

/** Its clock goes on by so much, at once: leases end without anybody waiting. */
void vault_server_advance(struct vault_server *server, int64_t ms) __attribute__((nonnull(1)));
/** Sealed: 503 for all. It keeps tokens and secrets. */
void vault_server_seal(struct vault_server *server, bool is_sealed) __attribute__((nonnull(1)));
/** Standby: sys/health says so (429); all else is served, as of a standby that forwards. */
void vault_server_set_standby(struct vault_server *server, bool is_standby) __attribute__((nonnull(1)));
/** Another pair from now on; tokens of before stay. NULL: nobody logs in so. ERR_LIMIT. */
int vault_server_set_approle(struct vault_server *server, const char *role_id, const char *secret_id,
                             struct err *err) __attribute__((nonnull(1, 4)));
int vault_server_set_kubernetes(struct vault_server *server, const char *role, const char *jwt,
                                struct err *err) __attribute__((nonnull(1, 4)));
/** Every token of a login is revoked. */
void vault_server_revoke_all(struct vault_server *server) __attribute__((nonnull(1)));

/* What requests meet in place of their answer. */
struct vault_fault {
    const char *path; /* of requests whose path begins so ("/v1/secret/"); copied; NULL: any but sys/health */
    int status;       /* answered with this status, as {"errors": [...]}; 0: as ever */
    int64_t delay_ms; /* before it is answered; ended early by down and stop */
    bool is_cut;      /* closed without an answer */
    int64_t times;    /* for so many; 0: until another fault is set */
};
/** Replaces the fault; NULL ends it. */
void vault_server_set_fault(struct vault_server *server, const struct vault_fault *fault)
    __attribute__((nonnull(1)));

/** Writes a version, as a person would. data: a JSON object. ERR_LIMIT, ERR_NOMEM. */
int vault_server_put(struct vault_server *server, const char *path, const char *data, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));
/** Appends the last version's data as JSON, and sets *version_r (which may be NULL). False: there is none. */
bool vault_server_get(struct vault_server *server, const char *path, struct buf *data_r, int64_t *version_r)
    __attribute__((nonnull(1, 2, 3)));
/** The last token that a login got, for a test that looks for it where it must not be. False: none. */
bool vault_server_last_token(struct vault_server *server, char token_r[VAULT_TOKEN_MAX])
    __attribute__((nonnull(1, 2)));

struct vault_counts vault_server_counts(struct vault_server *server) __attribute__((nonnull(1)));

#endif

/**
 * vault.h - a client of HashiCorp Vault or OpenBao: logs in, keeps its own token alive, reads secrets of the
 * KV engine, version 2. One request at a time, each ended after timeout_ms; every one of them may be sent
 * twice, once, where a connection that was kept had died. Not thread-safe.
 *
 * What holds for errors: class SERVICE (vault_away, vault_tls, vault_answer) may pass by itself, class
 * SETTINGS (vault_login, vault_denied, vault_missing) does not. None shows a secret, nor what Vault answers
 * where that holds one that was sent.
 *
 * Source: the HTTP API of Vault and OpenBao (KV version 2, AppRole, Kubernetes and token auth, namespaces).
 */
#ifndef SECRETS_VAULT_H
#define SECRETS_VAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "http/http.h"

struct secret;
struct vault_client;

enum vault_auth { VAULT_AUTH_TOKEN, VAULT_AUTH_APPROLE, VAULT_AUTH_KUBERNETES };

/* Texts are borrowed for the client's life. References are those of crypto/secret.h, resolved at each login,
 * so that what was rotated is taken. */
struct vault_settings {
    const char *address;    /* "https://vault.example:8200", without a slash at the end */
    const char *name_space; /* NULL: the root's */
    const char *ca_file;    /* NULL: the system's */
    enum vault_auth auth;
    const char *mount;              /* of the auth method; NULL: its own name */
    const char *token;              /* token: a reference */
    const char *role_id;            /* approle: text */
    const char *secret_id;          /* approle: a reference */
    const char *role;               /* kubernetes: text */
    const char *jwt;                /* kubernetes: a reference */
    bool allow_mount_mode;          /* as secret_resolve's */
    int64_t timeout_ms;             /* of one request */
    const char *user_agent;         /* NULL: curl's */
    int64_t (*now_ms)(void *clock); /* NULL: boot time */
    void *clock;
    const struct http_transport *transport; /* NULL: a client of its own */
};

/** Asks nothing. ERR_NOMEM, ERR_FILE_MISSING (ca_file). */
int vault_new(const struct vault_settings *settings, struct vault_client **vault_r, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
/** The token is wiped; without vault_log_out it lives on in Vault until its lease ends. NULL is taken. */
void vault_free(struct vault_client *vault);

/**
 * Reads one field of a secret's last version, logging in first where that is needed, and anew where Vault
 * does not take the token any more.
 *
 * @param target     "PATH#FIELD" (vault_place.h)
 * @param value_r    out: the caller frees it with secret_free
 * @param version_r  out: the number of the version; 0 where the answer has none
 *
 * @return 0; -1 with ERR_VAULT_*, ERR_SECRET* (the target, or what it logs in with), ERR_NOMEM
 */
int vault_read(struct vault_client *vault, const char *target, struct secret **value_r, int64_t *version_r,
               struct err *err) __attribute__((nonnull(1, 2, 3, 4, 5), warn_unused_result));

/**
 * Renews the token where two thirds of its lease are over; a login takes its place where it cannot be renewed
 * any further. Costs a look at the clock otherwise: to be called often by who runs long. A failure is tried
 * again after 10 s.
 *
 * @return 0; -1 as vault_read: the token in hand stays
 */
int vault_tend(struct vault_client *vault, struct err *err)
    __attribute__((nonnull(1, 2), warn_unused_result));

/**
 * Revokes the token that a login gave, so that those of short commands do not gather in Vault until their
 * leases end. One that the settings give stays. What fails is let be.
 */
void vault_log_out(struct vault_client *vault) __attribute__((nonnull(1)));

#endif

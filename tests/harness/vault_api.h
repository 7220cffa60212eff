/**
 * vault_api.h - what a stand-in for HashiCorp Vault or OpenBao answers, all but HTTP itself (vault_server.h).
 * It is no Vault: it keeps nothing safe, has no policies, one namespace, one KV engine of version 2, and of
 * each endpoint the members that a client reads. Statuses and words of its errors are those of the real ones.
 *
 * Source: the HTTP API pages of both: /system/health, /auth/approle, /auth/kubernetes, /auth/token,
 * /secret/kv/kv-v2.
 */
#ifndef HARNESS_VAULT_API_H
#define HARNESS_VAULT_API_H

#include "harness/vault_store.h"
#include "harness/vault_tokens.h"

#define VAULT_NAME_MAX 128
#define VAULT_JWT_MAX  8192

/* Of good ones, but requests and refused. */
struct vault_counts {
    uint64_t requests; /* all but sys/health, also those that met a fault */
    uint64_t refused;  /* 400 or 403: a wrong login, a wrong token */
    uint64_t logins, renewals, reads, writes, health;
};

struct vault {
    struct vault_store store;
    struct vault_tokens tokens;
    struct vault_counts counts;
    char mount[VAULT_NAME_MAX], name_space[VAULT_NAME_MAX]; /* without "/" at an end; "": the root */
    char approle_mount[VAULT_NAME_MAX], kubernetes_mount[VAULT_NAME_MAX];
    char role_id[VAULT_NAME_MAX], secret_id[VAULT_NAME_MAX]; /* "": no such login */
    char kubernetes_role[VAULT_NAME_MAX], kubernetes_jwt[VAULT_JWT_MAX];
    int64_t lease_s, max_lease_s; /* of a login's token; 0: no such limit */
    bool is_sealed, is_standby;
};

struct vault_request {
    const char *method, *path;      /* "/v1/..." without the query */
    const char *token, *name_space; /* NULL: no such header */
    const char *version;            /* of the query; NULL */
    bool is_list;                   /* ?list=true */
    bool is_standby_ok;             /* ?standbyok=true */
    const char *body;
    size_t body_len;
};

/** Answers; body is initialised and gets JSON, or nothing with 204. Returns the status. */
int vault_perform(struct vault *vault, const struct vault_request *request, int64_t now_ms, struct buf *body)
    __attribute__((nonnull(1, 2, 4)));
void vault_release(struct vault *vault) __attribute__((nonnull(1)));

/** Replaces body by {"errors": [text]}. Returns status. */
int vault_answer_error(struct buf *body, int status, const char *text) __attribute__((nonnull(1, 3)));

/** vault_kv.c: what stands behind MOUNT/data/ and MOUNT/metadata/; path is what follows. */
int vault_kv_data(struct vault *vault, const struct vault_request *request, const char *path, int64_t now_ms,
                  struct buf *body) __attribute__((nonnull(1, 2, 3, 5)));
int vault_kv_metadata(struct vault *vault, const struct vault_request *request, const char *path,
                      struct buf *body) __attribute__((nonnull(1, 2, 3, 4)));

/** Begins and ends an answer's document; in between stands "data" or "auth". */
void vault_begin(struct json_out *out, struct buf *body) __attribute__((nonnull(1, 2)));
void vault_end(struct json_out *out) __attribute__((nonnull(1)));

#endif

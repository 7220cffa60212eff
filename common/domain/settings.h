/**
 * settings.h - config/pipeline.yaml as a structure (DESIGN.md 9). One table row a setting: path, type,
 * default, one line of help; config/README.md and `abmctl config print` come from it.
 *
 * Loading: file, then ABM_ overrides from the environment, then checks. All text lives as long as the
 * settings. Secret references are kept as text ("file:/etc/abm/audit.key") and resolved when first needed
 * (crypto/secret.h). "Resolved" paths are absolute: a relative one is relative to the folder of the settings
 * file, wherever it was set.
 */
#ifndef DOMAIN_SETTINGS_H
#define DOMAIN_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct rate_limit {
    int64_t requests; /* per `per_ms` */
    int64_t per_ms;
    int64_t burst;
};

/* A share of something, in whole hundredths; all zero: it is set nowhere. */
struct percent {
    bool is_set;
    int64_t value; /* 0..100 */
};

/* Where the ABM token comes from in place of api.token; only where url is set. */
struct issuer_settings {
    const char *url; /* no trailing slash; NULL: there is none */
    const char *issuer_id, *key_id;
    const char *private_key; /* a secret reference */
    int64_t expires_in_ms;
};

struct org_settings {
    const char *name;
    const char *api_dialect;  /* "abm-v2" */
    const char *api_base_url; /* no trailing slash */
    const char *api_token;    /* a secret reference; NULL: api_issuer */
    struct issuer_settings api_issuer;
    int64_t api_timeout_ms;
    bool api_allow_http;
    const char *api_ca_file; /* resolved; NULL: the system's */
    struct rate_limit rate_limit;
    const char *rules;      /* path of the mapping, resolved */
    const char *mdm_server; /* id or name; NULL: the server is left as it is */
    const char *serial_pattern;
    struct percent max_changes; /* of a run's existing assignments; not set: no brake */
    struct percent max_failed;  /* of the last 1,000 devices of a run that ended; not set: no brake */
};

struct stage_settings {
    int64_t batch;
    int64_t linger_ms;
    int64_t concurrency;
    int64_t max_backlog;
    int64_t max_parked;
    int64_t lease_ms;
    int64_t max_hold_ms;
    int64_t retry_attempts;
    int64_t retry_base_ms;
    int64_t retry_cap_ms;
    int64_t deadline_ms;
    int64_t shutdown_grace_ms;
};

/* Where Vault is, and how to log in; only where address is set. */
struct vault_location {
    const char *address; /* no trailing slash; NULL: there is none */
    const char *name_space;
    const char *ca_file;                 /* resolved; NULL: the system's */
    const char *auth;                    /* "token", "approle", "kubernetes" */
    const char *mount;                   /* of the auth method; NULL: its own name */
    const char *token, *secret_id, *jwt; /* secret references, none of them to Vault; NULL */
    const char *role_id, *role;          /* NULL */
    int64_t timeout_ms;
};

enum stage_index { STAGE_VALIDATE, STAGE_IMPORT, STAGE_ASSIGN, STAGE_VERIFY, STAGE_AUDIT, STAGE_COUNT };

struct settings {
    const char *path; /* of the file, for messages */
    int64_t version;  /* 1 */
    const char *redis_url;
    const char *redis_username; /* NULL or text */
    const char *redis_password; /* NULL or a secret reference */
    const char *redis_sentinel_username;
    const char *redis_sentinel_password; /* NULL or a secret reference */
    const char *redis_tls_ca_file;       /* of these four: NULL or a path, resolved; NULL or a name */
    const char *redis_tls_cert_file;
    const char *redis_tls_key_file;
    const char *redis_tls_server_name;
    int64_t redis_wait_replicas; /* 0: none */
    int64_t redis_wait_timeout_ms;
    struct org_settings *orgs;
    size_t org_count;
    struct stage_settings stages[STAGE_COUNT];
    const char *audit_signer; /* "ed25519:file:audit.key" */
    const char *audit_spool;  /* folder, resolved */
    const char **audit_sinks; /* "file:evidence" with the path resolved */
    size_t audit_sink_count;
    int64_t runs_keep_ms;
    int64_t plan_max_age_ms;
    int64_t apply_require_approvals; /* at most apply_approver_count */
    const char **apply_approvers;    /* public keys: an absolute path (PEM), or base64 of the key in DER */
    size_t apply_approver_count;
    const char *secrets_seal_key; /* a secret reference; NULL */
    bool secrets_allow_mount_mode;
    struct vault_location secrets_vault;
};

/** The file to read: given (of --config), else $ABM_CONFIG, else config/pipeline.yaml. NULL and "" are not
 * given. */
const char *settings_find_path(const char *given) __attribute__((returns_nonnull));

/**
 * Reads and checks the settings. env is the environment (environ): ABM_ORGS__ACME__API__BASE_URL and the like
 * override; only names with "__" are overrides, and an unknown one is an error that names it. An
 * organization's name stands there in capitals with '_' for whatever is no letter or digit; a list is divided
 * by commas. NULL: no environment.
 *
 * ERR_SETTINGS (also: no such file, no YAML), ERR_SETTINGS_UNKNOWN, _TYPE, _MISSING with "file:line:column:
 * ..." or the variable's name, and a suggestion for a near miss; ERR_FILE_DENIED, ERR_IO, ERR_NOMEM.
 */
int settings_load(const char *path, char *const *env, struct settings **settings_r, struct err *err);
void settings_free(struct settings *settings);

/** The organization by name; NULL name: the only one. ERR_USAGE (several, none named), ERR_ORG_UNKNOWN. */
int settings_org(const struct settings *settings, const char *name, const struct org_settings **org_r,
                 struct err *err);

const char *stage_index_name(enum stage_index stage);
/** -1 where the name is no stage. */
int stage_index_of(const char *name);

/** The settings in force as YAML that loads again, with each value's origin (file, environment, default);
 * secrets as references. */
void settings_print(const struct settings *settings, struct buf *out);
/** config/README.md's table, from the rows. */
void settings_print_help(struct buf *out);

#endif

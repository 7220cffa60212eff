/**
 * settings_table.h - the rows of the settings: one a key, from which loading, overriding, printing and the
 * help come. Private to the settings_*.c files. A new setting is one row here and one member in settings.h.
 */
#ifndef DOMAIN_SETTINGS_TABLE_H
#define DOMAIN_SETTINGS_TABLE_H

#include "base/pool.h"
#include "base/yaml.h"
#include "domain/settings.h"

/* Where a row stands: at the top, in each organization, in each stage. */
enum setting_scope { SCOPE_TOP, SCOPE_ORG, SCOPE_STAGE };

enum setting_type {
    SETTING_VERSION,
    SETTING_INT,
    SETTING_DURATION,
    SETTING_BOOL,
    SETTING_PERCENT,
    SETTING_TEXT,
    SETTING_PATH,
    SETTING_SECRET,
    SETTING_REDIS_URL,
    SETTING_API_URL,
    SETTING_VAULT_URL,
    SETTING_VAULT_AUTH,
    SETTING_DIALECT,
    SETTING_PATTERN,
    SETTING_SIGNER,
    SETTING_SINKS,
    SETTING_KEYS,
};

struct setting {
    enum setting_scope scope;
    enum setting_type type;
    const char *path;     /* below its scope: "retry.attempts" */
    size_t offset;        /* of its member in struct settings, org_settings or stage_settings */
    const char *fallback; /* as it would stand in the file; NULL: none */
    bool is_required;
    int64_t min, max; /* SETTING_INT; SETTING_DURATION in ms */
    const char *help;
    const char *shown_fallback; /* for people, where the default is worked out; NULL: fallback */
};

/* A setting of several values: where they are kept. */
struct setting_list {
    const char ***at;
    size_t *count;
};

/** The member of a row that is a list; at is NULL where the row is none. */
struct setting_list setting_list_of(struct settings *settings, enum setting_type type);

const struct setting *settings_rows(size_t *count_r) __attribute__((returns_nonnull));
/** "whole number, 1 to 1000", into text[64]. */
char *setting_type_text(const struct setting *row, char *text);

enum setting_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT };

/* An ABM_ variable that overrides a row. */
struct override {
    const char *name, *value;
    enum setting_scope scope;
    size_t instance; /* of its scope: the organization or the stage */
    size_t row;
};

/* Settings with what only loading and printing know. `settings` comes first, so that the one is the other. */
struct loaded {
    struct settings settings;
    struct pool *pool;
    const struct yaml *doc;
    const struct yaml_node **org_nodes; /* one an organization */
    struct override *overrides;
    size_t override_count;
    unsigned char *origins; /* enum setting_origin of each row of each instance */
};

/* One place where a value came from, for messages. */
struct setting_place {
    const char *file, *env; /* env: NULL where the file holds it */
    struct yaml_place at;
    char path[192]; /* "stages.assign.batch" */
};

int setting_fail(const struct setting_place *place, struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), nonnull(1, 2, 4)));

/** The structure that a row's offset counts from. */
void *setting_base(const struct loaded *loaded, enum setting_scope scope, size_t instance);
size_t setting_instances(const struct loaded *loaded, enum setting_scope scope);
unsigned char *setting_origin(const struct loaded *loaded, enum setting_scope scope, size_t instance,
                              size_t row);
/** "orgs.acme.api.token" into path[len]. */
void setting_full_path(const struct loaded *loaded, enum setting_scope scope, size_t instance,
                       const char *path, char *full, size_t len);

/** Every key of the file is one that the rows know (settings_keys.c); finds the organizations. */
int settings_check_keys(struct loaded *loaded, struct err *err);
/** Reads the overrides out of the environment (settings_env.c). */
int settings_find_overrides(struct loaded *loaded, char *const *env, struct err *err);
/** Puts the value of a row into its member (settings_value.c); the default where it is set nowhere. */
int settings_take(struct loaded *loaded, enum setting_scope scope, size_t instance, size_t row,
                  struct err *err);
/** What no row can see alone: base_url against allow_http, the API's time-out against the leases
 * (settings_check.c). */
int settings_check(struct loaded *loaded, struct err *err);
/** What belongs together in secrets.vault, and who refers to it (settings_secrets.c). */
int settings_check_secrets(struct loaded *loaded, struct err *err);
/** Exactly one of api.token and api.issuer, and that whole (settings_issuer.c). */
int settings_check_issuer(const struct loaded *loaded, size_t org, struct err *err);
/** "localhost", 127.0.0.0/8, [::1]: an URL of what never leaves this machine (settings_check.c). */
bool setting_is_loopback(const char *url);
/** Where a row of an instance is set, or would be: for messages. */
void setting_find_place(const struct loaded *loaded, enum setting_scope scope, size_t instance, size_t row,
                        struct setting_place *place_r);
/** The row's value in the file, NULL where it is not there. */
const struct yaml_node *setting_find_node(const struct loaded *loaded, enum setting_scope scope,
                                          size_t instance, const char *path);
size_t settings_row_of(enum setting_scope scope, const char *path);

#endif

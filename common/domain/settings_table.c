#include "domain/settings_table.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SECOND  INT64_C(1000)
#define HOUR    (3600 * SECOND)
#define DAY     (24 * HOUR)
#define MILLION INT64_C(1000000)
#define BILLION (1000 * MILLION)

/* Where Kubernetes puts the token of a pod's service account. */
#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/token"

#define TOP(member)   SCOPE_TOP, offsetof(struct settings, member)
#define ORG(member)   SCOPE_ORG, offsetof(struct org_settings, member)
#define STAGE(member) SCOPE_STAGE, offsetof(struct stage_settings, member)

#define ROW(path_, place, type_, ...) ROW_(path_, place, type_, __VA_ARGS__)
#define ROW_(path_, scope_, offset_, type_, ...)                                                             \
    {                                                                                                        \
        .path = (path_), .scope = (scope_), .offset = (offset_), .type = SETTING_##type_, __VA_ARGS__        \
    }
#define DEFAULT(text)   .fallback = (text)
#define REQUIRED        .is_required = true
#define OPTIONAL        .fallback = NULL
#define RANGE(low, top) .min = (low), .max = (top)
#define HELP(text)      .help = (text)

static const struct setting rows[] = {
    ROW("version", TOP(version), VERSION, REQUIRED, HELP("the version of this format: 1")),
    ROW("redis.url", TOP(redis_url), REDIS_URL, REQUIRED,
        HELP("Redis or Valkey 7.0 or later: `redis://host:port/db`, `unix:///path?db=N`, "
             "`sentinel://host:port,host:port/NAME`, `cluster://host:port,host:port`; with TLS `rediss`, "
             "`sentinels`, `clusters`")),
    ROW("redis.username", TOP(redis_username), TEXT, OPTIONAL, HELP("the ACL user; absent: `default`")),
    ROW("redis.password", TOP(redis_password), SECRET, OPTIONAL, HELP("its password; absent: no log-in")),
    ROW("redis.sentinel_username", TOP(redis_sentinel_username), TEXT, OPTIONAL,
        HELP("the user at the sentinels themselves")),
    ROW("redis.sentinel_password", TOP(redis_sentinel_password), SECRET, OPTIONAL,
        HELP("its password; absent: no log-in at the sentinels")),
    ROW("redis.tls.ca_file", TOP(redis_tls_ca_file), PATH, OPTIONAL,
        HELP("certificates (PEM) that Redis's is checked with; absent: the system's")),
    ROW("redis.tls.cert_file", TOP(redis_tls_cert_file), PATH, OPTIONAL,
        HELP("the client's own certificate (PEM), where Redis asks for one")),
    ROW("redis.tls.key_file", TOP(redis_tls_key_file), PATH, OPTIONAL,
        HELP("its key (PEM), without a passphrase")),
    ROW("redis.tls.server_name", TOP(redis_tls_server_name), TEXT, OPTIONAL,
        HELP("the name or address that Redis's certificate must be for; absent: the host connected to")),
    ROW("redis.wait_replicas", TOP(redis_wait_replicas), INT, DEFAULT("0"), RANGE(0, 16),
        HELP("replicas that must hold what a step wrote before the next message is read; 0: none")),
    ROW("redis.wait_timeout", TOP(redis_wait_timeout_ms), DURATION, DEFAULT("1s"), RANGE(1, 60 * SECOND),
        HELP("how long one step waits for them; then nothing more is read until they have caught up")),

    ROW("api.dialect", ORG(api_dialect), DIALECT, REQUIRED, HELP("the contract of the API: `abm-v2`")),
    ROW("api.base_url", ORG(api_base_url), API_URL, REQUIRED,
        HELP("where the API is; https, and http for loopback hosts")),
    ROW("api.token", ORG(api_token), SECRET, OPTIONAL,
        HELP("the bearer token; a file is read again when it changes. This or `api.issuer`")),
    ROW("api.issuer.url", ORG(api_issuer.url), API_URL, OPTIONAL,
        HELP("who exchanges a signed JWT for the token, such as `https://api.appstoreconnect.com`, in place "
             "of "
             "`token`; wants `secrets.seal_key`")),
    ROW("api.issuer.issuer_id", ORG(api_issuer.issuer_id), TEXT, OPTIONAL,
        HELP("the account's issuer id: the JWT's `iss`")),
    ROW("api.issuer.key_id", ORG(api_issuer.key_id), TEXT, OPTIONAL, HELP("the key's id: the JWT's `kid`")),
    ROW("api.issuer.private_key", ORG(api_issuer.private_key), SECRET, OPTIONAL,
        HELP("the key (PEM, P-256, PKCS#8 or SEC1); a file is read again when it changes")),
    ROW("api.issuer.expires_in", ORG(api_issuer.expires_in_ms), DURATION, DEFAULT("1h"),
        RANGE(60 * SECOND, 365 * DAY), HELP("the life to ask for; the token's own `exp` counts")),
    ROW("api.timeout", ORG(api_timeout_ms), DURATION, OPTIONAL, RANGE(100, HOUR),
        .shown_fallback = "15s, or a third of the least lease of import, assign and verify if that is less",
        HELP("the longest wait for one answer; below half the lease of import, assign and verify")),
    ROW("api.allow_http", ORG(api_allow_http), BOOL, DEFAULT("false"),
        HELP("take a base_url without TLS that is not on loopback")),
    ROW("api.ca_file", ORG(api_ca_file), PATH, OPTIONAL,
        HELP("certificates (PEM) that the API's is checked with; absent: the system's")),
    ROW("rate_limit.requests", ORG(rate_limit.requests), INT, REQUIRED, RANGE(1, MILLION),
        HELP("requests that the API allows in each `per`, of all processes together")),
    ROW("rate_limit.per", ORG(rate_limit.per_ms), DURATION, DEFAULT("60s"), RANGE(1, DAY),
        HELP("the time that `requests` counts for")),
    ROW("rate_limit.burst", ORG(rate_limit.burst), INT, DEFAULT("20"), RANGE(1, MILLION),
        HELP("requests that may go at once after a pause")),
    ROW("rules", ORG(rules), PATH, REQUIRED, HELP("the mapping of devices to blueprints")),
    ROW("mdm_server", ORG(mdm_server), TEXT, OPTIONAL,
        HELP("id or name of the server for devices whose rule names none; absent: the server is left as it "
             "is")),
    ROW("serial_pattern", ORG(serial_pattern), PATTERN, DEFAULT("^[A-Z0-9]{10,12}$"),
        HELP("the regular expression (PCRE2) of a valid serial")),
    ROW("limits.max_changes", ORG(max_changes), PERCENT, OPTIONAL,
        HELP("the share of its existing assignments that a run may change or remove, beyond which it pauses; "
             "absent: no such brake")),
    ROW("limits.max_failed", ORG(max_failed), PERCENT, OPTIONAL,
        HELP("the share of a run's last 1000 devices that may fail, beyond which it pauses; absent: no such "
             "brake")),

    ROW("batch", STAGE(batch), INT, DEFAULT("200"), RANGE(1, 1000), HELP("devices handled at once")),
    ROW("linger", STAGE(linger_ms), DURATION, DEFAULT("200ms"), RANGE(0, HOUR),
        HELP("how long a batch that is not full waits for more")),
    ROW("concurrency", STAGE(concurrency), INT, DEFAULT("16"), RANGE(1, 256),
        HELP("requests of one process under way at once")),
    ROW("max_backlog", STAGE(max_backlog), INT, DEFAULT("10000"), RANGE(1, BILLION),
        HELP("devices waiting here at which the stage before stops reading")),
    ROW("max_parked", STAGE(max_parked), INT, DEFAULT("200000"), RANGE(1, BILLION),
        HELP("devices put off for later here at which the stage before stops reading")),
    ROW("lease", STAGE(lease_ms), DURATION, DEFAULT("60s"), RANGE(SECOND, DAY),
        HELP("silence after which a worker counts as dead and its messages go to another")),
    ROW("max_hold", STAGE(max_hold_ms), DURATION, DEFAULT("10m"), RANGE(SECOND, 30 * DAY),
        HELP("how long a worker whose loop stands still keeps its messages")),
    ROW("retry.attempts", STAGE(retry_attempts), INT, DEFAULT("8"), RANGE(1, 1000),
        HELP("answers against a device after which it fails")),
    ROW("retry.base", STAGE(retry_base_ms), DURATION, DEFAULT("1s"), RANGE(1, DAY),
        HELP("the delay after the first of them; it doubles from there")),
    ROW("retry.cap", STAGE(retry_cap_ms), DURATION, DEFAULT("5m"), RANGE(1, 30 * DAY),
        HELP("the longest such delay")),
    ROW("deadline", STAGE(deadline_ms), DURATION, DEFAULT("24h"), RANGE(1, 365 * DAY),
        HELP("how long a device may wait in the stage; pauses and outages do not count")),
    ROW("shutdown_grace", STAGE(shutdown_grace_ms), DURATION, DEFAULT("20s"), RANGE(0, HOUR),
        HELP("how long requests under way may take after SIGTERM")),

    ROW("audit.signer", TOP(audit_signer), SIGNER, REQUIRED,
        HELP("who signs the manifests: `ed25519:file:PATH`")),
    ROW("audit.spool", TOP(audit_spool), PATH, DEFAULT("spool"),
        HELP("folder for the records of open runs, the same for all audit workers")),
    ROW("audit.sinks", TOP(audit_sinks), SINKS, REQUIRED,
        HELP("where evidence is kept, a list: `file:FOLDER`")),
    ROW("runs.keep", TOP(runs_keep_ms), DURATION, DEFAULT("30d"), RANGE(SECOND, 3650 * DAY),
        HELP("how long Redis remembers a closed run; the evidence stays")),
    ROW("plan.max_age", TOP(plan_max_age_ms), DURATION, DEFAULT("24h"), RANGE(SECOND, 3650 * DAY),
        HELP("how old a plan may be when it is applied")),
    ROW("apply.require_approvals", TOP(apply_require_approvals), INT, DEFAULT("0"), RANGE(0, 16),
        HELP("keys of `apply.approvers` that must have signed a plan before it is applied; 0: none")),
    ROW("apply.approvers", TOP(apply_approvers), KEYS, OPTIONAL,
        HELP("public keys of those who may approve a plan, a list: paths (PEM), or the key itself (base64 of "
             "its DER)")),
    ROW("secrets.seal_key", TOP(secrets_seal_key), SECRET, OPTIONAL,
        HELP("32 bytes in base64 that seal what must stand in Redis (tokens)")),
    ROW("secrets.allow_mount_mode", TOP(secrets_allow_mount_mode), BOOL, DEFAULT("false"),
        HELP("take a secret file that others may read where it is on a read-only mount, as in a container")),
    ROW("secrets.vault.address", TOP(secrets_vault.address), VAULT_URL, OPTIONAL,
        HELP("where Vault or OpenBao is, for `vault:PATH#FIELD`; https, and http for loopback hosts")),
    ROW("secrets.vault.namespace", TOP(secrets_vault.name_space), TEXT, OPTIONAL,
        HELP("the namespace there; absent: the root's")),
    ROW("secrets.vault.ca_file", TOP(secrets_vault.ca_file), PATH, OPTIONAL,
        HELP("certificates (PEM) that Vault's is checked with; absent: the system's")),
    ROW("secrets.vault.auth", TOP(secrets_vault.auth), VAULT_AUTH, DEFAULT("token"),
        HELP("how to log in: `token`, `approle` or `kubernetes`")),
    ROW("secrets.vault.mount", TOP(secrets_vault.mount), TEXT, OPTIONAL,
        .shown_fallback = "the method's own name", HELP("where the auth method is mounted, below `auth/`")),
    ROW("secrets.vault.token", TOP(secrets_vault.token), SECRET, OPTIONAL,
        HELP("the token, where `auth` is `token`; no `vault:` reference, as the next two")),
    ROW("secrets.vault.role_id", TOP(secrets_vault.role_id), TEXT, OPTIONAL,
        HELP("the role's id, where `auth` is `approle`")),
    ROW("secrets.vault.secret_id", TOP(secrets_vault.secret_id), SECRET, OPTIONAL,
        HELP("its secret id; read again for each login")),
    ROW("secrets.vault.role", TOP(secrets_vault.role), TEXT, OPTIONAL,
        HELP("the role, where `auth` is `kubernetes`")),
    ROW("secrets.vault.jwt", TOP(secrets_vault.jwt), SECRET, DEFAULT("file:" SERVICE_ACCOUNT),
        HELP("the service account's token; read again for each login")),
    ROW("secrets.vault.timeout", TOP(secrets_vault.timeout_ms), DURATION, DEFAULT("5s"),
        RANGE(100, 60 * SECOND), HELP("the longest wait for one answer of Vault")),
};

const struct setting *settings_rows(size_t *count_r)
{
    *count_r = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

struct setting_list setting_list_of(struct settings *settings, enum setting_type type)
{
    if (type == SETTING_SINKS)
        return (struct setting_list){ &settings->audit_sinks, &settings->audit_sink_count };
    if (type == SETTING_KEYS)
        return (struct setting_list){ &settings->apply_approvers, &settings->apply_approver_count };
    return (struct setting_list){ NULL, NULL };
}

size_t settings_row_of(enum setting_scope scope, const char *path)
{
    size_t row = 0;

    while (row < sizeof(rows) / sizeof(rows[0]) &&
           (rows[row].scope != scope || strcmp(rows[row].path, path) != 0))
        row++;
    return row;
}

/* The largest unit that gives a whole number. */
static char *duration_text(int64_t ms, char *text, size_t len)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = { { DAY, "d" }, { HOUR, "h" }, { 60 * SECOND, "m" }, { SECOND, "s" }, { 1, "ms" } };
    size_t i = 0;

    while (ms == 0 ? i < 4 : ms % units[i].ms != 0)
        i++;
    snprintf(text, len, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
    return text;
}

char *setting_type_text(const struct setting *row, char *text)
{
    static const char *const names[] = {
        [SETTING_VERSION] = "1",
        [SETTING_PERCENT] = "whole percentage, 0% to 100%",
        [SETTING_BOOL] = "true or false",
        [SETTING_TEXT] = "text",
        [SETTING_PATH] = "path",
        [SETTING_SECRET] = "secret reference",
        [SETTING_REDIS_URL] = "URL",
        [SETTING_API_URL] = "URL",
        [SETTING_VAULT_URL] = "URL",
        [SETTING_VAULT_AUTH] = "name",
        [SETTING_DIALECT] = "name",
        [SETTING_PATTERN] = "pattern",
        [SETTING_SIGNER] = "signer",
        [SETTING_SINKS] = "list of sinks",
        [SETTING_KEYS] = "list of public keys",
    };
    char low[32], top[32];

    if (row->type == SETTING_INT)
        snprintf(text, 64, "whole number, %" PRId64 " to %" PRId64, row->min, row->max);
    else if (row->type == SETTING_DURATION)
        snprintf(text, 64, "duration, %.10s to %.10s", duration_text(row->min, low, sizeof(low)),
                 duration_text(row->max, top, sizeof(top)));
    else
        snprintf(text, 64, "%s", names[row->type]);
    return text;
}

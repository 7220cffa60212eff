#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fsio.h"
#include "base/str.h"
#include "domain/settings.h"
#include "domain/settings_table.h"

#define README      TEST_TOP "/config/README.md"
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* The least that loads; what a row adds stands behind it. */
#define REDIS       "version: 1\nredis: { url: \"redis://127.0.0.1:6379/0\" }\n"
#define API         "dialect: abm-v2, base_url: \"https://abm.example\", token: \"env:ABM_TOKEN\""
#define ORG         "orgs:\n  acme:\n    api: { " API " }\n    rate_limit: { requests: 100 }\n    rules: b.yaml\n"
#define AUDIT       "audit: { signer: \"ed25519:file:audit.key\", sinks: [\"file:evidence\"] }\n"
#define LEAST       REDIS ORG AUDIT
#define VAULT(rest) "secrets:\n  vault: { address: \"https://vault:8200\", timeout: 2s, " rest " }\n"

/* An organization whose api has these members beside dialect and base_url. */
#define ORG_OF(api)                                                                                          \
    "orgs:\n  acme:\n    api: { dialect: abm-v2, base_url: \"https://abm.example\"" api " }\n"               \
    "    rate_limit: { requests: 100 }\n    rules: b.yaml\n"
#define ISSUER_IDS "issuer_id: me, key_id: K1, private_key: \"env:KEY\""
#define SEAL_KEY   "secrets: { seal_key: \"env:SEAL\" }\n"

static char folder[] = "/tmp/test_settings.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/p.yaml", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int load_text(const char *text, char *const *env, struct settings **settings_r, struct err *err)
{
    if (fsio_write(path, text, strlen(text), 0600, err) != 0)
        return -1;
    return settings_load(path, env, settings_r, err);
}

static struct settings *must_load(const char *text, char *const *env)
{
    struct settings *settings = NULL;
    struct err err = ERR_INIT;

    if (load_text(text, env, &settings, &err) != 0)
        fail_msg("%s", err.text);
    return settings;
}

static void fills_in_the_defaults(void **state)
{
    struct settings *settings = must_load(LEAST, NULL);
    const struct org_settings *org = &settings->orgs[0];
    char want[128];

    (void)state;
    assert_int_equal(settings->org_count, 1);
    assert_string_equal(org->name, "acme");
    assert_string_equal(org->api_dialect, "abm-v2");
    assert_string_equal(org->api_base_url, "https://abm.example");
    assert_string_equal(org->api_token, "env:ABM_TOKEN");
    assert_int_equal(org->api_timeout_ms, 15000);
    assert_false(org->api_allow_http);
    assert_null(org->api_ca_file);
    assert_int_equal(org->rate_limit.requests, 100);
    assert_int_equal(org->rate_limit.per_ms, 60000);
    assert_int_equal(org->rate_limit.burst, 20);
    assert_null(org->mdm_server);
    assert_false(org->max_changes.is_set);
    assert_false(org->max_failed.is_set);
    assert_string_equal(org->serial_pattern, "^[A-Z0-9]{10,12}$");
    assert_null(settings->redis_username);
    assert_null(settings->redis_password);
    assert_null(settings->secrets_seal_key);
    assert_false(settings->secrets_allow_mount_mode);
    assert_int_equal(settings->runs_keep_ms, INT64_C(30) * 86400000);
    for (int i = 0; i < STAGE_COUNT; i++) {
        const struct stage_settings *stage = &settings->stages[i];

        assert_int_equal(stage->batch, 200);
        assert_int_equal(stage->linger_ms, 200);
        assert_int_equal(stage->concurrency, 16);
        assert_int_equal(stage->max_backlog, 10000);
        assert_int_equal(stage->max_parked, 200000);
        assert_int_equal(stage->lease_ms, 60000);
        assert_int_equal(stage->max_hold_ms, 600000);
        assert_int_equal(stage->retry_attempts, 8);
        assert_int_equal(stage->retry_base_ms, 1000);
        assert_int_equal(stage->retry_cap_ms, 300000);
        assert_int_equal(stage->deadline_ms, 86400000);
        assert_int_equal(stage->shutdown_grace_ms, 20000);
    }
    snprintf(want, sizeof(want), "%s/b.yaml", folder);
    assert_string_equal(org->rules, want);
    snprintf(want, sizeof(want), "%s/spool", folder);
    assert_string_equal(settings->audit_spool, want);
    snprintf(want, sizeof(want), "file:%s/evidence", folder);
    assert_int_equal(settings->audit_sink_count, 1);
    assert_string_equal(settings->audit_sinks[0], want);
    snprintf(want, sizeof(want), "ed25519:file:%s/audit.key", folder);
    assert_string_equal(settings->audit_signer, want);
    settings_free(settings);
}

static void takes_percentages(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: refused; -2: not set */
    } rows[] = {
        { "10%", 10 },   { "\"5%\"", 5 }, { "0%", 0 },    { "100%", 100 }, { "null", -2 },
        { "10", -1 },    { "101%", -1 },  { "-1%", -1 },  { "-0%", -1 },   { "2.5%", -1 },
        { "10 %", -1 },  { "'%'", -1 },   { "10%%", -1 }, { "0100%", -1 }, { "0x1%", -1 },
        { "[10%]", -1 }, { "1e1%", -1 },  { "ten%", -1 }, { "+5%", -1 },   { "18446744073709551626%", -1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings *settings = NULL;
        struct err err = ERR_INIT;
        char text[1024];
        int rc;

        snprintf(text, sizeof(text), "%s%s    limits: { max_changes: %s }\n%s", REDIS, ORG, rows[i].text,
                 AUDIT);
        rc = load_text(text, NULL, &settings, &err);
        if (rc != (rows[i].want == -1 ? -1 : 0) || (rc != 0 && err.code != ERR_SETTINGS_TYPE))
            fail_msg("%s: %d %s", rows[i].text, rc, err.text);
        if (rc == 0 && (settings->orgs[0].max_changes.is_set != (rows[i].want >= 0) ||
                        (rows[i].want >= 0 && settings->orgs[0].max_changes.value != rows[i].want)))
            fail_msg("%s: %lld", rows[i].text, (long long)settings->orgs[0].max_changes.value);
        if (rc != 0 && strstr(err.text, "orgs.acme.limits.max_changes: ") == NULL)
            fail_msg("%s: %s", rows[i].text, err.text);
        settings_free(settings);
    }
}

static void says_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *what, *text;
        enum err_code code;
        const char *want; /* a part of the message, behind the folder's name */
    } rows[] = {
        { "an empty file", "", ERR_SETTINGS, "p.yaml: the settings are empty" },
        { "a list", "- 1\n", ERR_SETTINGS_TYPE, "p.yaml:1:1: the settings are a list, wanted a map" },
        { "no YAML", "a: [", ERR_SETTINGS, "p.yaml:2:1: " },
        { "a key twice", REDIS "redis: {}\n", ERR_SETTINGS,
          "p.yaml:3:1: key 'redis' stands twice, first at line 2" },
        { "an alias", "a: &x 1\nb: *x\n", ERR_SETTINGS, "aliases are not supported" },
        { "a near miss", LEAST "stages:\n  assign:\n    max_backlogg: 5\n", ERR_SETTINGS_UNKNOWN,
          "p.yaml:11:5: unknown key 'max_backlogg' \xe2\x80\x94 did you mean 'max_backlog'?" },
        { "a near miss at the top", LEAST "stage: {}\n", ERR_SETTINGS_UNKNOWN,
          "p.yaml:9:1: unknown key 'stage' \xe2\x80\x94 did you mean 'stages'?" },
        { "a near miss of a stage", LEAST "stages: { asign: {} }\n", ERR_SETTINGS_UNKNOWN,
          "did you mean 'assign'?" },
        { "a near miss below", LEAST "stages: { assign: { retry: { atempts: 3 } } }\n", ERR_SETTINGS_UNKNOWN,
          "unknown key 'atempts' \xe2\x80\x94 did you mean 'attempts'?" },
        { "a key far from all", LEAST "zebra: 1\n", ERR_SETTINGS_UNKNOWN, "p.yaml:9:1: unknown key 'zebra'" },
        { "a hostile key", LEAST "\"a\\eb\": 1\n", ERR_SETTINGS_UNKNOWN, "unknown key 'a\\x1bb'" },
        { "a path as a key", LEAST "redis.url: x\n", ERR_SETTINGS_UNKNOWN, "unknown key 'redis.url'" },
        { "a key of a later version", LEAST "metrics: { listen: \":9090\" }\n", ERR_SETTINGS_UNKNOWN,
          "unknown key 'metrics'" },
        { "a value where a map belongs", LEAST "runs: 5\n", ERR_SETTINGS_TYPE,
          "p.yaml:9:7: 'runs' is a value, wanted a map" },
        { "a map where a value belongs", LEAST "runs: { keep: { a: 1 } }\n", ERR_SETTINGS_TYPE,
          "p.yaml:9:15: runs.keep: a map, wanted: duration" },
        { "no version", "redis: { url: \"redis://x\" }\n" ORG AUDIT, ERR_SETTINGS_MISSING,
          "version is missing" },
        { "another version", "version: 2\n", ERR_SETTINGS_MISSING, "orgs is missing" },
        { "another version of a whole file", "version: 2\nredis: { url: \"redis://x\" }\n" ORG AUDIT,
          ERR_SETTINGS_TYPE, "p.yaml:1:10: version: '2', wanted 1" },
        { "no redis", "version: 1\n" ORG AUDIT, ERR_SETTINGS_MISSING,
          "redis.url is missing: it is required" },
        { "no orgs", REDIS AUDIT, ERR_SETTINGS_MISSING, "orgs is missing" },
        { "orgs empty", REDIS "orgs: {}\n" AUDIT, ERR_SETTINGS_MISSING, "p.yaml:3:1: orgs is missing" },
        { "an organization of nothing", REDIS "orgs: { acme: }\n" AUDIT, ERR_SETTINGS_MISSING,
          "p.yaml:3:9: orgs.acme.api.dialect is missing" },
        { "a bad name", REDIS "orgs: { \"a/b\": {} }\n" AUDIT, ERR_SETTINGS, "the name of an organization" },
        { "no token", REDIS ORG_OF("") AUDIT, ERR_SETTINGS_MISSING,
          "orgs.acme.api.token: it is missing: give api.token, or api.issuer" },
        { "a token and an issuer",
          REDIS ORG_OF(", token: \"env:T\", issuer: { url: \"https://i.example\", " ISSUER_IDS " }")
              AUDIT SEAL_KEY,
          ERR_SETTINGS, "p.yaml:5:69: orgs.acme.api.token: api.issuer is given too" },
        { "an issuer without its url", REDIS ORG_OF(", issuer: { " ISSUER_IDS " }") AUDIT SEAL_KEY,
          ERR_SETTINGS_MISSING, "orgs.acme.api.issuer.url: it is missing" },
        { "an issuer without a key", REDIS ORG_OF(", issuer: { url: \"https://i.example\" }") AUDIT SEAL_KEY,
          ERR_SETTINGS_MISSING, "orgs.acme.api.issuer.issuer_id: it is missing" },
        { "an issuer without a seal key",
          REDIS ORG_OF(", issuer: { url: \"https://i.example\", " ISSUER_IDS " }") AUDIT,
          ERR_SETTINGS_MISSING, "secrets.seal_key: it is missing: api.issuer wants it" },
        { "an issuer over plain http",
          REDIS ORG_OF(", issuer: { url: \"http://i.example\", " ISSUER_IDS " }") AUDIT SEAL_KEY,
          ERR_SETTINGS, "orgs.acme.api.issuer.url: http sends the token in clear" },
        { "no signer", REDIS ORG "audit: { sinks: [\"file:e\"] }\n", ERR_SETTINGS_MISSING,
          "audit.signer is missing" },
        { "more approvals than who may give them",
          LEAST "apply: { require_approvals: 2, approvers: [a.pem] }\n", ERR_SETTINGS,
          "p.yaml:9:29: apply.require_approvals: 2 approvals are wanted, but apply.approvers names 1" },
        { "too many approvals", LEAST "apply: { require_approvals: 17 }\n", ERR_SETTINGS_TYPE,
          "'17', wanted a whole number from 0 to 16" },
        { "approvers that are no list", LEAST "apply: { approvers: a.pem }\n", ERR_SETTINGS_TYPE,
          "apply.approvers: a value, wanted: list of public keys" },
        { "an approver that is a map", LEAST "apply: { approvers: [{}] }\n", ERR_SETTINGS_TYPE,
          "apply.approvers: a map in the list, wanted: list of public keys" },
        { "an empty approver", LEAST "apply: { approvers: [a.pem, \"\"] }\n", ERR_SETTINGS_TYPE,
          "apply.approvers: the value is empty" },
        { "a key's file in place of its path", LEAST "apply: { approvers: [\"-----BEGIN s3cr3tvalue\"] }\n",
          ERR_SETTINGS_TYPE,
          "wanted the path of the key's file, or its base64 alone (the value is not shown)" },
        { "seventeen approvers", LEAST "apply: { approvers: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q] }\n",
          ERR_SETTINGS, "more than 16 values" },
        { "a plan that is old at once", LEAST "plan: { max_age: 0s }\n", ERR_SETTINGS_TYPE,
          "duration, 1s to" },
        { "no sinks", REDIS ORG "audit: { signer: \"ed25519:file:k\" }\n", ERR_SETTINGS_MISSING,
          "audit.sinks is missing" },
        { "sinks empty", REDIS ORG "audit: { signer: \"ed25519:file:k\", sinks: [] }\n", ERR_SETTINGS_MISSING,
          "audit.sinks: the list is empty" },
        { "sinks of another kind", REDIS ORG "audit: { signer: \"ed25519:file:k\", sinks: [\"s3://b\"] }\n",
          ERR_SETTINGS, "s3: is not served by this version" },
        { "a signer of another kind", REDIS ORG "audit: { signer: \"pkcs11:x\", sinks: [\"file:e\"] }\n",
          ERR_SETTINGS, "not served by this version; use ed25519:file:PATH" },
        { "a key for a signer", REDIS ORG "audit: { signer: \"s3cr3tvalue\", sinks: [\"file:e\"] }\n",
          ERR_SETTINGS_TYPE, "audit.signer: wanted ed25519:file:PATH (the value is not shown)" },
        { "a key behind its kind",
          REDIS ORG "audit: { signer: \"ed25519:s3cr3tvalue\", sinks: [\"file:e\"] }\n", ERR_SETTINGS_TYPE,
          "audit.signer: wanted ed25519:file:PATH (the value is not shown)" },
        { "a signer of a module with its PIN",
          REDIS ORG "audit: { signer: \"pkcs11:x?pin=s3cr3tvalue\", sinks: [\"file:e\"] }\n", ERR_SETTINGS,
          "such a signer is not served" },
        { "a password for a URL", "version: 1\nredis: { url: \"s3cr3tvalue\" }\n" ORG AUDIT,
          ERR_SETTINGS_TYPE,
          "redis.url: wanted redis://host:port/db, unix:///path?db=N, sentinel://host,host/NAME or "
          "cluster://host,host (the value is not shown)" },
        { "a URL with a password and no host",
          "version: 1\nredis: { url: \"redis:s3cr3tvalue\" }\n" ORG AUDIT, ERR_SETTINGS_TYPE,
          "(the value is not shown)" },
        { "a batch of none", LEAST "stages: { assign: { batch: 0 } }\n", ERR_SETTINGS_TYPE,
          "stages.assign.batch: '0', wanted a whole number from 1 to 1000" },
        { "a batch in quotes", LEAST "stages: { assign: { batch: \"20\" } }\n", ERR_SETTINGS_TYPE,
          "stages.assign.batch: '20' in quotes, wanted a whole number" },
        { "a batch of words", LEAST "stages: { assign: { batch: many } }\n", ERR_SETTINGS_TYPE,
          "'many', wanted" },
        { "a batch beyond 64 bits", LEAST "stages: { assign: { batch: 99999999999999999999 } }\n",
          ERR_SETTINGS_TYPE, "wanted a whole number" },
        { "a batch of nothing", LEAST "stages: { assign: { batch: } }\n", ERR_SETTINGS_TYPE,
          "the value is empty" },
        { "a duration without unit", LEAST "stages: { assign: { lease: 60 } }\n", ERR_SETTINGS_TYPE,
          "stages.assign.lease: '60', wanted a duration: a whole number with ms, s, m, h or d" },
        { "a lease too short", LEAST "stages: { assign: { lease: 999ms } }\n", ERR_SETTINGS_TYPE,
          "'999ms', wanted duration, 1s to 1d" },
        { "a negative duration", LEAST "runs: { keep: -5d }\n", ERR_SETTINGS_TYPE,
          "'-5d', wanted a duration" },
        { "a yes", LEAST "secrets: { allow_mount_mode: yes }\n", ERR_SETTINGS_TYPE,
          "'yes', wanted true or false" },
        { "a secret itself", LEAST "secrets: { seal_key: \"s3cr3tvalue\" }\n", ERR_SETTINGS_TYPE,
          "secrets.seal_key: wanted a secret reference, env:NAME, file:PATH, systemd:NAME or "
          "vault:PATH#FIELD, "
          "not the secret itself" },
        { "a vault nobody knows", LEAST "secrets: { seal_key: \"vault:a/b#c\" }\n", ERR_SETTINGS_MISSING,
          "secrets.seal_key: it is in Vault, but secrets.vault.address is not set" },
        { "a vault without a field", LEAST "secrets: { seal_key: \"vault:s3cr3tvalue\" }\n",
          ERR_SETTINGS_TYPE, "wanted a secret reference, env:NAME" },
        { "a vault in clear", LEAST "secrets: { vault: { address: \"http://vault:8200\", token: env:T } }\n",
          ERR_SETTINGS, "secrets.vault.address: http sends secrets in clear: use https" },
        { "a vault that nobody logs in at", LEAST VAULT("namespace: n"), ERR_SETTINGS_MISSING,
          "secrets.vault.token is missing: auth: token wants it" },
        { "a vault without its secret id", LEAST VAULT("auth: approle, role_id: r"), ERR_SETTINGS_MISSING,
          "secrets.vault.secret_id is missing: auth: approle wants it" },
        { "a vault without its role id", LEAST VAULT("auth: approle, secret_id: env:S"), ERR_SETTINGS_MISSING,
          "secrets.vault.role_id is missing" },
        { "a vault without its role", LEAST VAULT("auth: kubernetes"), ERR_SETTINGS_MISSING,
          "secrets.vault.role is missing: auth: kubernetes wants it" },
        { "a way to log in that there is not", LEAST VAULT("auth: ldap"), ERR_SETTINGS_TYPE,
          "'ldap', wanted token, approle or kubernetes" },
        { "a vault within itself", LEAST VAULT("token: \"vault:a/b#c\""), ERR_SETTINGS,
          "secrets.vault.token: what logs in at Vault cannot be read from there" },
        { "a password in the vault's URL",
          LEAST "secrets: { vault: { address: \"https://u:p@vault\", token: env:T } }\n", ERR_SETTINGS,
          "no user or password in the URL: give secrets.vault.token" },
        { "a concurrency", LEAST "stages: { verify: { concurrency: 257 } }\n", ERR_SETTINGS_TYPE,
          "1 to 256" },
        { "attempts", LEAST "stages: { verify: { retry: { attempts: 0 } } }\n", ERR_SETTINGS_TYPE,
          "from 1 to 1000" },
        { "a NUL", LEAST "runs: { keep: \"\\0\" }\n", ERR_SETTINGS, "a NUL character" },
        { "a control character", REDIS ORG "audit: { signer: \"ed25519:file:k\\n\", sinks: [\"file:e\"] }\n",
          ERR_SETTINGS_TYPE, "a control character" },
        { "a control character of terminals",
          REDIS ORG "audit: { signer: \"ed25519:file:k\\u009b\", sinks: [\"file:e\"] }\n", ERR_SETTINGS_TYPE,
          "a control character" },
        { "a byte order mark",
          REDIS ORG "audit: { signer: \"ed25519:file:k\\ufeff\", sinks: [\"file:e\"] }\n", ERR_SETTINGS_TYPE,
          "a control character" },
        { "an org's broken pattern", LEAST "    serial_pattern: 5\n", ERR_SETTINGS, "p.yaml:9:" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings *settings = NULL;
        struct err err = ERR_INIT;

        if (load_text(rows[i].text, NULL, &settings, &err) == 0)
            fail_msg("%s: it loaded", rows[i].what);
        if (err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (strstr(err.text, "s3cr3tvalue") != NULL)
            fail_msg("%s: the secret is in the message", rows[i].what);
        assert_int_equal(err_exit_status(err.code), 78);
    }
}

static void judges_an_organization(void **state)
{
    static const struct {
        const char *what, *api, *more; /* members of api; further lines of the organization and the file */
        enum err_code code;            /* ERR_NONE: it loads */
        const char *want;
    } rows[] = {
        { "https", API, "", ERR_NONE, "" },
        { "a path and slashes",
          "dialect: abm-v2, base_url: \"https://abm.example:8443/api//\", token: \"env:T\"", "", ERR_NONE,
          "" },
        { "http on localhost", "dialect: abm-v2, base_url: \"http://localhost:80\", token: \"env:T\"", "",
          ERR_NONE, "" },
        { "http on 127/8", "dialect: abm-v2, base_url: \"http://127.9.8.7\", token: \"env:T\"", "", ERR_NONE,
          "" },
        { "http on ::1", "dialect: abm-v2, base_url: \"http://[::1]:8080\", token: \"env:T\"", "", ERR_NONE,
          "" },
        { "http elsewhere", "dialect: abm-v2, base_url: \"http://abm.example\", token: \"env:T\"", "",
          ERR_SETTINGS, "orgs.acme.api.base_url: http sends the token in clear" },
        { "http that looks like loopback",
          "dialect: abm-v2, base_url: \"http://127.0.0.1.evil.example\", token: \"env:T\"", "", ERR_SETTINGS,
          "http sends the token in clear" },
        { "http on localhost.evil", "dialect: abm-v2, base_url: \"http://localhost.evil\", token: \"env:T\"",
          "", ERR_SETTINGS, "http sends the token in clear" },
        { "http that is allowed",
          "dialect: abm-v2, base_url: \"http://abm.example\", token: \"env:T\", allow_http: true", "",
          ERR_NONE, "" },
        { "ftp", "dialect: abm-v2, base_url: \"ftp://abm.example\", token: \"env:T\"", "", ERR_SETTINGS_TYPE,
          "wanted an URL" },
        { "no host", "dialect: abm-v2, base_url: \"https:///x\", token: \"env:T\"", "", ERR_SETTINGS_TYPE,
          "wanted an URL" },
        { "a bare scheme", "dialect: abm-v2, base_url: \"https://\", token: \"env:T\"", "", ERR_SETTINGS_TYPE,
          "wanted an URL" },
        { "a password", "dialect: abm-v2, base_url: \"https://u:hunter2@abm.example\", token: \"env:T\"", "",
          ERR_SETTINGS, "no user or password" },
        { "a query", "dialect: abm-v2, base_url: \"https://abm.example/?a=1\", token: \"env:T\"", "",
          ERR_SETTINGS_TYPE, "without query" },
        { "a token itself", "dialect: abm-v2, base_url: \"https://x\", token: hunter2", "", ERR_SETTINGS_TYPE,
          "orgs.acme.api.token: wanted a secret reference" },
        { "apple-v1", "dialect: apple-v1, base_url: \"https://x\", token: \"env:T\"", "", ERR_SETTINGS,
          "apple-v1 is not served by this version; use abm-v2" },
        { "a dialect unknown", "dialect: abm-v3, base_url: \"https://x\", token: \"env:T\"", "",
          ERR_SETTINGS_TYPE, "'abm-v3', wanted abm-v2" },
        { "a way to log in that there is not", API ", oauth: \"x\"", "", ERR_SETTINGS_UNKNOWN,
          "unknown key 'oauth'" },
        { "a time-out of half the lease", API ", timeout: 30s", "", ERR_SETTINGS,
          "orgs.acme.api.timeout: 30 s is not below half of stages.import.lease, which is 1 m" },
        { "a time-out below it", API ", timeout: 29s", "", ERR_NONE, "" },
        { "a time-out against the shortest lease", API ", timeout: 5s",
          "stages: { verify: { lease: 10s }, audit: { lease: 1s } }\n", ERR_SETTINGS,
          "5 s is not below half of stages.verify.lease, which is 10 s" },
        { "a limit of a later version", API, "    limits: { max_devices: 5 }\n", ERR_SETTINGS_UNKNOWN,
          "p.yaml:8:15: unknown key 'max_devices'" },
        { "a pattern that does not end", API, "    serial_pattern: \"[A-Z\"\n", ERR_SETTINGS_TYPE,
          "orgs.acme.serial_pattern: at byte" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool is_file_level = strncmp(rows[i].more, "stages", 6) == 0;
        struct settings *settings = NULL;
        struct err err = ERR_INIT;
        char text[2048];

        snprintf(text, sizeof(text),
                 REDIS
                 "orgs:\n  acme:\n    api: { %s }\n    rate_limit: { requests: 1 }\n    rules: r\n%s" AUDIT
                 "%s",
                 rows[i].api, is_file_level ? "" : rows[i].more, is_file_level ? rows[i].more : "");
        load_text(text, NULL, &settings, &err);
        if (err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: the secret is in the message", rows[i].what);
        if (settings != NULL && str_ends(settings->orgs[0].api_base_url, "/"))
            fail_msg("%s: %s", rows[i].what, settings->orgs[0].api_base_url);
        settings_free(settings);
    }
}

static void takes_the_urls_that_redis_serves(void **state)
{
    static const struct {
        const char *url;
        enum err_code code;
        const char *want;
    } rows[] = {
        { "redis://h:1/2", ERR_NONE, "" },
        { "unix:///run/r.sock?db=1", ERR_NONE, "" },
        { "rediss://h", ERR_NONE, "" },
        { "sentinel://a,b/m", ERR_NONE, "" },
        { "sentinels://a,b/m", ERR_NONE, "" },
        { "cluster://a,b", ERR_NONE, "" },
        { "clusters://a,b", ERR_NONE, "" },
        { "redis://u:hunter2@h", ERR_SETTINGS, "no user or password" },
        { "http://h", ERR_SETTINGS_TYPE, "wanted redis://host:port/db" },
        { "unix://relative", ERR_SETTINGS_TYPE, "wanted redis://" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings *settings = NULL;
        struct err err = ERR_INIT;
        char text[1024];

        snprintf(text, sizeof(text), "version: 1\nredis: { url: \"%s\" }\n" ORG AUDIT, rows[i].url);
        load_text(text, NULL, &settings, &err);
        if (err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL ||
            strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: %s: %s", rows[i].url, err_wire(err.code), err.text);
        settings_free(settings);
    }
}

static void shortens_the_timeout_with_the_lease(void **state)
{
    struct settings *settings = must_load(LEAST "stages: { assign: { lease: 2s } }\n", NULL);

    (void)state;
    assert_int_equal(settings->orgs[0].api_timeout_ms, 666);
    settings_free(settings);
    settings = must_load(LEAST "stages: { audit: { lease: 2s }, validate: { lease: 1s } }\n", NULL);
    assert_int_equal(settings->orgs[0].api_timeout_ms, 15000);
    settings_free(settings);
}

static void lets_the_environment_override(void **state)
{
    char *env[] = {
        (char[]){ "PATH=/bin" },
        (char[]){ "ABM_TOKEN=not a setting" },
        (char[]){ "ABM_ORG=acme" },
        (char[]){ "ABM_REDIS__URL=unix:///x.sock" },
        (char[]){ "ABM_ORGS__ACME_EU__API__BASE_URL=https://eu.example/" },
        (char[]){ "ABM_ORGS__ACME_EU__RATE_LIMIT__BURST=7" },
        (char[]){ "ABM_STAGES__ASSIGN__RETRY__ATTEMPTS=3" },
        (char[]){ "ABM_STAGES__ASSIGN__LEASE=90s" },
        (char[]){ "ABM_AUDIT__SINKS=file:one,file:/two" },
        (char[]){ "ABM_SECRETS__ALLOW_MOUNT_MODE=true" },
        NULL,
    };
    struct settings *settings = must_load(REDIS "orgs:\n  Acme-EU:\n    api: { " API
                                                " }\n    rate_limit: { requests: 100 }\n    rules: b\n" AUDIT,
                                          env);
    char want[128];

    (void)state;
    assert_string_equal(settings->redis_url, "unix:///x.sock");
    assert_string_equal(settings->orgs[0].name, "Acme-EU");
    assert_string_equal(settings->orgs[0].api_base_url, "https://eu.example");
    assert_int_equal(settings->orgs[0].rate_limit.burst, 7);
    assert_int_equal(settings->stages[STAGE_ASSIGN].retry_attempts, 3);
    assert_int_equal(settings->stages[STAGE_ASSIGN].lease_ms, 90000);
    assert_int_equal(settings->stages[STAGE_VERIFY].lease_ms, 60000);
    assert_true(settings->secrets_allow_mount_mode);
    snprintf(want, sizeof(want), "file:%s/one", folder);
    assert_int_equal(settings->audit_sink_count, 2);
    assert_string_equal(settings->audit_sinks[0], want);
    assert_string_equal(settings->audit_sinks[1], "file:/two");
    settings_free(settings);
}

#define KEY "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="

/* A key stands for itself, or in a file beside the settings. */
static void takes_the_keys_of_approvers(void **state)
{
    char *env[] = { (char[]){ "ABM_APPLY__APPROVERS=one.pem," KEY }, NULL };
    struct settings *settings = must_load(LEAST, NULL);
    char want[128];

    (void)state;
    assert_int_equal(settings->plan_max_age_ms, 86400000);
    assert_int_equal(settings->apply_require_approvals, 0);
    assert_int_equal(settings->apply_approver_count, 0);
    settings_free(settings);
    snprintf(want, sizeof(want), "%s/one.pem", folder);
    for (int by_env = 0; by_env < 2; by_env++) {
        settings =
            must_load(by_env ? LEAST "apply: { require_approvals: 2 }\n"
                             : LEAST "plan: { max_age: 90m }\napply:\n  require_approvals: 2\n  approvers:\n"
                                     "  - one.pem\n  - " KEY "\n",
                      by_env ? env : NULL);
        assert_int_equal(settings->plan_max_age_ms, by_env ? 86400000 : 5400000);
        assert_int_equal(settings->apply_require_approvals, 2);
        assert_int_equal(settings->apply_approver_count, 2);
        assert_string_equal(settings->apply_approvers[0], want);
        assert_string_equal(settings->apply_approvers[1], KEY);
        settings_free(settings);
    }
}

static void refuses_overrides_that_name_nothing(void **state)
{
    static const struct {
        const char *what, *variable;
        enum err_code code;
        const char *want;
    } rows[] = {
        { "a misspelling", "ABM_REDIS__URLL=x", ERR_SETTINGS_UNKNOWN,
          "environment: ABM_REDIS__URLL overrides no setting \xe2\x80\x94 did you mean 'redis.url'?" },
        { "another organization", "ABM_ORGS__OTHER__RULES=x", ERR_SETTINGS_UNKNOWN, "no such organization" },
        { "another stage", "ABM_STAGES__ASIGN__LEASE=1s", ERR_SETTINGS_UNKNOWN, "ABM_STAGES__ASIGN__LEASE" },
        { "a stage alone", "ABM_STAGES__ASSIGN=1s", ERR_SETTINGS_UNKNOWN, "overrides no setting" },
        { "lower case", "ABM_redis__url=x", ERR_SETTINGS_UNKNOWN, "overrides no setting" },
        { "nothing behind", "ABM_REDIS__=x", ERR_SETTINGS_UNKNOWN, "overrides no setting" },
        { "a bad value", "ABM_STAGES__ASSIGN__BATCH=0", ERR_SETTINGS_TYPE,
          "environment: ABM_STAGES__ASSIGN__BATCH: '0', wanted a whole number from 1 to 1000" },
        { "an empty value", "ABM_REDIS__URL=", ERR_SETTINGS_TYPE, "ABM_REDIS__URL: the value is empty" },
        { "a secret itself", "ABM_ORGS__ACME__API__TOKEN=hunter2", ERR_SETTINGS_TYPE,
          "wanted a secret reference" },
        { "bytes", "ABM_REDIS__URL=redis://\xff", ERR_SETTINGS_TYPE, "no UTF-8" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char variable[128], *env[] = { variable, NULL };
        struct settings *settings = NULL;
        struct err err = ERR_INIT;

        snprintf(variable, sizeof(variable), "%s", rows[i].variable);
        load_text(LEAST, env, &settings, &err);
        if (err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL ||
            strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        settings_free(settings);
    }
}

static void refuses_an_override_of_either(void **state)
{
    char *env[] = { (char[]){ "ABM_ORGS__A_B__MDM_SERVER=x" }, NULL };
    struct settings *settings = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(load_text(REDIS "orgs: { a-b: {}, a_b: {} }\n" AUDIT, env, &settings, &err), -1);
    assert_non_null(strstr(err.text, "ABM_ORGS__A_B__MDM_SERVER may mean 'a-b' or 'a_b'"));
}

static void takes_an_issuer_in_place_of_a_token(void **state)
{
    struct settings *settings = must_load(REDIS ORG_OF(", issuer: { url: \"https://i.example/\", " ISSUER_IDS
                                                       ", expires_in: 2h }") AUDIT SEAL_KEY,
                                          NULL);
    const struct org_settings *org = &settings->orgs[0];

    (void)state;
    assert_null(org->api_token);
    assert_string_equal(org->api_issuer.url, "https://i.example");
    assert_string_equal(org->api_issuer.issuer_id, "me");
    assert_string_equal(org->api_issuer.key_id, "K1");
    assert_string_equal(org->api_issuer.private_key, "env:KEY");
    assert_int_equal(org->api_issuer.expires_in_ms, 7200000);
    settings_free(settings);
}

static void finds_an_organization(void **state)
{
    struct settings *settings = must_load(LEAST, NULL);
    const struct org_settings *org = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(settings_org(settings, NULL, &org, &err), 0);
    assert_string_equal(org->name, "acme");
    assert_int_equal(settings_org(settings, "acme", &org, &err), 0);
    assert_int_equal(settings_org(settings, "Acme", &org, &err), -1);
    assert_int_equal(err.code, ERR_ORG_UNKNOWN);
    assert_non_null(strstr(err.text, "organization 'Acme' is not configured (acme)"));
    settings_free(settings);
    settings = must_load(REDIS ORG "  beta:\n    api: { " API
                                   " }\n    rate_limit: { requests: 1 }\n    rules: r\n" AUDIT,
                         NULL);
    assert_int_equal(settings_org(settings, NULL, &org, &err), -1);
    assert_int_equal(err_exit_status(err.code), 64);
    assert_non_null(strstr(err.text, "(acme, beta)"));
    assert_int_equal(settings_org(settings, "beta", &org, &err), 0);
    settings_free(settings);
}

static void names_the_stages(void **state)
{
    (void)state;
    for (int i = 0; i < STAGE_COUNT; i++)
        assert_int_equal(stage_index_of(stage_index_name((enum stage_index)i)), i);
    assert_int_equal(stage_index_of("ingest"), -1);
}

static void finds_the_file(void **state)
{
    (void)state;
    unsetenv("ABM_CONFIG");
    assert_string_equal(settings_find_path(NULL), "config/pipeline.yaml");
    setenv("ABM_CONFIG", "/e.yaml", 1);
    assert_string_equal(settings_find_path(NULL), "/e.yaml");
    assert_string_equal(settings_find_path("given"), "given");
    setenv("ABM_CONFIG", "", 1);
    assert_string_equal(settings_find_path(""), "config/pipeline.yaml");
    unsetenv("ABM_CONFIG");
}

static void tells_a_missing_file(void **state)
{
    struct settings *settings = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(settings_load("/nowhere/p.yaml", NULL, &settings, &err), -1);
    assert_int_equal(err_exit_status(err.code), 78);
    assert_non_null(strstr(err.text, "/nowhere/p.yaml"));
}

/* What is printed loads again and prints the same, but for where the values come from. */
static void prints_what_loads_again(void **state)
{
    char *env[] = { (char[]){ "ABM_STAGES__ASSIGN__BATCH=7" },
                    (char[]){ "ABM_ORGS__ACME__LIMITS__MAX_FAILED=7%" }, NULL };
    struct settings *settings = must_load(LEAST "stages: { assign: { lease: 1500ms, linger: 0s } }\n", env),
                    *again;
    struct buf first, second;

    (void)state;
    buf_init(&first, 65536);
    buf_init(&second, 65536);
    settings_print(settings, &first);
    settings_free(settings);
    assert_false(first.is_failed);
    assert_non_null(strstr(first.data, "    batch: 7                                      # environment\n"));
    assert_non_null(strstr(first.data, "    lease: 1500ms                                 # file\n"));
    assert_non_null(strstr(first.data, "    linger: 0s                                    # file\n"));
    assert_non_null(strstr(first.data, "    mdm_server: null                              # default\n"));
    assert_non_null(strstr(first.data, "      max_changes: null                           # default\n"));
    assert_non_null(strstr(first.data, "      max_failed: 7%                              # environment\n"));
    assert_non_null(strstr(first.data, "      token: \"env:ABM_TOKEN\"                      # file\n"));
    again = must_load(first.data, NULL);
    assert_int_equal(again->stages[STAGE_ASSIGN].batch, 7);
    assert_int_equal(again->stages[STAGE_ASSIGN].linger_ms, 0);
    settings_print(again, &second);
    settings_free(again);
    for (size_t i = 0; i < 2; i++) { /* drop the origins */
        struct buf *text = i == 0 ? &first : &second;

        for (char *mark; (mark = strstr(text->data, " # ")) != NULL;)
            memmove(mark, strchr(mark, '\n'), strlen(strchr(mark, '\n')) + 1);
    }
    assert_string_equal(first.data, second.data);
    buf_release(&first);
    buf_release(&second);
}

static void loads_the_file_that_is_shipped(void **state)
{
    struct settings *settings = NULL;
    struct err err = ERR_INIT;

    (void)state;
    if (settings_load(TEST_TOP "/config/pipeline.yaml", NULL, &settings, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(settings->orgs[0].mdm_server, "mdm-main");
    assert_string_equal(settings->orgs[0].rules, TEST_TOP "/config/blueprints.yaml");
    assert_true(settings->orgs[0].max_changes.is_set && settings->orgs[0].max_failed.is_set);
    assert_int_equal(settings->orgs[0].max_changes.value, 10);
    assert_int_equal(settings->orgs[0].max_failed.value, 5);
    settings_free(settings);
}

/* config/README.md holds the table of the rows. UPDATE_README=1 in the environment writes it there. */
static void the_readme_shows_every_row(void **state)
{
    static const char begin[] = "<!-- the table: written by the program, not by hand -->\n";
    static const char end[] = "<!-- the end of the table -->\n";
    struct buf table, readme;
    struct err err = ERR_INIT;
    const char *from, *to;

    (void)state;
    buf_init(&table, 65536);
    buf_init(&readme, 1 << 20);
    settings_print_help(&table);
    assert_int_equal(fsio_read(README, &readme, &err), 0);
    from = strstr(readme.data, begin);
    to = strstr(readme.data, end);
    if (from == NULL || to == NULL)
        fail_msg(README " has lost the marks around its table");
    from += strlen(begin);
    if (getenv("UPDATE_README") != NULL) {
        struct buf whole;

        buf_init(&whole, 1 << 20);
        buf_add(&whole, readme.data, (size_t)(from - readme.data));
        buf_add(&whole, table.data, table.len);
        buf_add_str(&whole, to);
        assert_int_equal(fsio_write(README, whole.data, whole.len, 0644, &err), 0);
        buf_release(&whole);
    } else if ((size_t)(to - from) != table.len || memcmp(from, table.data, table.len) != 0) {
        fail_msg(README " does not show the table of the settings: run this test once with UPDATE_README=1");
    }
    buf_release(&table);
    buf_release(&readme);
}

/* Rows that an author may get wrong. */
static void every_row_is_sound(void **state)
{
    size_t count;
    const struct setting *rows = settings_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].help == NULL || (rows[i].is_required && rows[i].fallback != NULL) ||
            settings_row_of(rows[i].scope, rows[i].path) != i)
            fail_msg("row %s", rows[i].path);
        if ((rows[i].type == SETTING_INT || rows[i].type == SETTING_DURATION) && rows[i].min >= rows[i].max)
            fail_msg("row %s has no range", rows[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_the_defaults),
        cmocka_unit_test(takes_percentages),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(judges_an_organization),
        cmocka_unit_test(takes_the_urls_that_redis_serves),
        cmocka_unit_test(shortens_the_timeout_with_the_lease),
        cmocka_unit_test(lets_the_environment_override),
        cmocka_unit_test(takes_the_keys_of_approvers),
        cmocka_unit_test(refuses_overrides_that_name_nothing),
        cmocka_unit_test(refuses_an_override_of_either),
        cmocka_unit_test(takes_an_issuer_in_place_of_a_token),
        cmocka_unit_test(finds_an_organization),
        cmocka_unit_test(names_the_stages),
        cmocka_unit_test(finds_the_file),
        cmocka_unit_test(tells_a_missing_file),
        cmocka_unit_test(prints_what_loads_again),
        cmocka_unit_test(loads_the_file_that_is_shipped),
        cmocka_unit_test(the_readme_shows_every_row),
        cmocka_unit_test(every_row_is_sound),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}

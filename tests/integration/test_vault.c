/* vault: references against the Vault stand-in: each way to log in, leases, what Vault refuses, and Vault
 * away. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/str.h"
#include "crypto/secret.h"
#include "harness/proc.h"
#include "harness/vault_server.h"
#include "secrets/vault_scheme.h"

#define ROOT      "hvs.root-of-the-test"
#define SECRET_ID "secret-id-of-the-test"
#define JWT       "aaaa.jwt-of-the-test.cccc"
#define VALUE     "value-of-the-test"
#define LEASE_S   60

static struct vault_server *server;
static int64_t ahead_ms; /* of the client's clock, as of the server's */
static char warned[2048];
static int warned_count;

static void need(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int64_t now_ms(void *clock)
{
    (void)clock;
    return clock_boot_ms() + ahead_ms;
}

static void advance(int64_t ms)
{
    ahead_ms += ms;
    vault_server_advance(server, ms);
}

static void note_warning(void *user, const char *event, const char *text)
{
    (void)user;
    warned_count++;
    snprintf(warned, sizeof(warned), "%s: %s", event, text);
}

static const struct vault_warn warn_to = { .warn = note_warning };

static struct vault_settings settings_for(enum vault_auth auth)
{
    return (struct vault_settings){
        .address = vault_server_url(server),
        .auth = auth,
        .token = "env:TEST_VAULT_TOKEN",
        .role_id = "role",
        .secret_id = "env:TEST_VAULT_SECRET_ID",
        .role = "pipeline",
        .jwt = "env:TEST_VAULT_JWT",
        .timeout_ms = 20000,
        .now_ms = now_ms,
    };
}

static void serve(const struct vault_settings *settings)
{
    struct err err = ERR_INIT;

    need(vault_scheme_serve(settings, &warn_to, &err), &err);
}

static void put(const char *path, const char *data)
{
    struct err err = ERR_INIT;

    need(vault_server_put(server, path, data, &err), &err);
}

static int start_with(const struct vault_server_options *more)
{
    struct vault_server_options options = *more;
    struct err err = ERR_INIT;

    options.root_token = ROOT;
    options.role_id = "role";
    options.secret_id = SECRET_ID;
    options.kubernetes_role = "pipeline";
    options.kubernetes_jwt = JWT;
    options.lease_s = LEASE_S;
    setenv("TEST_VAULT_TOKEN", ROOT, 1);
    setenv("TEST_VAULT_SECRET_ID", SECRET_ID, 1);
    setenv("TEST_VAULT_JWT", JWT, 1);
    warned_count = 0;
    warned[0] = '\0';
    need(vault_server_start(&options, &server, &err), &err);
    put("abm", "{\"token\":\"" VALUE "\",\"other\":\"x\"}");
    return 0;
}

static int start(void **state)
{
    static const struct vault_server_options plain = { 0 };

    (void)state;
    return start_with(&plain);
}

static int stop(void **state)
{
    (void)state;
    vault_scheme_close();
    vault_server_stop(server);
    server = NULL;
    return 0;
}

static struct secret *resolve(const char *reference)
{
    struct err err = ERR_INIT;
    struct secret *secret;

    need(secret_resolve(reference, false, &secret, &err), &err);
    return secret;
}

static bool shows_a_secret(const char *text)
{
    return strstr(text, ROOT) != NULL || strstr(text, SECRET_ID) != NULL || strstr(text, JWT) != NULL ||
           strstr(text, VALUE) != NULL || strstr(text, "hvs.") != NULL;
}

/* It cannot be resolved, with this code and these words. */
static void refuse(const char *what, const char *reference, enum err_code code, const char *words)
{
    struct err err = ERR_INIT;
    struct secret *secret;

    if (secret_resolve(reference, false, &secret, &err) == 0)
        fail_msg("%s: it was taken", what);
    if (err.code != code || strstr(err.text, words) == NULL)
        fail_msg("%s: %s: %s", what, err_wire(err.code), err.text);
    if (shows_a_secret(err.text))
        fail_msg("%s: a secret is in the message: %s", what, err.text);
}

static void logs_in_each_way(void **state)
{
    (void)state;
    for (int auth = VAULT_AUTH_TOKEN; auth <= VAULT_AUTH_KUBERNETES; auth++) {
        struct vault_settings settings = settings_for((enum vault_auth)auth);
        uint64_t logins = vault_server_counts(server).logins;
        struct secret *secret, *other;

        serve(&settings);
        secret = resolve("vault:secret/abm#token");
        assert_string_equal(secret_text(secret), VALUE);
        other = resolve("vault:secret/data/abm#other");
        assert_string_equal(secret_text(other), "x");
        assert_int_equal(vault_server_counts(server).logins - logins, auth == VAULT_AUTH_TOKEN ? 0 : 1);
        secret_free(secret);
        secret_free(other);
    }
    assert_int_equal(vault_server_counts(server).refused, 0);
}

static void logs_in_at_another_mount_and_namespace(void **state)
{
    static const struct vault_server_options elsewhere = {
        .mount = "kv", .name_space = "team", .approle_mount = "ci/approle", .kubernetes_mount = "k8s"
    };
    struct vault_settings settings;
    struct secret *secret;

    (void)state;
    stop(NULL);
    start_with(&elsewhere);
    for (int auth = VAULT_AUTH_TOKEN; auth <= VAULT_AUTH_KUBERNETES; auth++) {
        settings = settings_for((enum vault_auth)auth);
        settings.name_space = "team";
        settings.mount = auth == VAULT_AUTH_APPROLE ? "ci/approle" : "k8s";
        serve(&settings);
        secret = resolve("vault:kv/abm#token");
        assert_string_equal(secret_text(secret), VALUE);
        secret_free(secret);
    }
    settings.name_space = "other";
    serve(&settings);
    refuse("another namespace", "vault:kv/abm#token", ERR_VAULT_LOGIN, "refuses the login at auth/k8s (403");
}

static void refuses_wrong_logins(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);

    (void)state;
    serve(&settings);
    setenv("TEST_VAULT_SECRET_ID", SECRET_ID "-of-before", 1);
    refuse(
        "a wrong secret id", "vault:secret/abm#token", ERR_VAULT_LOGIN,
        "vault:secret/abm#token: Vault refuses the login at auth/approle (400: invalid role or secret ID)");
    unsetenv("TEST_VAULT_SECRET_ID");
    refuse("none", "vault:secret/abm#token", ERR_SECRET, "secrets.vault.secret_id: env:TEST_VAULT_SECRET_ID");
    setenv("TEST_VAULT_SECRET_ID", SECRET_ID "\n", 1);
    refuse("one with a line", "vault:secret/abm#token", ERR_SECRET, "byte 22 of 22 cannot stand in it");
    settings.mount = "ldap";
    setenv("TEST_VAULT_SECRET_ID", SECRET_ID, 1);
    serve(&settings);
    refuse("no such method", "vault:secret/abm#token", ERR_VAULT_LOGIN, "the login at auth/ldap (40");
    settings = settings_for(VAULT_AUTH_KUBERNETES);
    settings.role = "another";
    serve(&settings);
    refuse("another role", "vault:secret/abm#token", ERR_VAULT_LOGIN, "the login at auth/kubernetes (40");
    settings = settings_for(VAULT_AUTH_TOKEN);
    setenv("TEST_VAULT_TOKEN", "hvs.another", 1);
    serve(&settings);
    refuse("another token", "vault:secret/abm#token", ERR_VAULT_DENIED,
           "vault:secret/abm#token: Vault lets this role or token not read it (403");
}

static void names_what_is_missing(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);
    const struct vault_fault denied = { .path = "/v1/secret/", .status = 403 };
    struct buf data;

    (void)state;
    serve(&settings);
    refuse("no such path", "vault:secret/nothing#token", ERR_VAULT_MISSING,
           "vault:secret/nothing#token: Vault has no such secret, or no engine there (404");
    refuse("no such field", "vault:secret/abm#tokens", ERR_VAULT_MISSING,
           "vault:secret/abm#tokens: the secret has no such field");
    refuse("no such engine", "vault:kv/abm#token", ERR_VAULT_MISSING, "no engine there (404");
    put("number", "{\"token\":1}");
    refuse("a number", "vault:secret/number#token", ERR_VAULT_MISSING, "is a number: store it as text");
    buf_init(&data, 1 << 20);
    buf_add_str(&data, "{\"token\":\"");
    for (int i = 0; i < SECRET_MAX_BYTES + 1; i++)
        buf_add_char(&data, 'x');
    buf_add_str(&data, "\"}");
    put("long", data.data);
    refuse("too long", "vault:secret/long#token", ERR_VAULT_MISSING, "more than 65536 bytes");
    buf_release(&data);
    assert_int_equal(vault_server_counts(server).logins, 1);
    vault_server_set_fault(server, &denied);
    refuse("no policy for it", "vault:secret/abm#token", ERR_VAULT_DENIED,
           "Vault lets this role or token not read it (403: as the test wants it)");
    assert_int_equal(vault_server_counts(server).logins, 2); /* a new token was tried, once */
}

static void keeps_every_byte(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_TOKEN);
    struct secret *secret;
    struct buf data;

    (void)state;
    serve(&settings);
    put("key", "{\"pem\":\"-----BEGIN\\nabc\\n-----END\\n\",\"html\":\"<&>\\\"\\\\\"}");
    secret = resolve("vault:secret/key#pem");
    assert_string_equal(secret_text(secret), "-----BEGIN\nabc\n-----END\n");
    secret_free(secret);
    secret = resolve("vault:secret/key#html");
    assert_string_equal(secret_text(secret), "<&>\"\\");
    secret_free(secret);
    buf_init(&data, 1 << 20);
    buf_add_str(&data, "{\"token\":\"");
    for (int i = 0; i < SECRET_MAX_BYTES; i++)
        buf_add_char(&data, 'x');
    buf_add_str(&data, "\"}");
    put("long", data.data);
    secret = resolve("vault:secret/long#token");
    assert_int_equal(secret_len(secret), SECRET_MAX_BYTES);
    secret_free(secret);
    buf_release(&data);
}

static void sees_a_new_version(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);
    struct err err = ERR_INIT;
    struct secret *secret;
    uint64_t reads;

    (void)state;
    serve(&settings);
    secret = resolve("vault:secret/abm#token");
    put("abm", "{\"token\":\"two\"}");
    advance(VAULT_REFRESH_MS - 10000);
    assert_int_equal(secret_refresh(secret, &err), 0); /* not yet: nobody is asked */
    assert_int_equal(vault_server_counts(server).reads, 1);
    advance(10000);
    assert_int_equal(secret_refresh(secret, &err), 1);
    assert_string_equal(secret_text(secret), "two");
    assert_int_equal(secret_refresh(secret, &err), 0);
    put("abm", "{\"token\":\"two\"}"); /* another version, the same value */
    advance(VAULT_REFRESH_MS);
    reads = vault_server_counts(server).reads;
    assert_int_equal(secret_refresh(secret, &err), 0);
    assert_int_equal(vault_server_counts(server).reads, reads + 1);
    put("abm", "{\"token\":\"three\"}");
    secret_distrust(secret);
    advance(VAULT_DISTRUST_MS);
    assert_int_equal(secret_refresh(secret, &err), 1); /* at once */
    assert_string_equal(secret_text(secret), "three");
    secret_distrust(secret);
    assert_int_equal(secret_refresh(secret, &err), 0); /* but not as often as it is refused */
    assert_int_equal(warned_count, 0);
    secret_free(secret);
}

static void renews_its_lease(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);
    struct secret *secret;

    (void)state;
    serve(&settings);
    secret = resolve("vault:secret/abm#token");
    advance(LEASE_S * 1000 / 2);
    vault_scheme_tend();
    assert_int_equal(vault_server_counts(server).renewals, 0);
    for (int i = 1; i <= 10; i++) { /* ten times past two thirds, so past the lease many times over */
        advance(i == 1 ? LEASE_S * 1000 / 6 : LEASE_S * 1000 * 2 / 3);
        vault_scheme_tend();
        assert_int_equal(vault_server_counts(server).renewals, i);
        vault_scheme_tend();
    }
    assert_int_equal(vault_server_counts(server).renewals, 10);
    assert_int_equal(vault_server_counts(server).logins, 1);
    vault_server_revoke_all(server); /* renewing fails: a new login */
    advance(LEASE_S * 1000 * 2 / 3 + 1000);
    vault_scheme_tend();
    assert_int_equal(vault_server_counts(server).logins, 2);
    vault_server_revoke_all(server); /* seen as it is used */
    secret_free(secret);
    secret = resolve("vault:secret/abm#token");
    assert_int_equal(vault_server_counts(server).logins, 3);
    advance(LEASE_S * 1000 * 2); /* nobody tended it */
    secret_free(secret);
    secret = resolve("vault:secret/abm#token");
    assert_int_equal(vault_server_counts(server).logins, 4);
    assert_int_equal(warned_count, 0);
    secret_free(secret);
}

static void logs_in_anew_at_the_most_there_is(void **state)
{
    const struct vault_server_options most = { .max_lease_s = LEASE_S * 3 / 2 };
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);
    struct secret *secret;

    (void)state;
    stop(NULL);
    start_with(&most);
    settings.address = vault_server_url(server);
    serve(&settings);
    secret = resolve("vault:secret/abm#token");
    for (int i = 0; i < 20; i++) {
        advance(LEASE_S * 1000 / 3);
        vault_scheme_tend();
    }
    assert_in_range(vault_server_counts(server).logins, 4, 10);
    assert_int_equal(vault_server_counts(server).refused, 0); /* never too late */
    assert_int_equal(warned_count, 0);
    secret_free(secret);
}

/* A token that the settings give is renewed as well, and when another stands in its file, that one is taken.
 */
static void renews_a_token_of_the_settings(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);
    char token[VAULT_TOKEN_MAX];
    struct vault_client *other;
    struct err err = ERR_INIT;
    struct secret *secret;
    int64_t version;

    (void)state;
    need(vault_new(&settings, &other, &err), &err);
    need(vault_read(other, "secret/abm#token", &secret, &version, &err), &err);
    assert_int_equal(version, 1);
    secret_free(secret);
    vault_free(other);
    assert_true(vault_server_last_token(server, token));
    settings = settings_for(VAULT_AUTH_TOKEN);
    setenv("TEST_VAULT_TOKEN", token, 1);
    serve(&settings);
    secret = resolve("vault:secret/abm#token");
    for (int i = 1; i <= 5; i++) {
        advance(LEASE_S * 1000 * 2 / 3 + 1000);
        vault_scheme_tend();
        assert_int_equal(vault_server_counts(server).renewals, i);
    }
    secret_free(secret);
    vault_server_revoke_all(server);
    refuse("a token that is revoked", "vault:secret/abm#token", ERR_VAULT_DENIED, "(403");
    setenv("TEST_VAULT_TOKEN", ROOT, 1);
    secret_free(resolve("vault:secret/abm#token"));
}

/* Is the token still good at Vault? A client with it as its own finds out. */
static bool is_good(const char *token)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_TOKEN);
    struct vault_client *client;
    struct secret *secret = NULL;
    struct err err = ERR_INIT;
    int64_t version;
    int rc;

    setenv("TEST_VAULT_TOKEN", token, 1);
    need(vault_new(&settings, &client, &err), &err);
    rc = vault_read(client, "secret/abm#token", &secret, &version, &err);
    secret_free(secret);
    vault_log_out(client); /* of a given token: nothing */
    vault_free(client);
    return rc == 0;
}

static void logs_out(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);
    char token[VAULT_TOKEN_MAX];
    struct err err = ERR_INIT;

    (void)state;
    serve(&settings);
    secret_free(resolve("vault:secret/abm#token"));
    assert_true(vault_server_last_token(server, token));
    assert_true(is_good(token));
    assert_true(is_good(token));
    vault_scheme_close();
    assert_false(is_good(token));
    assert_true(is_good(ROOT));
    serve(&settings); /* and while Vault is away that costs nobody the way out */
    secret_free(resolve("vault:secret/abm#token"));
    vault_server_down(server);
    vault_scheme_close();
    need(vault_server_up(server, &err), &err);
    refuse("nobody is there any more", "vault:secret/abm#token", ERR_SECRET,
           "secrets.vault.address is not set");
}

static void waits_for_what_passes(void **state)
{
    static const struct {
        const char *what;
        struct vault_fault fault;
        bool is_sealed;
        enum err_code code;
        const char *words;
    } rows[] = {
        { "sealed", { .times = 1 }, true, ERR_VAULT_AWAY, ": 503: Vault is sealed" },
        { "503", { .status = 503 }, false, ERR_VAULT_AWAY, ": 503: as the test wants it" },
        { "500", { .status = 500 }, false, ERR_VAULT_AWAY, ": 500" },
        { "too many requests", { .status = 429 }, false, ERR_VAULT_AWAY, ": 429" },
        { "a standby that redirects",
          { .status = 307 },
          false,
          ERR_VAULT_AWAY,
          "answers 307: a standby that sends elsewhere" },
        { "a replica that is behind", { .status = 412 }, false, ERR_VAULT_AWAY, ": 412" },
        { "cut each time", { .is_cut = true }, false, ERR_VAULT_AWAY, "Vault at http://127.0.0.1:" },
        { "slow", { .delay_ms = 600000 }, false, ERR_VAULT_AWAY, "Vault at http://127.0.0.1:" },
        { "something else", { .status = 405 }, false, ERR_VAULT_ANSWER, ": 405" },
    };
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);

    (void)state;
    settings.timeout_ms = 300; /* for the slow one */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int is_read = 0; is_read < 2; is_read++) {
            struct vault_fault fault = rows[i].fault;
            struct err err = ERR_INIT;
            struct secret *secret = NULL;

            settings.timeout_ms = rows[i].fault.delay_ms > 0 ? 300 : 20000;
            serve(&settings);
            vault_server_set_fault(server, NULL);
            if (is_read)
                secret = resolve("vault:secret/abm#token");
            vault_server_seal(server, rows[i].is_sealed);
            if (!rows[i].is_sealed)
                vault_server_set_fault(server, &fault);
            refuse(rows[i].what, "vault:secret/abm#token", rows[i].code, rows[i].words);
            if (is_read) { /* the value in hand stays, told of once a minute */
                warned_count = 0;
                for (int k = 0; k < 3; k++) {
                    advance(VAULT_REFRESH_MS / 2);
                    (void)!secret_refresh(secret, &err);
                }
                assert_int_equal(err.code, rows[i].code);
                assert_string_equal(secret_text(secret), VALUE);
                assert_int_equal(warned_count, 1);
                assert_non_null(strstr(warned, "secret_not_read_again: vault:secret/abm#token: "));
                assert_false(shows_a_secret(warned));
            }
            vault_server_seal(server, false);
            vault_server_set_fault(server, NULL);
            if (is_read) {
                put("abm", "{\"token\":\"new\"}");
                advance(VAULT_REFRESH_MS);
                assert_int_equal(secret_refresh(secret, &err), 1);
                assert_string_equal(secret_text(secret), "new");
                put("abm", "{\"token\":\"" VALUE "\"}");
                secret_free(secret);
            }
        }
    }
}

static void asks_once_more_where_a_connection_died(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_TOKEN);
    const struct vault_fault fault = { .path = "/v1/secret/", .is_cut = true, .times = 1 };

    (void)state;
    serve(&settings);
    vault_server_set_fault(server, &fault);
    secret_free(resolve("vault:secret/abm#token"));
    for (int i = 0; i < 3; i++) { /* restarted in between: the connection that was kept is dead */
        struct err err = ERR_INIT;

        vault_server_down(server);
        need(vault_server_up(server, &err), &err);
        secret_free(resolve("vault:secret/abm#token"));
    }
}

static void outlasts_a_vault_that_is_away(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);
    struct err err = ERR_INIT;
    struct secret *secret;

    (void)state;
    serve(&settings);
    vault_server_down(server);
    refuse("away at the start", "vault:secret/abm#token", ERR_VAULT_AWAY, "Vault at http://127.0.0.1:");
    assert_int_equal(err_class_of(ERR_VAULT_AWAY), ERR_CLASS_SERVICE);
    need(vault_server_up(server, &err), &err);
    secret = resolve("vault:secret/abm#token");
    vault_server_down(server);
    advance(LEASE_S * 1000 * 3); /* beyond the lease, too */
    assert_int_equal(secret_refresh(secret, &err), -1);
    assert_string_equal(secret_text(secret), VALUE);
    vault_scheme_tend();
    assert_int_equal(warned_count, 1);
    put("abm", "{\"token\":\"new\"}");
    need(vault_server_up(server, &err), &err);
    advance(VAULT_REFRESH_MS);
    assert_int_equal(secret_refresh(secret, &err), 1);
    assert_string_equal(secret_text(secret), "new");
    secret_free(secret);
}

/* A renewal that fails is tried again before the lease ends, and the token in hand serves meanwhile. */
static void renews_after_an_outage(void **state)
{
    struct vault_settings settings = settings_for(VAULT_AUTH_APPROLE);
    struct err err = ERR_INIT;
    struct secret *secret;

    (void)state;
    serve(&settings);
    secret = resolve("vault:secret/abm#token");
    vault_server_set_fault(server, &(struct vault_fault){ .path = "/v1/auth/", .status = 503 });
    advance(LEASE_S * 1000 * 2 / 3);
    vault_scheme_tend();
    assert_int_equal(warned_count, 1);
    assert_non_null(strstr(warned, "vault_token_not_renewed: Vault at http://127.0.0.1:"));
    secret_distrust(secret);
    put("abm", "{\"token\":\"new\"}");
    assert_int_equal(secret_refresh(secret, &err), 1);
    vault_server_set_fault(server, NULL);
    vault_scheme_tend();
    assert_int_equal(vault_server_counts(server).renewals, 0); /* not at once */
    advance(10000);
    vault_scheme_tend();
    assert_int_equal(vault_server_counts(server).renewals, 1);
    assert_int_equal(vault_server_counts(server).logins, 1);
    secret_free(secret);
}

/* A key and a certificate for 127.0.0.1, or for another name. */
static void make_certificate(const char *dir, const char *name, struct buf *certificate, struct buf *key)
{
    char certificate_path[128], key_path[128], alt[64];
    struct err err = ERR_INIT;
    const char *const argv[] = {
        "openssl", "req",    "-x509",    "-newkey",        "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes",  "-subj",  "/CN=unit", "-addext",        alt,  "-days",    "2",
        "-keyout", key_path, "-out",     certificate_path, NULL
    };

    snprintf(certificate_path, sizeof(certificate_path), "%s/cert.pem", dir);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", dir);
    snprintf(alt, sizeof(alt), "subjectAltName=%s", name);
    assert_int_equal(
        proc_run(&(struct proc_options){ .argv = argv, .stderr_file = "/dev/null" }, 20000, &err), 0);
    need(fsio_read(certificate_path, certificate, &err), &err);
    need(fsio_read(key_path, key, &err), &err);
}

static void checks_the_certificate(void **state)
{
    static const char *const names[] = { "IP:127.0.0.1", "DNS:vault.example" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        char dir[64], ca_file[128];
        struct buf certificate, key;
        struct err err = ERR_INIT;
        struct vault_server_options tls = { 0 };
        struct vault_settings settings;

        stop(NULL);
        need(proc_temp_dir("vault-ca", dir, sizeof(dir), &err), &err);
        buf_init(&certificate, 65536);
        buf_init(&key, 65536);
        make_certificate(dir, names[i], &certificate, &key);
        tls.certificate = certificate.data;
        tls.key = key.data;
        start_with(&tls);
        settings = settings_for(VAULT_AUTH_APPROLE);
        assert_true(str_starts(settings.address, "https://"));
        serve(&settings);
        refuse("a certificate of nobody", "vault:secret/abm#token", ERR_VAULT_TLS, "Vault at https://");
        snprintf(ca_file, sizeof(ca_file), "%s/cert.pem", dir);
        settings.ca_file = ca_file;
        serve(&settings);
        if (i == 0)
            secret_free(resolve("vault:secret/abm#token"));
        else
            refuse("another name", "vault:secret/abm#token", ERR_VAULT_TLS, "Vault at https://");
        assert_int_equal(vault_server_counts(server).logins, i == 0 ? 1 : 0);
        settings.ca_file = "/nowhere/ca.pem";
        assert_int_equal(vault_scheme_serve(&settings, &warn_to, &err), -1);
        assert_int_equal(err.code, ERR_FILE_MISSING);
        buf_release(&certificate);
        buf_release(&key);
        proc_remove_dir(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(logs_in_each_way, start, stop),
        cmocka_unit_test_setup_teardown(logs_in_at_another_mount_and_namespace, start, stop),
        cmocka_unit_test_setup_teardown(refuses_wrong_logins, start, stop),
        cmocka_unit_test_setup_teardown(names_what_is_missing, start, stop),
        cmocka_unit_test_setup_teardown(keeps_every_byte, start, stop),
        cmocka_unit_test_setup_teardown(sees_a_new_version, start, stop),
        cmocka_unit_test_setup_teardown(renews_its_lease, start, stop),
        cmocka_unit_test_setup_teardown(logs_in_anew_at_the_most_there_is, start, stop),
        cmocka_unit_test_setup_teardown(renews_a_token_of_the_settings, start, stop),
        cmocka_unit_test_setup_teardown(logs_out, start, stop),
        cmocka_unit_test_setup_teardown(waits_for_what_passes, start, stop),
        cmocka_unit_test_setup_teardown(asks_once_more_where_a_connection_died, start, stop),
        cmocka_unit_test_setup_teardown(outlasts_a_vault_that_is_away, start, stop),
        cmocka_unit_test_setup_teardown(renews_after_an_outage, start, stop),
        cmocka_unit_test_setup_teardown(checks_the_certificate, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What bad input gets from abmctl: an error that names the place, the value and what to do, the exit status
 * that DESIGN.md 10 gives, and nothing published.
 */
#include "harness/check.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/desk.h"

static int start(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    desk_start(desk, "");
    *state = desk;
    return 0;
}

static int stop(void **state)
{
    desk_stop(*state);
    free(*state);
    return 0;
}

/* Every error is told once, with its advice, and a program gets it as JSON. */
static void assert_told(struct desk *desk, const char *what, const char *const *words, int want,
                        const char *text)
{
    const char *first;
    int got = desk_ctl(desk, words[0], words[1], words[2], words[3], words[4], NULL);

    first = strstr(desk->err.data, "abmctl: ");
    if (got != want || first == NULL || strstr(first, text) == NULL ||
        strstr(first + 1, "abmctl: ") != NULL || strstr(first, "\n  what to do: ") == NULL ||
        desk->out.len > 0)
        fail_msg("%s: exit %d instead of %d, or no \"%s\" in: %s%s", what, got, want, text, desk->out.data,
                 desk->err.data);
    got = desk_ctl(desk, "--json", words[0], words[1], words[2], words[3], words[4], NULL);
    if (got != want || strstr(desk->err.data, "{\"error\":{\"code\":\"") == NULL)
        fail_msg("%s with --json: exit %d: %s", what, got, desk->err.data);
    assert_int_equal(desk_number(desk, "EXISTS", "@ingest", NULL), 0);
}

static void refuses_unreadable_files(void **state)
{
    static const struct {
        const char *what, *name, *text;
        size_t len;
        const char *want;
    } rows[] = {
#define TEXT(text) text, sizeof(text) - 1
        { "an empty CSV", "a.csv", TEXT(""), "empty" },
        { "a header alone", "a.csv", TEXT("serial,country\n"), "empty" },
        { "an empty YAML", "a.yaml", TEXT(""), "empty" },
        { "an empty list", "a.yaml", TEXT("devices: []\n"), "empty" },
        { "empty JSON lines", "a.jsonl", TEXT("\n\n"), "empty" },
        { "a wrong column", "a.csv", TEXT("serialNumber,country\nFVFGH0000001,DE\n"),
          "column 'serialNumber'" },
        { "its suggestion", "a.csv", TEXT("Serial,country\nFVFGH0000001,DE\n"), "did you mean 'serial'?" },
        { "no country", "a.csv", TEXT("serial,model\nFVFGH0000001,x\n"), "country" },
        { "a column twice", "a.csv", TEXT("serial,country,serial\nFVFGH0000001,DE,x\n"), "serial" },
        { "a NUL byte", "a.csv", TEXT("serial,country\nFVF\0GH,DE\n"), "NUL" },
        { "UTF-16", "a.csv", TEXT("\xff\xfes\0e\0r\0"), "UTF" },
        { "a quote left open", "a.csv", TEXT("serial,country\n\"FVFGH0000001,DE\nFVFGH0000002,DE\n"),
          "row 2" },
        { "YAML that is none", "a.yaml", TEXT("devices: [\n"), "a.yaml" },
        { "YAML without devices", "a.yaml", TEXT("things: []\n"), "devices" },
        { "another kind of file", "a.xlsx", TEXT("PK"), ".csv" },
    };
    struct desk *desk = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *path = desk_file(desk, rows[i].name, rows[i].text, rows[i].len);

        assert_told(desk, rows[i].what, (const char *const[5]){ "push", "--input", path }, 65, rows[i].want);
    }
    assert_told(desk, "a file that is not there",
                (const char *const[5]){ "push", "--input", "/nonexistent/a.csv" }, 65, "/nonexistent/a.csv");
    assert_told(desk, "a folder", (const char *const[5]){ "push", "--input", desk->dir, "--format", "csv" },
                65, "folder");
}

static void refuses_ten_megabytes_in_a_field(void **state)
{
    struct desk *desk = *state;
    size_t len = 10u * 1024 * 1024;
    char *text = malloc(len);
    const char *path;

    assert_non_null(text);
    memset(text, 'A', len);
    memcpy(text, "serial,country\n", 15);
    path = desk_file(desk, "huge.csv", text, len);
    free(text);
    assert_told(desk, "10 MB in one field", (const char *const[5]){ "push", "--input", path }, 65, "row 2");
}

/* A wrong row stops nobody: it is told by its row, and the good ones go on. */
static void tells_wrong_rows(void **state)
{
    static const struct {
        const char *what, *row, *code, *want;
        int want_exit;
    } rows[] = {
        { "too few fields", "FVFGH0000009", "row_format", "1 fields", 1 },
        { "too many fields", "FVFGH0000009,DE,x,y", "row_format", "4 fields", 1 },
        { "a serial in lower case", "fvfgh0000009,DE", "serial_format", "fvfgh0000009", 1 },
        { "a serial of 9", "FVFGH0009,DE", "serial_format", "FVFGH0009", 1 },
        { "a serial of 18", "FVFGH0000009FVFGH0,DE", "serial_format", "FVFGH0000009FVFGH0", 1 },
        { "no serial", ",DE", "serial_empty", "serial", 1 },
        { "no country", "FVFGH0000009,", "country_empty", "country", 1 },
        { "country UK", "FVFGH0000009,UK", "country_unknown", "GB", 1 },
        { "country XX", "FVFGH0000009,XX", "country_unknown", "XX", 1 },
        { "bytes that are no UTF-8", "FVFGH\xff\xfe,DE", "encoding", "UTF-8", 1 },
        { "the same serial, the same country", "FVFGH0000000,DE", "duplicate", "row 2", 0 },
        { "the same serial, another country", "FVFGH0000000,JP", "duplicate_differs", "row 2", 0 },
    };
    struct desk *desk = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char tail[128], code[64];
        int got;

        desk_number(desk, "DEL", "@ingest", "@pushed", NULL);
        snprintf(tail, sizeof(tail), "%s\n", rows[i].row);
        got = desk_ctl(desk, "push", "--json", "--input", desk_devices(desk, "rows.csv", 3, tail), NULL);
        snprintf(code, sizeof(code), "\"code\":\"%s\"", rows[i].code);
        if (got != rows[i].want_exit || strstr(desk->err.data, "{\"row\":5,") == NULL ||
            strstr(desk->err.data, code) == NULL || strstr(desk->err.data, rows[i].want) == NULL)
            fail_msg("%s: exit %d: %s", rows[i].what, got, desk->err.data);
        assert_int_equal(desk_number(desk, "XLEN", "@ingest", NULL), 1);
    }
}

static void escapes_what_it_shows(void **state)
{
    struct desk *desk = *state;

    desk_expect(
        desk,
        desk_ctl(desk, "push", "--input", desk_devices(desk, "e.csv", 1, "\033[2J\033]0;x\007,DE\n"), NULL),
        1, NULL, "row 3");
    assert_null(strchr(desk->err.data, '\033'));
    desk_ctl(desk, "push", "--input", "/\033[2J.csv", NULL);
    assert_null(strchr(desk->err.data, '\033'));
    desk_ctl(desk, "\033[2J", NULL);
    assert_null(strchr(desk->err.data, '\033'));
}

static void refuses_bad_rules(void **state)
{
    static const struct {
        const char *what, *rules, *want;
    } rows[] = {
        { "an unknown field", "blueprint_mappings:\n  - condition: \"contry == 'JP'\"\n    blueprint_id: b\n",
          "blueprints.yaml:2:16" },
        { "with a caret", "blueprint_mappings:\n  - condition: \"country === 'JP'\"\n    blueprint_id: b\n",
          "^" },
        { "a pattern that is none",
          "blueprint_mappings:\n  - condition: \"serial.matches('(')\"\n    blueprint_id: b\n",
          "blueprints.yaml:2" },
        { "no rules", "blueprint_mappings: []\n", "blueprints.yaml" },
        { "an unknown key", "blueprint_mappings:\n  - { condition: \"country == 'JP'\", blueprint: b }\n",
          "unknown key 'blueprint'" },
        { "no YAML", "blueprint_mappings: [\n", "blueprints.yaml" },
    };
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 1, "");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        desk_file(desk, "blueprints.yaml", rows[i].rules, strlen(rows[i].rules));
        assert_told(desk, rows[i].what, (const char *const[5]){ "push", "--input", input }, 65, rows[i].want);
        assert_told(desk, rows[i].what, (const char *const[5]){ "rules", "test" }, 65, rows[i].want);
    }
}

static void refuses_bad_settings(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 1, "");
    char text[1024];
    size_t len;

    assert_told(desk, "an organization that is not configured",
                (const char *const[5]){ "push", "--input", input, "--org", "nobody" }, 78, "nobody");
    len = (size_t)snprintf(text, sizeof(text), "version: 1\nredis: { ulr: \"%s\" }\n", desk->server.url);
    desk_file(desk, "misspelt.yaml", text, len);
    assert_told(desk, "a setting misspelt",
                (const char *const[5]){ "config", "check", "--config", desk_path(desk, "misspelt.yaml") }, 78,
                "url");
    assert_told(desk, "no settings",
                (const char *const[5]){ "config", "check", "--config", "/nonexistent/pipeline.yaml" }, 78,
                "/nonexistent/pipeline.yaml");
}

/* What config check sees of references without asking Vault: their form, and that each leads somewhere. */
static void checks_references_to_vault(void **state)
{
    static const struct {
        const char *what, *token, *vault;
        int status;
        const char *want;
    } rows[] = {
        { "a good one", "vault:secret/abm#token", "address: \"https://vault.example:8200\", token: \"env:T\"",
          0, "is correct" },
        { "no address", "vault:secret/abm#token", "timeout: 5s", 78,
          "orgs.acme.api.token: it is in Vault, but secrets.vault.address is not set" },
        { "no path behind the engine", "vault:secret#token",
          "address: \"https://vault.example\", token: \"env:T\"", 78, "vault: wants PATH#FIELD" },
        { "a path that climbs", "vault:secret/../sys#token",
          "address: \"https://vault.example\", token: \"env:T\"", 78, "vault: wants PATH#FIELD" },
        { "a login that is none", "env:T", "address: \"https://vault.example\", token: \"env:1\"", 78,
          "secrets.vault.token: env: wants the name of a variable" },
        { "a CA that is not there", "env:T",
          "address: \"https://vault.example\", token: \"env:T\", ca_file: /nonexistent/ca.pem", 65,
          "/nonexistent/ca.pem" },
        { "a credential by a path", "systemd:a/b", "timeout: 5s", 78, "systemd: wants the name" },
    };
    struct desk *desk = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024];
        int len = snprintf(text, sizeof(text),
                           "version: 1\nredis: { url: \"redis://127.0.0.1:1\" }\norgs:\n  acme:\n"
                           "    api: { dialect: abm-v2, base_url: \"https://abm.example\", token: \"%s\" }\n"
                           "    rate_limit: { requests: 1 }\n    rules: blueprints.yaml\n"
                           "audit: { signer: \"ed25519:file:k\", sinks: [\"file:e\"] }\n"
                           "secrets: { vault: { %s } }\n",
                           rows[i].token, rows[i].vault);
        int status;

        desk_file(desk, "vault.yaml", text, (size_t)len);
        status = desk_ctl(desk, "config", "check", "--config", desk_path(desk, "vault.yaml"), NULL);
        if (status != rows[i].status ||
            strstr(status == 0 ? desk->out.data : desk->err.data, rows[i].want) == NULL)
            fail_msg("%s: %d: %s%s", rows[i].what, status, desk->out.data, desk->err.data);
    }
}

static void refuses_bad_usage(void **state)
{
    struct desk *desk = *state;

    assert_told(desk, "an unknown verb", (const char *const[5]){ "psuh" }, 64, "did you mean 'push'?");
    assert_told(desk, "a verb of a later version", (const char *const[5]){ "limit" }, 64,
                "unknown verb 'limit'");
    assert_told(desk, "no input", (const char *const[5]){ "push" }, 64, "--input");
    assert_told(desk, "an unknown option", (const char *const[5]){ "push", "--stirct" }, 64,
                "did you mean '--strict'?");
    assert_told(desk, "a batch too large", (const char *const[5]){ "push", "--batch-size", "1001" }, 64,
                "1 to 1000");
    assert_told(desk, "a batch of none", (const char *const[5]){ "push", "--batch-size", "0" }, 64,
                "1 to 1000");
}

static void needs_redis(void **state)
{
    struct desk *desk = *state;
    const char *input = desk_devices(desk, "devices.csv", 1, "");

    redis_server_halt(&desk->server);
    desk_expect(desk, desk_ctl(desk, "push", "--input", input, NULL), 69, NULL,
                "start Redis or correct redis.url");
    desk_expect(desk, desk_ctl(desk, "status", NULL), 69, NULL, "cannot reach Redis");
    /* what needs none works without */
    desk_expect(desk, desk_ctl(desk, "import", "--input", input, "--dry-run", NULL), 0,
                "Would assign 1 devices to blueprints. No API calls made.", NULL);
}

/* A stand-in that says it is 6.2: one connection, one command at a time. */
static void *serve_old(void *user)
{
    static const char info[] = "# Server\r\nredis_version:6.2.14\r\nrun_id:a\r\n";
    int listener = *(int *)user, fd = accept(listener, NULL, NULL);
    char data[4096], answer[256];
    ssize_t got;

    while (fd >= 0 && (got = recv(fd, data, sizeof(data) - 1, 0)) > 0) {
        data[got] = '\0';
        if (strstr(data, "INFO") != NULL)
            snprintf(answer, sizeof(answer), "$%zu\r\n%s\r\n", sizeof(info) - 1, info);
        else
            snprintf(answer, sizeof(answer), "+OK\r\n");
        if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
            break;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void refuses_an_old_redis(void **state)
{
    struct desk *desk = *state;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    char url[64];

    assert_true(listener >= 0 && bind(listener, (struct sockaddr *)&address, len) == 0 &&
                listen(listener, 1) == 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d/0", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&thread, NULL, serve_old, &listener), 0);
    setenv("ABM_REDIS__URL", url, 1);
    desk_expect(desk, desk_ctl(desk, "status", NULL), 69, NULL, "6.2.14");
    unsetenv("ABM_REDIS__URL");
    desk_expect(desk, 69, 69, NULL, "7.0 or later");
    pthread_join(thread, NULL);
    close(listener);
}

static void notices_a_full_disk(void **state)
{
    struct desk *desk = *state;
    const char *const argv[] = { TEST_BIN "/abmctl", "--config", desk->config, "config", "print", NULL };
    struct proc_options options = { .argv = argv, .stdout_file = "/dev/full", .stderr_file = desk->err_path };
    struct err err = ERR_INIT;

    desk_file(desk, "out", "", 0); /* what desk_says also looks at */
    assert_int_equal(proc_run(&options, 30000, &err), 75);
    assert_true(desk_says(desk, "stdout: No space left on device"));
}

int main(void)
{
#define INPUT_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        INPUT_TEST(refuses_unreadable_files), INPUT_TEST(refuses_ten_megabytes_in_a_field),
        INPUT_TEST(tells_wrong_rows),         INPUT_TEST(escapes_what_it_shows),
        INPUT_TEST(refuses_bad_rules),        INPUT_TEST(refuses_bad_settings),
        INPUT_TEST(refuses_bad_rules),        INPUT_TEST(checks_references_to_vault),
        INPUT_TEST(refuses_bad_usage),        INPUT_TEST(needs_redis),
        INPUT_TEST(refuses_an_old_redis),     INPUT_TEST(notices_a_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

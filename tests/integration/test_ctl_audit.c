/* abmctl audit as an operator, and an auditor without settings, run it. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/evidence.h"
#include "harness/proc.h"

#define TIMEOUT_MS 30000
#define CTL        TEST_BIN "/abmctl"

struct desk {
    struct evidence evidence;
    char out[320], err[320], pubkey[320], config[320];
};

/* Settings as an operator has them: the sink and the key beside them. */
static void write_settings(struct desk *desk)
{
    static const char text[] =
        "version: 1\n"
        "redis: { url: \"redis://127.0.0.1:1/0\" }\n"
        "orgs:\n"
        "  acme:\n"
        "    api: { dialect: abm-v2, base_url: \"http://127.0.0.1:1\", token: \"env:NONE\" }\n"
        "    rate_limit: { requests: 100, per: 60s, burst: 20 }\n"
        "    rules: blueprints.yaml\n"
        "audit: { signer: \"ed25519:file:audit.key\", sinks: [\"file:sink-1\"] }\n";

    evidence_replace(desk->config, text, strlen(text));
}

static int setup(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    struct evidence *evidence = &desk->evidence;
    struct fake_run *run;
    struct closed closed;

    evidence_make(evidence);
    run = fake_runbook_add(&evidence->book, "run-1");
    evidence_part(evidence, run, "uid-1", 1, 10);
    evidence_close(evidence, run, &closed);
    run = fake_runbook_add(&evidence->book, "run-2");
    evidence_part(evidence, run, "uid-2", 4, 3);
    evidence_close(evidence, run, &closed);
    snprintf(desk->out, sizeof(desk->out), "%s/out", evidence->dir);
    snprintf(desk->err, sizeof(desk->err), "%s/err", evidence->dir);
    snprintf(desk->pubkey, sizeof(desk->pubkey), "%s/public.pem", evidence->dir);
    snprintf(desk->config, sizeof(desk->config), "%s/pipeline.yaml", evidence->dir);
    evidence_replace(desk->pubkey, evidence->public_pem, strlen(evidence->public_pem));
    write_settings(desk);
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;

    evidence_unmake(&desk->evidence);
    free(desk);
    return 0;
}

/* Runs abmctl with args (NULL-terminated); what it printed stands in *out_r. */
static int ctl(struct desk *desk, const char *const *args, const char **out_r)
{
    static const char *const env[] = { "ABM_CONFIG", "ABM_ORG", NULL };
    const char *argv[16] = { CTL };
    struct proc_options options = {
        .argv = argv, .env = env, .stdout_file = desk->out, .stderr_file = desk->err
    };
    struct err err = ERR_INIT;
    int status;

    for (size_t i = 0; args[i] != NULL; i++)
        argv[i + 1] = args[i];
    status = proc_run(&options, TIMEOUT_MS, &err);
    if (status < 0)
        fail_msg("%s", err.text);
    *out_r = evidence_read(&desk->evidence, desk->out);
    return status;
}

static void want(struct desk *desk, const char *what, const char *const *args, int status, const char *says)
{
    const char *out;
    int got = ctl(desk, args, &out);

    if (got != status || strstr(out, says) == NULL)
        fail_msg("%s: status %d, printed:\n%s\n%s", what, got, out,
                 evidence_read(&desk->evidence, desk->err));
}

#define ARGS(...) ((const char *const[]){ "audit", __VA_ARGS__, NULL })

static void an_auditor_verifies_with_the_key_alone(void **state)
{
    struct desk *desk = *state;
    const char *sink = desk->evidence.sink_dir[0];
    char path[700];
    char *text;

    want(desk, "whole", ARGS("verify", "--pubkey", desk->pubkey, sink), 0,
         "whole: 2 manifests, 13 records in 2 files");
    want(desk, "whole as JSON", ARGS("verify", "--json", "--pubkey", desk->pubkey, sink), 0,
         "{\"whole\":true,");
    want(desk, "nothing there", ARGS("verify", "--pubkey", desk->pubkey, desk->evidence.spool_dir), 65, "");
    want(desk, "no key", ARGS("verify", "--pubkey", "/nonexistent", sink), 65, "");
    snprintf(path, sizeof(path), "%s", evidence_path(&desk->evidence, 0, "run-2", "records-00001.jsonl"));
    text = evidence_read(&desk->evidence, path);
    memcpy(strstr(text, "assigned"), "rejected", 8);
    evidence_replace(path, text, strlen(text));
    want(desk, "altered", ARGS("verify", "--pubkey", desk->pubkey, sink), 1, path);
    want(desk, "altered as JSON", ARGS("verify", "--json", "--pubkey", desk->pubkey, sink), 1,
         "\"code\":\"evidence\"");
}

static void an_operator_needs_no_paths(void **state)
{
    struct desk *desk = *state;

    want(desk, "verify", ARGS("verify", "--config", desk->config), 0, "whole: 2 manifests");
    want(desk, "list", ARGS("list", "--config", desk->config), 0, "run-2");
    want(desk, "list as JSON", ARGS("list", "--json", "--config", desk->config), 0, "\"sequence\":2,");
    want(desk, "help of list", ARGS("list", "--help"), 0, "no signature is checked");
    want(desk, "help of show", ARGS("show", "--help"), 0, "no signature is checked");
    want(desk, "pubkey", ARGS("pubkey", "--config", desk->config), 0, desk->evidence.public_pem);
    want(desk, "show", ARGS("show", "SERIAL000005", "--config", desk->config), 0, "SERIAL000005");
    want(desk, "show as JSON", ARGS("show", "SERIAL000005", "--json", "--config", desk->config), 0,
         "\"run\":\"run-2\",\"manifest\":\"manifest-1.dsse.json\",\"sequence\":2,");
    want(desk, "show nobody", ARGS("show", "SERIAL", "--config", desk->config), 1, "");
    want(desk, "show no serial", ARGS("show", "--config", desk->config), 64, "");
}

static void proves_one_device(void **state)
{
    struct desk *desk = *state;
    char proof[320];
    const char *out;

    snprintf(proof, sizeof(proof), "%s/proof.json", desk->evidence.dir);
    assert_int_equal(ctl(desk, ARGS("prove", "SERIAL000005", "--path", desk->evidence.sink_dir[0]), &out), 0);
    evidence_replace(proof, out, strlen(out));
    want(desk, "the proof", ARGS("verify", "--pubkey", desk->pubkey, proof), 0,
         "whole: this record is in the manifest of run run-2");
    memcpy(strstr((char *)(uintptr_t)out, "SERIAL000005"), "SERIAL000006", 12);
    evidence_replace(proof, out, strlen(out));
    want(desk, "a changed proof", ARGS("verify", "--pubkey", desk->pubkey, proof), 1, "not whole: proof");
    want(desk, "nobody's", ARGS("prove", "SERIAL", "--path", desk->evidence.sink_dir[0]), 1, "");
}

/* A record says what the rules and the API said; a terminal must not obey it. */
static void shows_a_hostile_record_escaped(void **state)
{
    struct desk *desk = *state;
    struct evidence *evidence = &desk->evidence;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run-3");
    struct device *device = evidence_device(evidence, 20);
    const struct device *const devices[] = { device };
    struct closed closed;
    char proof[320];
    const char *out;

    device->rule = "\xc2\x9b[2J\xe2\x80\xae"; /* CSI as one character, and right to left */
    evidence_part_of(evidence, run, "uid-3", devices, 1);
    evidence_close(evidence, run, &closed);
    snprintf(proof, sizeof(proof), "%s/proof.json", evidence->dir);
    assert_int_equal(ctl(desk, ARGS("prove", "SERIAL000020", "--path", evidence->sink_dir[0]), &out), 0);
    evidence_replace(proof, out, strlen(out));
    want(desk, "the proof", ARGS("verify", "--pubkey", desk->pubkey, proof), 0, "\\u{009b}[2J\\u{202e}");
    want(desk, "show", ARGS("show", "SERIAL000020", "--path", evidence->sink_dir[0]), 0,
         "\\u{009b}[2J\\u{202e}");
}

static void makes_a_key_once(void **state)
{
    struct desk *desk = *state;
    char key[320];
    struct stat st;

    snprintf(key, sizeof(key), "%s/new.key", desk->evidence.dir);
    want(desk, "keygen", ARGS("keygen", "--out", key), 0, "-----BEGIN PUBLIC KEY-----");
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    want(desk, "keygen again", ARGS("keygen", "--out", key), 77, "");
    want(desk, "keygen nowhere", ARGS("keygen"), 64, "");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(an_auditor_verifies_with_the_key_alone), ROW(an_operator_needs_no_paths), ROW(proves_one_device),
        ROW(shows_a_hostile_record_escaped),         ROW(makes_a_key_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

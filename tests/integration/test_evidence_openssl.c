/*
 * A stranger checks evidence: the very commands of common/evidence/README.md, run by sh with openssl and the
 * public key alone, in a folder that holds nothing else of ours. And openssl reads the private key that
 * keygen makes.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "harness/evidence.h"
#include "harness/proc.h"

#define TIMEOUT_MS 30000

static const char *const files[] = { "manifest-1.dsse.json", "records-00001.jsonl" };

struct stranger {
    struct evidence evidence;
    char dir[300], out[320], script[320];
};

/* The one block of shell commands in the README. */
static void take_commands(const struct stranger *stranger)
{
    struct err err = ERR_INIT;
    struct buf text;
    const char *from, *to;

    buf_init(&text, 1 << 20);
    if (fsio_read(TEST_TOP "/common/evidence/README.md", &text, &err) != 0)
        fail_msg("%s", err.text);
    from = strstr(text.data, "```sh\n");
    assert_non_null(from);
    from += strlen("```sh\n");
    to = strstr(from, "```");
    assert_non_null(to);
    evidence_replace(stranger->script, from, (size_t)(to - from));
    buf_release(&text);
}

static const char *file_of(const struct stranger *stranger, const char *name)
{
    static char path[700];

    snprintf(path, sizeof(path), "%s/%s", stranger->dir, name);
    return path;
}

static int setup(void **state)
{
    struct stranger *stranger = calloc(1, sizeof(*stranger));
    struct evidence *evidence = &stranger->evidence;
    struct err err = ERR_INIT;
    struct closed closed;
    struct fake_run *run;

    evidence_make(evidence);
    run = fake_runbook_add(&evidence->book, "run-1");
    run->view.operator_ =
        "{\"name\":\"records-99999.jsonl\",\"sha256\":\"00\",\"count\":1} \"payload\":\"x\"";
    evidence_part(evidence, run, "uid-1", 1, 100);
    evidence_close(evidence, run, &closed);
    snprintf(stranger->dir, sizeof(stranger->dir), "%s/stranger", evidence->dir);
    snprintf(stranger->out, sizeof(stranger->out), "%s/out.txt", evidence->dir);
    snprintf(stranger->script, sizeof(stranger->script), "%s/check.sh", evidence->dir);
    assert_int_equal(fsio_mkdirs(stranger->dir, 0700, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        char *text = evidence_read(evidence, evidence_path(evidence, 0, "run-1", files[i]));

        evidence_replace(file_of(stranger, files[i]), text, strlen(text));
    }
    evidence_replace(file_of(stranger, "public.pem"), evidence->public_pem, strlen(evidence->public_pem));
    take_commands(stranger);
    *state = stranger;
    return 0;
}

static int teardown(void **state)
{
    struct stranger *stranger = *state;

    evidence_unmake(&stranger->evidence);
    free(stranger);
    return 0;
}

/* The exit status of the commands; what they printed in *out_r. */
static int check(struct stranger *stranger, const char **out_r)
{
    const char *const argv[] = { "sh", "-e", stranger->script, NULL };
    const struct proc_options options = {
        .argv = argv, .stdout_file = stranger->out, .stderr_file = stranger->out, .dir = stranger->dir
    };
    struct err err = ERR_INIT;
    int status = proc_run(&options, TIMEOUT_MS, &err);

    if (status < 0)
        fail_msg("%s", err.text);
    *out_r = evidence_read(&stranger->evidence, stranger->out);
    return status;
}

static void takes_what_is_whole(void **state)
{
    struct stranger *stranger = *state;
    const char *out;
    int status = check(stranger, &out);

    if (status != 0)
        fail_msg("status %d:\n%s", status, out);
    assert_non_null(strstr(out, "Signature Verified Successfully"));
    assert_non_null(strstr(out, "records-00001.jsonl: OK"));
    assert_non_null(strstr(out, "{\"sequence\":null,\"sha256\":null}"));
    assert_non_null(strstr(out, stranger->evidence.chain.head_sha256)); /* the hash that the next one names */
}

static void notices_a_changed_record(void **state)
{
    struct stranger *stranger = *state;
    char *text = evidence_read(&stranger->evidence, file_of(stranger, files[1]));
    const char *out;

    memcpy(strstr(text, "assigned"), "rejected", 8);
    evidence_replace(file_of(stranger, files[1]), text, strlen(text));
    if (check(stranger, &out) == 0 || strstr(out, "records-00001.jsonl: FAILED") == NULL)
        fail_msg("taken:\n%s", out);
}

static void notices_a_changed_manifest(void **state)
{
    struct stranger *stranger = *state;
    char *text = evidence_read(&stranger->evidence, file_of(stranger, files[0]));
    char *payload = strstr(text, "\"payload\":\"") + 11;
    const char *out;

    payload[100] = payload[100] == 'A' ? 'B' : 'A';
    evidence_replace(file_of(stranger, files[0]), text, strlen(text));
    if (check(stranger, &out) == 0 || strstr(out, "Verified Successfully") != NULL)
        fail_msg("taken:\n%s", out);
}

static void notices_another_key(void **state)
{
    struct stranger *stranger = *state;
    char key[320], pem[PUBLIC_PEM_MAX];
    struct err err = ERR_INIT;
    const char *out;

    snprintf(key, sizeof(key), "%s/other.key", stranger->evidence.dir);
    assert_int_equal(signer_keygen(key, pem, &err), 0);
    evidence_replace(file_of(stranger, "public.pem"), pem, strlen(pem));
    if (check(stranger, &out) == 0 || strstr(out, "Verified Successfully") != NULL)
        fail_msg("taken:\n%s", out);
}

static void openssl_reads_the_key(void **state)
{
    struct stranger *stranger = *state;
    char key[320];
    const char *const argv[] = { "openssl", "pkey", "-in", key, "-pubout", NULL };
    const struct proc_options options = { .argv = argv, .stdout_file = stranger->out };
    struct err err = ERR_INIT;

    snprintf(key, sizeof(key), "%s/audit.key", stranger->evidence.dir);
    if (proc_run(&options, TIMEOUT_MS, &err) != 0)
        fail_msg("openssl does not read the key: %s", err.text);
    assert_string_equal(evidence_read(&stranger->evidence, stranger->out), stranger->evidence.public_pem);
}

/* A key that openssl made serves as well. */
static void a_key_of_openssl_serves(void **state)
{
    struct stranger *stranger = *state;
    char key[320], reference[340];
    const char *const argv[] = { "openssl", "genpkey", "-algorithm", "ed25519", "-out", key, NULL };
    const struct proc_options options = { .argv = argv };
    const struct signer_options plain = { .base = NULL };
    struct err err = ERR_INIT;
    struct signer *signer;

    snprintf(key, sizeof(key), "%s/openssl.key", stranger->evidence.dir);
    snprintf(reference, sizeof(reference), "ed25519:file:%s", key);
    assert_int_equal(proc_run(&options, TIMEOUT_MS, &err), 0);
    if (signer_open(reference, &plain, &signer, &err) != 0)
        fail_msg("%s", err.text);
    signer_free(signer);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(takes_what_is_whole), ROW(notices_a_changed_record), ROW(notices_a_changed_manifest),
        ROW(notices_another_key), ROW(openssl_reads_the_key),    ROW(a_key_of_openssl_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

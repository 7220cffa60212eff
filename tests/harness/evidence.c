#include "harness/check.h"

#include "harness/evidence.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "harness/proc.h"

#define POOL_MAX (256 * 1024 * 1024)

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void open_sinks(struct evidence *evidence)
{
    struct err err = ERR_INIT;

    for (int i = 0; i < 2; i++) {
        char url[320];

        snprintf(evidence->sink_dir[i], sizeof(evidence->sink_dir[i]), "%s/sink-%d", evidence->dir, i + 1);
        snprintf(url, sizeof(url), "file:%s", evidence->sink_dir[i]);
        must(sink_open(url, &evidence->sinks[i], &err), &err);
    }
}

void evidence_make(struct evidence *evidence)
{
    static const struct signer_options options = { .base = NULL };
    struct err err = ERR_INIT;
    char key[300], reference[340];

    memset(evidence, 0, sizeof(*evidence));
    must(proc_temp_dir("evidence", evidence->dir, sizeof(evidence->dir), &err), &err);
    snprintf(evidence->spool_dir, sizeof(evidence->spool_dir), "%s/spool", evidence->dir);
    snprintf(key, sizeof(key), "%s/audit.key", evidence->dir);
    snprintf(reference, sizeof(reference), "ed25519:file:%s", key);
    must(signer_keygen(key, evidence->public_pem, &err), &err);
    must(signer_open(reference, &options, &evidence->signer, &err), &err);
    must(verifier_from_pem(evidence->public_pem, &evidence->verifier, &err), &err);
    open_sinks(evidence);
    fake_runbook_init(&evidence->book);
    fake_chain_init(&evidence->chain);
    evidence->pool = pool_new(POOL_MAX);
    assert_non_null(evidence->pool);
    evidence->closing = (struct closing){
        .runbook = &evidence->book.runbook,
        .chain = &evidence->chain.chain,
        .signer = evidence->signer,
        .sinks = evidence->sinks,
        .sink_count = 2,
        .spool = { evidence->spool_dir, EVIDENCE_ORG },
        .dialect = "abm-v2",
        .version = "0.1.0",
        .now_ms = EVIDENCE_NOW_MS,
    };
}

void evidence_unmake(struct evidence *evidence)
{
    for (int i = 0; i < 2; i++)
        sink_free(evidence->sinks[i]);
    signer_free(evidence->signer);
    fake_runbook_release(&evidence->book);
    fake_chain_release(&evidence->chain);
    pool_free(evidence->pool);
    proc_remove_dir(evidence->dir);
}

struct device *evidence_device(struct evidence *evidence, int64_t row)
{
    struct device *device = pool_alloc(evidence->pool, sizeof(*device));

    assert_non_null(device);
    device->row = row;
    device->serial = pool_printf(evidence->pool, "SERIAL%06lld", (long long)row);
    device->outcome = OUTCOME_ASSIGNED;
    device->blueprint_id = "bp-1a2b3c4d";
    device->mdm_server_id = "mdm-main";
    device->assignment_id = pool_printf(evidence->pool, "as-%lld", (long long)row);
    device->attempts_all = 1;
    device->rule = "1: serial.startswith('S')";
    for (int step = 0; step < STEP_COUNT; step++)
        device->times_ms[step] = EVIDENCE_NOW_MS - 10000 + 1000 * step;
    return device;
}

void evidence_part_of(struct evidence *evidence, struct fake_run *run, const char *uid,
                      const struct device *const *devices, size_t count)
{
    struct err err = ERR_INIT;
    char sha256[SHA256_HEX];

    must(spool_write(&evidence->closing.spool, run->view.id, uid, devices, count, sha256, &err), &err);
    fake_run_list_part(run, uid, sha256, (int64_t)count);
}

void evidence_part(struct evidence *evidence, struct fake_run *run, const char *uid, int64_t from,
                   int64_t count)
{
    const struct device **devices = pool_array(evidence->pool, (size_t)count, sizeof(*devices));

    assert_non_null(devices);
    for (int64_t i = 0; i < count; i++)
        devices[i] = evidence_device(evidence, from + i);
    evidence_part_of(evidence, run, uid, devices, (size_t)count);
}

void evidence_close(struct evidence *evidence, struct fake_run *run, struct closed *closed_r)
{
    struct err err = ERR_INIT;
    int rc = close_run(&evidence->closing, run->view.id, evidence->pool, closed_r, &err);

    if (rc != 1)
        fail_msg("closing %s gave %d: %s: %s", run->view.id, rc, err_wire(err.code), err.text);
    fake_run_close(run, closed_r->manifest_path, closed_r->payload_sha256, closed_r->records_files);
}

const char *evidence_path(const struct evidence *evidence, int sink, const char *run, const char *name)
{
    static char path[700];

    snprintf(path, sizeof(path), "%s/" EVIDENCE_ORG "/%s/%s", evidence->sink_dir[sink], run, name);
    return path;
}

char *evidence_read(struct evidence *evidence, const char *path)
{
    struct err err = ERR_INIT;
    struct buf text;
    char *copy = NULL;

    buf_init(&text, POOL_MAX);
    if (fsio_read(path, &text, &err) == 0)
        copy = pool_strndup(evidence->pool, text.data, text.len);
    buf_release(&text);
    return copy;
}

void evidence_replace(const char *path, const void *data, size_t len)
{
    struct err err = ERR_INIT;

    must(fsio_write(path, data, len, 0640, &err), &err);
}

int evidence_count(const char *text, const char *word)
{
    int count = 0;

    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
        count++;
    return count;
}

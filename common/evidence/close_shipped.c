/* What stands in the sink already: of this closing, or of an earlier run of the same name. */
#include "evidence/close_inside.h"

#include <string.h>

#include "crypto/verifier.h"

int close_is_in_sink(const struct close_job *job, struct err *err)
{
    struct sink_place place = { job->closing->spool.org, job->run, job->name };
    char hex[SHA256_HEX];

    return sink_look(job->closing->sinks[0], &place, hex, err);
}

/* The manifest of the wanted name as it stands in the first sink: ours, and of this run's name. */
static int read_shipped(struct close_job *job, struct manifest *manifest_r, struct err *err)
{
    const struct closing *closing = job->closing;
    struct sink_place place = { closing->spool.org, job->run, job->name };
    struct verifier verifier;
    int rc;

    buf_reset(&job->envelope);
    if (verifier_from_pem(closing->signer->public_pem, &verifier, err) != 0)
        return -1;
    rc = sink_read(closing->sinks[0], &place, &job->envelope, err);
    if (rc <= 0)
        return rc < 0 ? -1
                      : err_set(err, ERR_SINK, 0, "%s of run %s has gone from the sink", job->name, job->run);
    if (dsse_open(job->envelope.data, job->envelope.len, &verifier, &job->payload, err) != 0 ||
        manifest_parse(job->payload.data, job->payload.len, job->pool, manifest_r, err) != 0)
        return err_prefix(err, "%s of run %s, found in the sink", job->name, job->run);
    return 0;
}

static int another_run(const struct close_job *job, struct err *err)
{
    return err_set(err, ERR_SINK_EXISTS, 0,
                   "the sink holds %s of another run named %s: evidence is never overwritten", job->name,
                   job->run);
}

static bool supersedes_ours(const struct close_job *job, const struct manifest *manifest)
{
    const struct run_view *view = &job->view;

    return strcmp(manifest->supersedes != NULL ? manifest->supersedes : "",
                  view->previous_payload_sha256 != NULL ? view->previous_payload_sha256 : "") == 0;
}

/*
 * The manifest is in the sink already: this closing's, left by a crash between move and settle, or by a Redis
 * that came back as it was before. What was signed then stands.
 */
int close_adopt_shipped(struct close_job *job, struct manifest *manifest_r, struct err *err)
{
    if (read_shipped(job, manifest_r, err) != 0)
        return -1;
    if (strcmp(manifest_r->org, job->closing->spool.org) != 0 || strcmp(manifest_r->run, job->run) != 0 ||
        manifest_r->sequence >= job->turn.sequence || manifest_r->timestamp_ms < job->view.created_ms ||
        !supersedes_ours(job, manifest_r))
        return another_run(job, err);
    return 0;
}

/*
 * A name may have had a run before this one: Redis lost it whole and it was pushed again, or it was trimmed
 * and somebody gave its name once more. The evidence goes on behind what is there, as after a replay: the
 * next number, superseding. 1: job->name stands in the sink, and is this closing's; 0: it is free; -1 err.
 */
int close_find_name(struct close_job *job, struct err *err)
{
    for (;;) {
        struct manifest manifest;
        char hex[SHA256_HEX];
        int rc = close_is_in_sink(job, err);

        if (rc <= 0)
            return rc;
        if (read_shipped(job, &manifest, err) != 0)
            return -1;
        if (strcmp(manifest.org, job->closing->spool.org) != 0 || strcmp(manifest.run, job->run) != 0 ||
            !supersedes_ours(job, &manifest))
            return another_run(job, err);
        if (manifest.timestamp_ms >= job->view.created_ms)
            return 1;
        sha256_hex(job->payload.data, job->payload.len, hex);
        job->view.previous_payload_sha256 = pool_strdup(job->pool, hex);
        if (job->view.previous_payload_sha256 == NULL)
            return pool_failed(job->pool, err);
        if (manifest.file_count > 0)
            job->view.records_files = manifest_records_number(manifest.files[manifest.file_count - 1].name);
        job->view.manifest++;
        job->is_after_another = true;
        manifest_name(job->view.manifest + 1, job->name);
    }
}

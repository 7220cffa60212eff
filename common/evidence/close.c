#include "evidence/close.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/verifier.h"
#include "domain/approvers.h"
#include "evidence/close_inside.h"
#include "evidence/ship.h"
#include "evidence/work.h"

/* How long the turn is ours without a word: the work under it grows with the records that are shipped. */
#define TURN_BASE_MS        10000
#define RECORDS_PER_TURN_MS 20

static void job_init(struct close_job *job, const struct closing *closing, const char *run, struct pool *pool)
{
    memset(job, 0, sizeof(*job));
    job->closing = closing;
    job->run = run;
    job->pool = pool;
    buf_init(&job->folder, 4096);
    buf_init(&job->envelope, DSSE_ENVELOPE_MAX);
    buf_init(&job->payload, DSSE_PAYLOAD_MAX);
}

static void job_release(struct close_job *job)
{
    buf_release(&job->folder);
    buf_release(&job->envelope);
    buf_release(&job->payload);
}

static int read_run(struct close_job *job, struct err *err)
{
    struct runbook *book = job->closing->runbook;
    int rc = runbook_view(book, job->run, job->pool, &job->view, err);

    if (rc < 0)
        return -1;
    if (rc == 0)
        return err_set(err, ERR_RUN_STATE, 0, "the run book has no run %s", job->run);
    manifest_name(job->view.manifest + 1, job->name);
    return runbook_parts(book, job->run, job->pool, &job->parts, &job->part_count, err);
}

/* Merges before the turn is taken: it is the long part, and other runs need not wait for it. */
static int build_records(struct close_job *job, struct err *err)
{
    if (work_build(&job->closing->spool, job->run, job->parts, job->part_count, job->view.records_files + 1,
                   job->pool, &job->set, &job->folder, err) != 0)
        return -1;
    if ((job->view.manifest == 0 || job->is_after_another) && job->set.total != job->view.ended)
        return err_set(err, ERR_PARTS, 0,
                       "the parts hold %" PRId64 " devices, the run book says %" PRId64 " ended",
                       job->set.total, job->view.ended);
    job->is_built = true;
    return 0;
}

/* What is told of a manifest that every sink has. */
static int report(struct close_job *job, const struct manifest *manifest, struct closed *closed_r,
                  struct err *err)
{
    struct sink_place place = { job->closing->spool.org, job->run, job->name };
    char hex[SHA256_HEX];
    struct buf path;
    int rc;

    sha256_hex(job->payload.data, job->payload.len, hex);
    buf_init(&path, 4096);
    rc = sink_locate(job->closing->sinks[0], &place, &path, err);
    if (rc == 0) {
        closed_r->manifest_path = pool_strdup(job->pool, path.data);
        closed_r->payload_sha256 = pool_strdup(job->pool, hex);
        closed_r->records_files = job->view.records_files + (int64_t)manifest->file_count;
        closed_r->manifest = job->view.manifest + 1;
        closed_r->restored = job->restored;
        if (closed_r->manifest_path == NULL || closed_r->payload_sha256 == NULL)
            rc = pool_failed(job->pool, err);
    }
    buf_release(&path);
    return rc;
}

/* The record files of a stored envelope, whose closer is gone: its own files, or made again from the same
 * parts. */
static int records_of_stored(struct close_job *job, const struct manifest *manifest, struct buf *folder,
                             struct err *err)
{
    const struct closing *closing = job->closing;
    struct run_part *parts;
    struct record_set set;
    size_t count;
    int rc = work_find(&closing->spool, job->turn.run, manifest, folder, err);

    if (rc != 0 || manifest->file_count == 0)
        return rc < 0 ? -1 : 0;
    if (runbook_parts(closing->runbook, job->turn.run, job->pool, &parts, &count, err) != 0 ||
        work_build(&closing->spool, job->turn.run, parts, count,
                   manifest_records_number(manifest->files[0].name), job->pool, &set, folder, err) != 0)
        return -1;
    if (strcmp(set.merkle_root, manifest->merkle_root) != 0)
        return err_set(err, ERR_PARTS, 0, "the parts of run %s are not those that its signed manifest proves",
                       job->turn.run);
    return 0;
}

/*
 * What stands in the chain came over Redis, and a sink never forgets: nothing is shipped that our key does
 * not vouch for, or that is not the manifest of this turn. A key is changed while no closing is under way.
 */
static int open_stored(struct close_job *job, struct manifest *manifest_r, struct err *err)
{
    const struct closing *closing = job->closing;
    const struct chain_turn *turn = &job->turn;
    struct verifier verifier;

    if (verifier_from_pem(closing->signer->public_pem, &verifier, err) != 0 ||
        dsse_open(job->envelope.data, job->envelope.len, &verifier, &job->payload, err) != 0 ||
        manifest_parse(job->payload.data, job->payload.len, job->pool, manifest_r, err) != 0)
        return -1;
    if (strcmp(manifest_r->org, closing->spool.org) != 0 || strcmp(manifest_r->run, turn->run) != 0 ||
        manifest_number(turn->name) == 0 || manifest_r->sequence != turn->sequence ||
        strcmp(manifest_r->previous_sha256 != NULL ? manifest_r->previous_sha256 : "", turn->previous) != 0)
        return err_set(err, ERR_CHAIN, 0, "the envelope stored for shipping is another manifest's");
    return 0;
}

/* Ships what stands signed in the chain, whichever worker signed it, and moves the head. */
static int finish_stored(struct close_job *job, struct manifest *manifest_r, struct err *err)
{
    struct shipment shipment = { job->turn.run, job->turn.name, &job->envelope, manifest_r };
    char hex[SHA256_HEX];
    struct buf folder;
    int rc = -1, needs_records;

    buf_init(&folder, 4096);
    if (open_stored(job, manifest_r, err) != 0 ||
        close_keep_witness(job, job->turn.run, job->turn.name, err) != 0)
        goto out;
    needs_records = ship_needs_records(job->closing, &shipment, err);
    if (needs_records < 0 || (needs_records > 0 && records_of_stored(job, manifest_r, &folder, err) != 0) ||
        ship_all(job->closing, &shipment, needs_records > 0 ? folder.data : NULL, err) != 0)
        goto out;
    sha256_hex(job->payload.data, job->payload.len, hex);
    rc = chain_move(job->closing->chain, &job->turn, hex, err);
out:
    buf_release(&folder);
    return rc == 0 ? 0 : err_prefix(err, "manifest %" PRId64 " of run %s", job->turn.sequence, job->turn.run);
}

static void fill_manifest(const struct close_job *job, struct manifest *manifest)
{
    const struct run_view *view = &job->view;
    const struct closing *closing = job->closing;

    *manifest = (struct manifest){
        .sequence = job->turn.sequence,
        .timestamp_ms = closing->now_ms,
        .run = job->run,
        .org = closing->spool.org,
        .mode = view->mode != NULL ? view->mode : "apply",
        .git_commit = view->git_commit,
        .pipeline_version = closing->version,
        .operator_ = view->operator_,
        .host = view->host,
        .input_name = view->source_name,
        .input_sha256 = sha256_is_hex(view->source_sha256) ? view->source_sha256 : NULL,
        .mapping_sha256 = sha256_is_hex(view->mapping_sha256) ? view->mapping_sha256 : NULL,
        .total = job->set.total,
        .is_complete = view->come >= view->batches && view->malformed == 0 && view->ended >= view->expected &&
                       (view->state == NULL || strcmp(view->state, "incomplete") != 0),
        .files = job->set.files,
        .file_count = job->set.file_count,
        .merkle_root = job->set.merkle_root,
        .previous_sequence = job->turn.sequence - 1,
        .previous_sha256 = job->turn.previous[0] != '\0' ? job->turn.previous : NULL,
        .supersedes = view->manifest > 0 ? view->previous_payload_sha256 : NULL,
        .dialect = closing->dialect,
        .deprecations = view->deprecations,
        .deprecation_count = view->deprecation_count,
        .plan_sha256 = sha256_is_hex(view->plan_sha256) ? view->plan_sha256 : NULL,
        .plan_approvers = approvers_are_valid(view->approvers) ? view->approvers : NULL,
    };
    memcpy(manifest->outputs, job->set.outputs, sizeof(manifest->outputs));
}

/* The turn is ours and nothing is stored. */
static int sign_and_ship(struct close_job *job, struct manifest *manifest, struct err *err)
{
    const struct closing *closing = job->closing;
    struct shipment shipment = { job->run, job->name, &job->envelope, manifest };
    struct manifest again;
    char hex[SHA256_HEX];

    fill_manifest(job, manifest);
    buf_reset(&job->payload);
    buf_reset(&job->envelope);
    manifest_print(&job->payload, manifest);
    /* Read by the strict reader before it is signed: what no verifier would take must never enter the chain.
     */
    if (buf_check(&job->payload, "the manifest", err) != 0 ||
        manifest_parse(job->payload.data, job->payload.len, job->pool, &again, err) != 0 ||
        ship_precheck(closing, job->run, manifest->files, manifest->file_count, err) != 0 ||
        dsse_sign(&job->envelope, job->payload.data, job->payload.len, closing->signer, err) != 0) {
        struct err ignored = ERR_INIT;

        (void)chain_drop(closing->chain, &job->turn, &ignored);
        return -1;
    }
    sha256_hex(job->payload.data, job->payload.len, hex);
    if (chain_store(closing->chain, &job->turn, job->run, job->name, job->envelope.data, job->envelope.len,
                    err) != 0 ||
        close_keep_witness(job, job->run, job->name, err) != 0 ||
        ship_all(closing, &shipment, job->folder.data, err) != 0)
        return -1;
    return chain_move(closing->chain, &job->turn, hex, err);
}

/* Nothing is stored: either the manifest stands in the sink, or it is made now. */
static int finish_own(struct close_job *job, struct manifest *manifest, struct err *err)
{
    struct err ignored = ERR_INIT;
    int rc = close_is_in_sink(job, err);

    if (rc == 0 && job->is_built)
        return sign_and_ship(job, manifest, err);
    if (rc > 0)
        rc = close_adopt_shipped(job, manifest, err);
    else if (rc == 0)
        rc = err_set(err, ERR_SINK, 0, "%s of run %s has gone from the sink", job->name, job->run);
    (void)chain_drop(job->closing->chain, &job->turn, &ignored);
    return rc;
}

/* 1: closed; 0: another closer has the turn. */
static int take_and_finish(struct close_job *job, struct manifest *manifest, struct err *err)
{
    int64_t ttl_ms = TURN_BASE_MS + job->set.total / RECORDS_PER_TURN_MS;

    for (;;) {
        bool is_ours;
        int rc;

        buf_reset(&job->envelope);
        rc = chain_take(job->closing->chain, ttl_ms, &job->turn, &job->envelope, err);
        if (rc <= 0)
            return rc;
        rc = close_heed_witness(job, err);
        if (rc < 0)
            return -1;
        if (rc > 0)
            continue;
        if (!job->turn.is_stored)
            return finish_own(job, manifest, err) == 0 ? 1 : -1;
        is_ours = strcmp(job->turn.run, job->run) == 0 && strcmp(job->turn.name, job->name) == 0;
        if (finish_stored(job, manifest, err) != 0)
            return -1;
        if (is_ours)
            return 1;
    }
}

/* A closing message that comes again with nothing to prove: what was reported before is still so. */
static int report_again(const struct close_job *job, struct closed *closed_r)
{
    closed_r->manifest_path = job->view.manifest_path;
    closed_r->payload_sha256 = job->view.previous_payload_sha256;
    closed_r->records_files = job->view.records_files;
    closed_r->manifest = job->view.manifest;
    closed_r->restored = 0;
    return 1;
}

int close_run(const struct closing *closing, const char *run, struct pool *pool, struct closed *closed_r,
              struct err *err)
{
    struct manifest manifest;
    struct close_job job;
    int rc = -1;

    job_init(&job, closing, run, pool);
    if (read_run(&job, err) != 0)
        goto out;
    if (job.view.manifest > 0 && job.part_count == 0) {
        rc = report_again(&job, closed_r);
        goto out;
    }
    rc = close_find_name(&job, err);
    if (rc < 0 || (rc == 0 && build_records(&job, err) != 0)) {
        rc = -1;
        goto out;
    }
    rc = take_and_finish(&job, &manifest, err);
    if (rc == 1 && report(&job, &manifest, closed_r, err) != 0)
        rc = -1;
    if (rc == 1)
        spool_clean(&closing->spool, run, job.parts, job.part_count);
out:
    job_release(&job);
    return rc;
}

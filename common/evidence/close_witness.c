/* The head of the chain is kept beside the spool as well: a Redis that came back older forks it not. */
#include "evidence/close_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "evidence/witness.h"

/* The witness knows a later manifest than the one in hand: this closer slept beyond its turn, and others went
 * on. */
static int is_passed_by(const struct close_job *job, struct err *err)
{
    struct witness witness;
    struct buf envelope;
    int rc;

    buf_init(&envelope, DSSE_ENVELOPE_MAX + 1);
    rc = witness_read(&job->closing->spool, &witness, &envelope, err);
    buf_release(&envelope);
    return rc < 0 ? -1 : rc == 1 && witness.sequence > job->turn.sequence;
}

/* What no sink has seen yet is kept where a Redis that forgets cannot lose it. */
int close_keep_witness(const struct close_job *job, const char *run, const char *name, struct err *err)
{
    struct witness witness = { .sequence = job->turn.sequence };
    int is_late = is_passed_by(job, err);

    if (is_late != 0)
        return is_late < 0
                   ? -1
                   : err_set(err, ERR_LOST_MESSAGE, 0, "manifest %lld was closed by another worker meanwhile",
                             (long long)job->turn.sequence);
    sha256_hex(job->payload.data, job->payload.len, witness.payload_sha256);
    snprintf(witness.previous, sizeof(witness.previous), "%s", job->turn.previous);
    snprintf(witness.run, sizeof(witness.run), "%s", run);
    snprintf(witness.name, sizeof(witness.name), "%s", name);
    return witness_write(&job->closing->spool, &witness, &job->envelope, err);
}

/* The witness has signed what Redis has forgotten: it is stored again, and then shipped as any that a closer
 * left. */
static int store_again(struct close_job *job, const struct witness *witness, const struct buf *envelope,
                       struct err *err)
{
    if (chain_store(job->closing->chain, &job->turn, witness->run, witness->name, envelope->data,
                    envelope->len, err) != 0)
        return -1;
    job->turn.is_stored = true;
    snprintf(job->turn.run, sizeof(job->turn.run), "%s", witness->run);
    snprintf(job->turn.name, sizeof(job->turn.name), "%s", witness->name);
    buf_reset(&job->envelope);
    buf_add(&job->envelope, envelope->data, envelope->len);
    return buf_check(&job->envelope, "the witness", err);
}

/* Only a person can say which is to stay. */
static int disagree(int64_t sequence, struct err *err)
{
    return err_set(
        err, ERR_CHAIN, 0,
        "`chain` in Redis and .chain in audit.spool tell of different manifests with sequence %" PRId64
        ": is the spool another pipeline's?",
        sequence);
}

/* Several manifests may have been forgotten: then the head goes to the one before the witness, whose hash it
 * knows. */
static int compare_witness(struct close_job *job, const struct witness *witness, const struct buf *envelope,
                           struct err *err)
{
    struct chain_turn *turn = &job->turn;

    if (witness->sequence < turn->sequence - 1)
        return 0;
    if (witness->sequence == turn->sequence - 1)
        return strcmp(witness->payload_sha256, turn->previous) == 0 ? 0 : disagree(witness->sequence, err);
    if (witness->sequence == turn->sequence && turn->is_stored)
        return envelope->len == job->envelope.len &&
                       memcmp(envelope->data, job->envelope.data, envelope->len) == 0
                   ? 0
                   : disagree(witness->sequence, err);
    if (witness->sequence == turn->sequence && strcmp(witness->previous, turn->previous) != 0)
        return disagree(witness->sequence, err);
    job->restored = witness->sequence;
    if (witness->sequence == turn->sequence)
        return store_again(job, witness, envelope, err);
    turn->sequence = witness->sequence - 1;
    return chain_move(job->closing->chain, turn, witness->previous, err) == 0 ? 1 : -1;
}

/* 0: the turn is right, what Redis has forgotten stands in it again; 1: the head was moved, take the turn
 * again; -1. */
int close_heed_witness(struct close_job *job, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct witness witness;
    struct buf envelope;
    int rc;

    buf_init(&envelope, DSSE_ENVELOPE_MAX + 1);
    rc = witness_read(&job->closing->spool, &witness, &envelope, err);
    if (rc == 1)
        rc = compare_witness(job, &witness, &envelope, err);
    if (rc < 0)
        (void)chain_drop(job->closing->chain, &job->turn, &ignored);
    buf_release(&envelope);
    return rc;
}

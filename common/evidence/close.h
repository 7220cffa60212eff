/**
 * close.h - closes a run: merges its parts, signs the manifest, and has every sink confirm it (DESIGN.md 8).
 *
 * Safe to repeat at any point, by any worker, also by several at once: queue/chain.h tells the states. What a
 * crash leaves:
 *
 *   before `store`   nothing but files in the spool: the next closer begins anew
 *   after `store`    the signed bytes: the next closer, of whatever run, ships exactly these and moves the
 * head after `move`     the manifest stands in the sinks: the run's next closer finds it there and only
 * reports it
 *
 * What is stored is shipped only where our own key signed it, as the manifest of this turn: whoever can write
 * to Redis could else put into the sinks, for ever, what no verifier takes.
 *
 * A Redis that comes back as it was a second ago has forgotten manifests that are in the sinks: witness.h has
 * kept the last of them. What stands in a sink under the closing's own name is adopted, never made a second
 * time.
 *
 * Nothing is stored before it is known that no sink holds other bytes under the names: a run that cannot be
 * shipped must not block the chain of the organization.
 */
#ifndef EVIDENCE_CLOSE_H
#define EVIDENCE_CLOSE_H

#include "crypto/signer.h"
#include "evidence/sink.h"
#include "evidence/spool.h"
#include "queue/chain.h"
#include "queue/runbook.h"

struct closing {
    struct runbook *runbook;
    struct chain *chain;
    struct signer *signer;
    struct sink *const *sinks;
    size_t sink_count;
    struct spool spool; /* its org is the organization */
    const char *dialect;
    const char *version; /* of the pipeline */
    int64_t now_ms;      /* Redis time: the manifest's timestamp */
};

/* What the settle of the closing message writes down; text in the pool. */
struct closed {
    const char *manifest_path; /* in the first sink */
    const char *payload_sha256;
    int64_t records_files; /* the run's record files so far */
    int64_t manifest;      /* the number in its name */
    int64_t
        restored; /* Redis had forgotten the chain up to this sequence, it was brought back; 0: it had not */
};

/**
 * @return 1 closed: every sink has confirmed; 0 another closer is at work: later; -1 with ERR_PARTS,
 * ERR_SPOOL, ERR_SINK, ERR_SINK_EXISTS, ERR_SIGNER, ERR_SIGNATURE, ERR_CHAIN, ERR_LOST_MESSAGE,
 * ERR_RUN_STATE, ERR_REDIS_*
 */
int close_run(const struct closing *closing, const char *run, struct pool *pool, struct closed *closed_r,
              struct err *err) __attribute__((nonnull(1, 2, 3, 4, 5)));

#endif

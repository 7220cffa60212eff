/**
 * witness.h - the last manifest that was signed for an organization, kept beside the spool:
 * `<spool>/<org>/.chain`.
 *
 * Redis may come back as it was a second or two ago, and then knows nothing of manifests that are in the
 * sinks: the next closer would give their sequence to another run, and the chain would fork. So the signed
 * bytes are written here, synced, before any sink sees them, and a closer compares. Where the witness knows
 * more than Redis, the witness is right: nothing is signed without it. Where Redis knows more, Redis is
 * right: the folder was lost, or restored from a copy.
 */
#ifndef EVIDENCE_WITNESS_H
#define EVIDENCE_WITNESS_H

#include "evidence/spool.h"
#include "queue/chain.h"

struct witness {
    int64_t sequence;
    char payload_sha256[SHA256_HEX];
    char previous[SHA256_HEX]; /* payload hash of the manifest before; "": the first */
    char run[65], name[128];   /* whose it is, and its file's name */
};

/** 1 and appends the envelope; 0: there is none; -1 with ERR_SPOOL, ERR_CHAIN (the file makes no sense),
 * ERR_NOMEM. */
int witness_read(const struct spool *spool, struct witness *witness_r, struct buf *envelope, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

/** Replaces it at once, synced. -1 with ERR_SPOOL, ERR_SETTINGS (the organization's name), ERR_NOMEM. */
int witness_write(const struct spool *spool, const struct witness *witness, const struct buf *envelope,
                  struct err *err) __attribute__((nonnull(1, 2, 3, 4)));

#endif

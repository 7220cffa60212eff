/**
 * verify.h - is evidence whole? Needs the files and the public key alone (DESIGN.md 8).
 *
 * Checked of each manifest: the signature; of each record file its hash and count; the Merkle root; that the
 * records' outcomes are the outputs. Of several: that each run's manifests supersede one another without a
 * gap, and that the organization's chain holds - in a folder above the runs also that it has no gap from
 * sequence 1 on. Not to be seen from the files: whether manifests are missing at the chain's end.
 */
#ifndef EVIDENCE_VERIFY_H
#define EVIDENCE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/verifier.h"

struct verify_result {
    int64_t manifests, records, record_files;
    int64_t
        unlisted; /* record files that no manifest names: of a run being closed, or put there by somebody */
    int64_t first_sequence, last_sequence; /* of the last organization; 0: none */
    bool is_tree;                          /* a whole chain was checked */
};

/**
 * path: a manifest, a run's folder, an organization's, or a whole sink.
 *
 * @return 0 whole; -1 not: ERR_SIGNATURE, ERR_EVIDENCE, ERR_CHAIN, the text names the file and what differs;
 * or it could not be told: ERR_NOT_FOUND (no manifest there), ERR_FILE_*, ERR_IO, ERR_NOMEM
 */
int evidence_verify(const char *path, const struct verifier *verifier, struct verify_result *result_r,
                    struct err *err) __attribute__((nonnull(1, 2, 3, 4)));

/** True for the codes that mean "not whole", rather than "could not be told". */
bool evidence_is_refuted(enum err_code code);

#endif

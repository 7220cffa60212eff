/**
 * tree.h - finds the manifests of kept evidence: in a file, a run's folder, an organization's, or a whole
 * sink.
 */
#ifndef EVIDENCE_TREE_H
#define EVIDENCE_TREE_H

#include "base/pool.h"
#include "crypto/verifier.h"
#include "evidence/manifest.h"

#define TREE_MAX_DEPTH 3 /* sink, organization, run */

/* One manifest, read and (with a verifier) proved to be signed; valid during the visit. */
struct tree_manifest {
    const char *folder;
    const char *name;
    struct manifest manifest;
    char payload_sha256[SHA256_HEX];
    const char *envelope;
    size_t envelope_len;
    struct pool *pool; /* of manifest */
};

/* 0 to go on; -1 with err ends the walk. */
struct tree_visitor {
    int (*visit)(void *ctx, const struct tree_manifest *found, struct err *err);
    void *ctx;
};

/**
 * Visits each manifest under path, in no order. What is not named as a manifest is passed over, and links are
 * not followed.
 *
 * @param verifier      NULL: signatures are not looked at
 * @param is_tree_r     out: some manifest lay deeper than in path itself: a whole chain is to be expected
 * @param count_r       out: manifests visited
 * @return 0; -1 with what visit gave, or ERR_FILE_*, ERR_IO, ERR_EVIDENCE, ERR_SIGNATURE with the file's path
 * before
 */
int tree_walk(const char *path, const struct verifier *verifier, const struct tree_visitor *visitor,
              bool *is_tree_r, size_t *count_r, struct err *err) __attribute__((nonnull(1, 3, 4, 5, 6)));

#endif

/**
 * visit.h - all records of kept evidence, one by one, checked while they are read: what was handed out and
 * what the signed manifests name are the same bytes.
 */
#ifndef EVIDENCE_VISIT_H
#define EVIDENCE_VISIT_H

#include "evidence/record.h"
#include "evidence/tree.h"

/* One record; all of it lives for the call. */
struct visit_record {
    const struct tree_manifest *manifest; /* that names its file */
    struct record_head head;
    const char *line; /* without its newline */
    size_t len;
};

/* record: 0 to go on; -1 with err ends the visit. */
struct visitor {
    int (*record)(void *ctx, const struct visit_record *record, struct err *err);
    void *ctx;
};

/**
 * Reads the record files of one manifest, in their order. A file that is not as the manifest says - missing,
 * another hash, another count - is found out at its end, when its records have been handed out: they count
 * only where this returns 0.
 *
 * @return 0; -1 with what visitor gave, ERR_EVIDENCE (with the file's path), ERR_FILE_DENIED, ERR_IO,
 * ERR_NOMEM
 */
int visit_manifest(const struct tree_manifest *manifest, const struct visitor *visitor, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/**
 * All records under path (a run's folder up to a whole sink) of the manifests of one organization, by
 * manifest in no order. As tree_walk and visit_manifest.
 *
 * @param org          others' manifests are passed over; NULL: of all
 * @param run          likewise; NULL: of all runs
 * @param manifests_r  out: how many were read
 */
int visit_evidence(const char *path, const struct verifier *verifier, const char *org, const char *run,
                   const struct visitor *visitor, int64_t *manifests_r, struct err *err)
    __attribute__((nonnull(1, 2, 5, 6, 7)));

#endif

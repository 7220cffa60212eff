/**
 * manifest.h - the payload that is signed when a run closes: what went in, what came out, under which hashes,
 * and what came before it in the organization's chain (DESIGN.md 8, config/schema/manifest.schema.json).
 * Pure.
 *
 * Printed as compact JSON with the members always in the order of the structure, so equal manifests are equal
 * bytes. A stored format: version 1. A change adds members at the end, and raises MANIFEST_VERSION where a
 * reader that does not know them would judge wrongly; manifest_parse goes on reading all versions, since
 * evidence is kept for years. `plan` stands only in the manifests of a run that applied one.
 */
#ifndef EVIDENCE_MANIFEST_H
#define EVIDENCE_MANIFEST_H

#include "base/buf.h"
#include "crypto/sha256.h"
#include "domain/outcome.h"
#include "base/pool.h"

#define MANIFEST_VERSION      1
#define MANIFEST_FILES_MAX    10000 /* record files of one manifest */
#define MANIFEST_FILE_RECORDS 100000
#define MANIFEST_NAME_MAX     64

/* One file of records. */
struct manifest_file {
    const char *name; /* "records-00001.jsonl", relative to the manifest's folder */
    const char *sha256;
    int64_t count;
};

/* All text is borrowed; hashes are lower-case hex. */
struct manifest {
    int64_t sequence; /* in the chain of the organization, from 1 */
    int64_t timestamp_ms;
    const char *run, *org, *mode;
    const char *git_commit; /* of the input's repository; NULL */
    const char *pipeline_version;
    const char *operator_, *host;                           /* NULL: not told */
    const char *input_name, *input_sha256, *mapping_sha256; /* NULL: not told */
    int64_t outputs[OUTCOME_COUNT];                         /* [OUTCOME_NONE] is not used */
    int64_t total;
    bool is_complete;
    const struct manifest_file *files;
    size_t file_count;
    const char *merkle_root;
    int64_t previous_sequence;   /* 0 for the first */
    const char *previous_sha256; /* of the payload before; NULL for the first */
    const char *supersedes;      /* payload hash of the run's manifest before; NULL: its first */
    const char *dialect;
    const char *const *deprecations;
    size_t deprecation_count;
    const char *plan_sha256;    /* the plan that the run applied; NULL: none, then the member is left out */
    const char *plan_approvers; /* as domain/approvers.h has them; NULL: nobody */
};

/** Appends the payload. Errors stand in out. */
void manifest_print(struct buf *out, const struct manifest *manifest) __attribute__((nonnull(1, 2)));

/**
 * Reads a payload and checks that it agrees with itself: types, names, hashes, outputs that sum up to the
 * total, record counts that do, `previous` null exactly for sequence 1. What lives on is in pool.
 *
 * @return 0; -1 with ERR_EVIDENCE (the text names the member), ERR_LIMIT, ERR_NOMEM
 */
int manifest_parse(const char *text, size_t len, struct pool *pool, struct manifest *manifest_r,
                   struct err *err) __attribute__((nonnull(1, 3, 4, 5)));

/** "manifest-1.dsse.json" into name_r[MANIFEST_NAME_MAX]; and its number back, 0 where name is none. */
void manifest_name(int64_t number, char *name_r) __attribute__((nonnull(2)));
int64_t manifest_number(const char *name) __attribute__((nonnull(1)));
/** The same for "records-00001.jsonl". */
void manifest_records_name(int64_t number, char *name_r) __attribute__((nonnull(2)));
int64_t manifest_records_number(const char *name) __attribute__((nonnull(1)));

#endif

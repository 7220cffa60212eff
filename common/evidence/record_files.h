/**
 * record_files.h - writes a run's records, as they come in their final order, into files of at most
 * MANIFEST_FILE_RECORDS lines, and keeps their hashes, counts, outcomes and Merkle root: all that a manifest
 * says of them.
 */
#ifndef EVIDENCE_RECORD_FILES_H
#define EVIDENCE_RECORD_FILES_H

#include <stdio.h>

#include "base/pool.h"
#include "evidence/manifest.h"
#include "evidence/merkle.h"
#include "evidence/record.h"

/* What was written; lives in the pool. */
struct record_set {
    struct manifest_file *files;
    size_t file_count;
    int64_t outputs[OUTCOME_COUNT];
    int64_t total;
    char merkle_root[SHA256_HEX];
};

struct record_files {
    const char *folder; /* borrowed */
    struct pool *pool;
    int64_t next_number;
    int64_t lines_max;
    FILE *file; /* the one being written; NULL: none */
    struct sha256 sha;
    size_t room; /* of set.files */
    struct merkle merkle;
    struct record_set set;
};

/** first_number: of the first file, from 1; lines_max: MANIFEST_FILE_RECORDS, less in tests. Opens nothing
 * yet. */
void record_files_init(struct record_files *files, const char *folder, int64_t first_number,
                       int64_t lines_max, struct pool *pool) __attribute__((nonnull(1, 2, 5)));
/** Adds one line, its newline not counted in len. -1 with ERR_SPOOL, ERR_LIMIT, ERR_NOMEM. */
int record_files_add(struct record_files *files, const struct record_head *head, const char *line, size_t len,
                     struct err *err) __attribute__((nonnull(1, 2, 3, 5)));
/** Ends the last file and hands out the whole. */
int record_files_end(struct record_files *files, struct record_set *set_r, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
/** Closes what is open; always, also after an error. */
void record_files_release(struct record_files *files) __attribute__((nonnull(1)));

#endif

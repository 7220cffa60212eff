/**
 * work.h - the record files of a closing on their way to the sinks. They are built in the spool beside the
 * parts, and stand there under a name that follows from their content until the head of the chain has moved:
 * so a closer that takes over from a dead one ships the very files that the signed manifest names.
 */
#ifndef EVIDENCE_WORK_H
#define EVIDENCE_WORK_H

#include "evidence/record_files.h"
#include "evidence/spool.h"

/**
 * Merges the parts of a run into record files from first_number on.
 *
 * @param folder  out: appended, where they stand
 * @return 0; -1 as merge_parts
 */
int work_build(const struct spool *spool, const char *run, const struct run_part *parts, size_t count,
               int64_t first_number, struct pool *pool, struct record_set *set_r, struct buf *folder,
               struct err *err) __attribute__((nonnull(1, 2, 6, 7, 8, 9)));

/** Where work_build left the files of a manifest with this root: 1 and appends to folder; 0 they are not
 * there. */
int work_find(const struct spool *spool, const char *run, const struct manifest *manifest, struct buf *folder,
              struct err *err) __attribute__((nonnull(1, 2, 3, 4, 5)));

#endif

/**
 * heads.h - which devices of a run have ended: the rows and turns (seq) of records, read from the parts of an
 * open run or from record files.
 */
#ifndef EVIDENCE_HEADS_H
#define EVIDENCE_HEADS_H

#include "evidence/record.h"
#include "evidence/spool.h"

/** Called for each record; head's serial lives for the call. */
typedef void heads_see_fn(void *user, const struct record_head *head);

/**
 * Reads the listed parts of a run. -1 with ERR_PARTS (one is missing or has another count than is listed: the
 * text names it), ERR_NOMEM.
 */
int heads_of_parts(const struct spool *spool, const char *run, const struct run_part *parts, size_t count,
                   heads_see_fn *see, void *user, struct err *err) __attribute__((nonnull(1, 5, 7)));

/** Reads records-00001.jsonl .. of `files` in a folder. -1 with ERR_EVIDENCE, ERR_FILE_*, ERR_IO, ERR_NOMEM.
 */
int heads_of_records(const char *folder, int64_t files, heads_see_fn *see, void *user, struct err *err)
    __attribute__((nonnull(1, 3, 5)));

#endif

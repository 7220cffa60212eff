/**
 * merge.h - puts the listed parts of a run together into its record files, by row, in bounded memory: an
 * external k-way merge, in several passes where there are more parts than may be open at once.
 *
 * Exactly the listed parts count. A part whose bytes are not those of the listed hash, whose count differs or
 * which is missing refuses the whole; so do two records of one device (row and serial) with one seq. Of
 * several with different seq, the highest counts: a replay while the run was open.
 */
#ifndef EVIDENCE_MERGE_H
#define EVIDENCE_MERGE_H

#include "evidence/record_files.h"
#include "queue/runbook.h"

#define MERGE_FAN_IN 200 /* files open at once */

struct merge_input {
    const char *folder; /* of the parts: `<spool>/<org>/<run>` */
    const struct run_part *parts;
    size_t count;
    const char *work; /* an empty folder: passes and record files are written here */
    int64_t first_number;
    int64_t lines_max; /* 0: MANIFEST_FILE_RECORDS */
    size_t fan_in;     /* 0: MERGE_FAN_IN; at least 2 */
};

/**
 * @return 0: the record files stand in work, *set_r tells of them (in pool); -1 with ERR_PARTS (the text
 * names the part), ERR_SPOOL, ERR_NOMEM, ERR_LIMIT. What a failure leaves in work is the caller's to remove.
 */
int merge_parts(const struct merge_input *input, struct pool *pool, struct record_set *set_r, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

#endif

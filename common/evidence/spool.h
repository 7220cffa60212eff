/**
 * spool.h - the parts of an open run's record: one file a message, `<spool>/<org>/<run>/<uid>.jsonl`, in a
 * folder that all audit workers share (DESIGN.md 8).
 *
 * A part is written whole and synced before the settle that lists its hash; one that was written by a worker
 * that died before its settle is replaced or simply never listed. Which parts count is the run book's word
 * alone.
 */
#ifndef EVIDENCE_SPOOL_H
#define EVIDENCE_SPOOL_H

#include "base/buf.h"
#include "crypto/sha256.h"
#include "domain/device.h"
#include "queue/runbook.h"

#define SPOOL_PART_MAX (16 * 1024 * 1024)

struct spool {
    const char *dir; /* audit.spool, resolved */
    const char *org;
};

/** True where a name may be one step of a path here: it has the form of a run id, so no "/", "..", nor a
 * leading dot. */
bool spool_name_is_safe(const char *name);

/** `<spool>/<org>/<run>` appended to out. -1 with ERR_RUN_ID or ERR_SETTINGS where a name is no path part. */
int spool_folder(const struct spool *spool, const char *run, struct buf *out, struct err *err)
    __attribute__((nonnull(1, 3, 4)));

/**
 * Writes the records of devices, sorted by row, as the part of uid; replaces one of that name at once.
 * sha256_r is what settle must list. -1 with ERR_SPOOL, ERR_RUN_ID, ERR_LIMIT, ERR_NOMEM.
 */
int spool_write(const struct spool *spool, const char *run, const char *uid,
                const struct device *const *devices, size_t count, char sha256_r[SHA256_HEX], struct err *err)
    __attribute__((nonnull(1, 6, 7)));

/** Deletes the listed parts and what mergers left; then the run's folder if it is empty. Leftovers are
 * harmless. */
void spool_clean(const struct spool *spool, const char *run, const struct run_part *parts, size_t count)
    __attribute__((nonnull(1)));

/**
 * Deletes what is left of a run that is not kept any more: parts that no step has listed. Files younger than
 * min_age_ms stay, since the run's name may have come again. Failures are harmless.
 */
void spool_remove(const struct spool *spool, const char *run, int64_t min_age_ms) __attribute__((nonnull(1)));

#endif

/**
 * mend.h - what of an open run Redis has lost, found by its input: batches that never came, and devices that
 * neither ended nor stand anywhere. The input must be the one that the run was pushed from: each registered
 * batch is made again from it and its hash compared, so what is put back is what was there.
 */
#ifndef ABMCTL_MEND_H
#define ABMCTL_MEND_H

#include "crypto/sha256.h"
#include "mend_notes.h"
#include "pushing.h"
#include "queue/repair.h"
#include "queue/runbook.h"

struct mend {
    struct pushing *pushing; /* open, its rules those of the run */
    struct batcher *batcher; /* of the pass under way */
    struct pool *pool;       /* for the attempt under way */
    struct run_view view;
    struct repair_look look;
    struct mend_notes notes;

    uint8_t *row_flags; /* by row; see mend.c */
    int32_t *row_turns; /* how often the row has ended: the seq of its next record */
    size_t row_cap;
    char (*hashes)[SHA256_HEX]; /* of registered batches, by number - 1; "": not registered */

    int64_t lost;     /* devices that stand nowhere */
    int64_t put_back; /* of them, put back now */
    bool is_moved;    /* the pipeline moved on meanwhile: look again */
};

/** Borrows pushing, whose id is the run. mend_release is to be called whatever it returns. */
int mend_init(struct mend *mend, struct pushing *pushing, struct err *err);
void mend_release(struct mend *mend);

/**
 * Compares the input with what is registered: the number of batches and each hash. ERR_INPUT_OTHER names what
 * differs.
 */
int mend_compare(struct mend *mend, struct err *err);

/**
 * Finds the devices that are lost, and puts them back unless is_dry. Where the pipeline works on the run
 * meanwhile it looks again, some times. -1 with ERR_RUN_STATE (the counts do not fit, or the run is over),
 * ERR_PARTS (audit.spool cannot be read: nothing is put back), ERR_STOPPED, ERR_REDIS_*.
 */
int mend_devices(struct mend *mend, bool is_dry, struct err *err);

#endif

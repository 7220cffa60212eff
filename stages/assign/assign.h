/**
 * assign.h - the rule of abm-assign: reads what each device has now, changes only what differs, and remembers
 * what it was before the first change (DESIGN.md 4, Notes).
 */
#ifndef ASSIGN_ASSIGN_H
#define ASSIGN_ASSIGN_H

#include "abm/api.h"
#include "domain/settings.h"
#include "queue/brake.h"
#include "queue/notes.h"
#include "stage/stage.h"

struct assign {
    struct abm_api api;
    struct notes notes;
    struct brake brake; /* ops NULL: any change is granted */

    /* Of changes that are made only from an expected state (a plan's). */
    size_t few;       /* so many at once; 0: all */
    int64_t fresh_ms; /* what was read is believed for so long, then the rest is read again */
};

#define ASSIGN_FRESH_MS 10000

/** `few` for a rate limit and so many requests under way at once: what takes about two seconds. Pure. */
size_t assign_few(const struct rate_limit *limit, int64_t concurrency);

/**
 * Gives every job a verdict:
 *
 *   wanted state found in effect     finish unchanged; with a note assigned or removed
 *   wanted state accepted            pass: verify waits for the effect
 *   state is not expected_from       finish conflict
 *   is_only_new, and one is there    finish unchanged, kept_existing
 *   the brake holds the change       put back, held: it asks again
 *   anything else                    note, then PUT or DELETE: pass
 *   a state is expected, and what was read has become too old meanwhile: put back, to be read again
 *
 * With a note and a request of ours that may still arrive, what is found in effect goes to verify, whose last
 * look follows that request. Safe to repeat at any point: a note is never overwritten by what a later read
 * shows.
 *
 * @return 0; -1: nobody can go on (ABM's or Redis's failure), the whole batch goes back; devices keep
 * is_maybe_sent
 */
int assign_batch(struct assign *assign, struct batch *batch, struct err *err);

#endif

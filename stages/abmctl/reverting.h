/**
 * reverting.h - how what a run did to a device is taken back. Pure.
 */
#ifndef ABMCTL_REVERTING_H
#define ABMCTL_REVERTING_H

#include "domain/plan.h"
#include "estate.h"
#include "roll.h"

/* One device, judged. */
struct reverted {
    enum plan_kind kind; /* PLAN_SAME: nothing is left to do, or can be */
    bool is_gone;        /* ABM does not have the device any more: nothing can be done */
    bool is_changed;     /* not as the run left it: an entry all the same, for apply to find the conflict */
    bool is_on_server;   /* it came to a server by the run, and ABM takes none away from an assigned device */
    struct plan_entry entry; /* without a row; of PLAN_SAME only serial and to_blueprint_id */
};

/**
 * from_* of the entry is what the run left, to_* what it had found. Where the record is too old to tell the
 * server of before, the server is left as it is.
 *
 * @param record  outcome assigned or removed
 * @param now     what ABM shows
 */
void revert_judge(const struct roll_entry *record, const struct estate_device *now,
                  struct reverted *reverted_r);

#endif

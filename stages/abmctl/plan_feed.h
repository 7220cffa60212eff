/**
 * plan_feed.h - a plan as a feed: each of its entries is a device that says itself what it is to become, and
 * from what. Rows are places in the plan.
 */
#ifndef ABMCTL_PLAN_FEED_H
#define ABMCTL_PLAN_FEED_H

#include "domain/device.h"
#include "feed.h"
#include "plan_file.h"
#include "source.h"

struct plan_feed {
    struct plan_file *file; /* open; borrowed */
    char name[SOURCE_NAME_BYTES];
};

/** approvers: as feed.h has them; borrowed. Nothing is to be released. */
struct feed plan_feed_open(struct plan_feed *plan, struct plan_file *file, const char *approvers);

/**
 * The device of an entry, its text borrowed from there: what is wanted, and as expected_from the state that
 * the plan saw. Where the server is neither changed nor wanted any is expected. Pure.
 *
 * @param is_revert  the plan was made of evidence, which may not know the server: a removal that names none
 * expects any
 */
void plan_feed_device(enum plan_kind kind, const struct plan_entry *entry, bool is_revert,
                      struct device *device_r);

#endif

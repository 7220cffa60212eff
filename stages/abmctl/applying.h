/**
 * applying.h - the steps of apply before anything is published: whether the plan may be applied at all. Each
 * refusal says what differs; those of a plan end with exit status 77.
 */
#ifndef ABMCTL_APPLYING_H
#define ABMCTL_APPLYING_H

#include "approval.h"
#include "ctl.h"
#include "domain/approvers.h"
#include "plan_feed.h"
#include "plan_uses.h"

struct applying {
    struct ctl *ctl;
    struct plan_file file;
    struct plan_uses uses;
    struct verifier keys[APPROVERS_MAX]; /* of apply.approvers */
    struct approval_list approvals;      /* in file.pool */
    char approvers[APPROVERS_BYTES];
};

/**
 * All that needs no server: the file, its organization, its age, its approvals, in this order. What it names
 * is counted. applying_release is to be called whatever it returns.
 *
 * @return 0; -1 with ERR_PLAN_*, ERR_FILE_*, ERR_LIMIT, ERR_SETTINGS* (a key of apply.approvers)
 */
int applying_open(struct applying *applying, struct ctl *ctl, const char *path, struct err *err);
void applying_release(struct applying *applying);

/** ERR_PLAN_STALE where the plan is older than max_age_ms, or of a time to come. Pure. */
int applying_check_age(const struct plan_head *head, int64_t now_ms, int64_t max_age_ms, struct err *err);

/**
 * Whether ABM still has the blueprints and servers that the plan wants, read anew. Opens Redis.
 *
 * @return 0; -1 with ERR_PLAN_GONE (the text names it, and how many devices want it), ERR_REDIS_*, ERR_ABM_*,
 *         ERR_STOPPED
 */
int applying_check_catalog(struct applying *applying, struct err *err);

/** Says where the organization's rules are others than those that the plan was made with (it stands), and
 * which of its approvals do not count. */
void applying_tell(const struct applying *applying);

#endif

/**
 * pushing.h - the steps of push, import and apply over a feed: count its batches, name the run, publish.
 */
#ifndef ABMCTL_PUSHING_H
#define ABMCTL_PUSHING_H

#include "ctl.h"
#include "domain/approvers.h"
#include "feed.h"
#include "publish.h"
#include "runid.h"
#include "who.h"

struct pushing {
    /* the options */
    const char *run; /* NULL: made here */
    bool is_waiting, is_urgent, is_only_new;
    int64_t size;       /* rows of a batch */
    int64_t timeout_ms; /* of waiting; 0: none */

    struct ctl *ctl;
    struct feed feed;
    int64_t batches;

    char id[RUNID_BYTES];
    bool is_resumed;
    char operator_[WHO_BYTES], source_name[129], git_commit[129],
        approvers[APPROVERS_BYTES]; /* as every batch says them; git_commit, approvers "": none */
    int64_t published, skipped;     /* batches sent now; found registered or on their way */
    int64_t begun_boot_ms;
};

/** ERR_RUN_ID where the id that the operator wants is none. Nothing is to be released. */
int pushing_init(struct pushing *pushing, struct ctl *ctl, struct err *err);

/** A pass over the feed that only counts the batches of pushing->size rows. */
int pushing_count(struct pushing *pushing, struct err *err);
/** After the count: ERR_LIMIT for more batches than there may be, than one where it is urgent. */
int pushing_check_count(const struct pushing *pushing, struct err *err);

/** Names the run (new, or the one that an interrupted push of this feed left) and keeps the mapping. */
int pushing_begin(struct pushing *pushing, struct err *err);

/** A pass that publishes the batches that are neither registered nor on their way to validate. */
int pushing_publish(struct pushing *pushing, struct err *err);

/**
 * Waits for the run's end and shows how it ended.
 * @return the exit status; -1 err (ERR_WAIT_OVER and others of look_wait)
 */
int pushing_wait(struct pushing *pushing, struct err *err);

/* The steps apart, for run repair. */
/** What every batch says alike; borrowed from pushing. */
void pushing_head(const struct pushing *pushing, struct ingest *head_r);
/** Takes over a kept head (its operator, source, commit, approvers, size); counts again where its size is
 * another. */
int pushing_read_head(struct pushing *pushing, const struct buf *head, struct err *err);
int pushing_store_rules(struct pushing *pushing, struct err *err);

#endif

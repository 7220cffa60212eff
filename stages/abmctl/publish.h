/**
 * publish.h - batches go to ingest: those that neither came nor are on their way to validate, one after the
 * other, held back by validate's backlog and by a full Redis, over lost connections. What was interrupted is
 * resumed by the same call.
 */
#ifndef ABMCTL_PUBLISH_H
#define ABMCTL_PUBLISH_H

#include "ctl.h"
#include "feed.h"
#include "queue/push.h"

#define PUBLISH_REASON_MAX 1200

struct publish {
    struct ctl *ctl;
    const struct feed *feed;
    const char *run;
    bool is_urgent;
    int64_t batches;
    bool *is_come; /* of the run's batches: registered before, or on their way */
    int64_t published, skipped;
    char told[PUBLISH_REASON_MAX]; /* why it waits, as it was said last */
    int64_t told_boot_ms;          /* 0: never */
};

/** Learns which batches have come. is_come is allocated; publish_release frees it. */
int publish_init(struct publish *publish, struct ctl *ctl, const struct feed *feed, const char *run,
                 bool is_urgent, int64_t batches, struct err *err);
void publish_release(struct publish *publish);

/** For batcher_flush_fn. -1 with ERR_PUSH_STOPPED, ERR_INPUT_CHANGED, ERR_REDIS_*. */
int publish_batch(void *publish, int64_t number, const struct buf *text, struct err *err);

/** Calls step until it does not fail by a lost connection or a full Redis; both are waited for. */
int publish_patiently(struct ctl *ctl, int (*step)(void *user, struct err *err), void *user, struct err *err);

#endif

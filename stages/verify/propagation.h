/**
 * propagation.h - how long ABM takes until an accepted change is in effect, learned by all verify workers of
 * an organization together (cache:propagation), so that the first look comes when there is something to see.
 *
 * A look that finds the change tells only that it came between the look before and now. So a change found at
 * a later look teaches its whole age, and one found at the first look teaches a little less than was waited:
 * the first looks creep earlier until some come too early, and settle there. The oldest of a batch counts,
 * since a look serves 200 devices. Workers overwrite each other's word now and then; each word is near
 * enough.
 */
#ifndef VERIFY_PROPAGATION_H
#define VERIFY_PROPAGATION_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/cache.h"

#define PROPAGATION_CACHE    "propagation"
#define PROPAGATION_TTL_MS   (INT64_C(24) * 60 * 60 * 1000)
#define PROPAGATION_SHARE_MS 5000             /* read and written at most this often by one process */
#define PROPAGATION_MAX_MS   (10 * 60 * 1000) /* longer is no habit of ABM, but trouble */

struct propagation {
    int64_t learned_ms; /* 0: nothing known */
    int64_t read_ms;    /* when the cache was last read; 0: never */
    int64_t written_ms;
};

/** Reads the shared word, if the own one is older than PROPAGATION_SHARE_MS. -1: the cache failed. */
int propagation_refresh(struct propagation *propagation, struct cache *cache, int64_t now_ms,
                        struct err *err);

/* What the devices confirmed in one batch taught. */
struct propagation_sample {
    int64_t first_ms; /* greatest age of those found at their first look; -1: none */
    int64_t later_ms; /* of those found at a later one, had that look come when it was due; -1: none */
};

/** The learned time after a sample. Pure. */
int64_t propagation_learn(int64_t learned_ms, const struct propagation_sample *sample);

/**
 * Learns and, if the last word of this process is old enough, shares it. Where the cache refuses (Redis at
 * maxmemory) the word stays here and is offered again later: what is in hand must drain all the same.
 */
void propagation_share(struct propagation *propagation, struct cache *cache,
                       const struct propagation_sample *sample, int64_t now_ms);

/**
 * How long to put off the first look of a change that is age_ms old: the step of the grid (base/backoff.h)
 * nearest to what is left of learned_ms; 0: look now. Pure.
 */
int64_t propagation_delay_ms(int64_t learned_ms, int64_t age_ms);

#endif

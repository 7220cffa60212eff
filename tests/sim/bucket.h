/**
 * bucket.h - the token bucket that limits requests: in any t seconds at most burst + requests / per * t.
 * Pure: the caller passes the time in. Whole numbers only, so that no slot appears or is lost by rounding.
 */
#ifndef SIM_BUCKET_H
#define SIM_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    int64_t requests; /* in per_us; 0: no limit */
    int64_t per_us;
    int64_t burst;
    int64_t level; /* one request is per_us units, and a microsecond brings `requests` units */
    int64_t at_us;
};

/** Full at now_us. requests 0: no limit. Each number is within 1..10^6, and per within a day. */
void bucket_init(struct bucket *bucket, int64_t requests, int64_t per_us, int64_t burst, int64_t now_us)
    __attribute__((nonnull(1)));

/** Takes a slot. False where there is none: *wait_us_r is when the next one comes. A refusal takes nothing.
 */
bool bucket_take(struct bucket *bucket, int64_t now_us, int64_t *wait_us_r) __attribute__((nonnull(1, 3)));

#endif

/**
 * backoff.h - exponential back-off with jitter. Pure: chance is passed in.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (equal jitter is used here: half
 * fixed, half random, so that a delay never shrinks to nothing).
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

/** min(cap, base * 2^(attempt-1)), then half of it fixed and half scaled by random (any 32 bits). attempt
 * from 1. */
int64_t backoff_ms(int64_t base_ms, int64_t cap_ms, int attempt, uint32_t random);

/** The least of 1, 5, 30 s, 2, 10, 30 m, 2 h, 6 h, 24 h that is >= ms: waits are rounded up to it, so that
 * they gather. */
int64_t backoff_grid_ms(int64_t ms);

#endif

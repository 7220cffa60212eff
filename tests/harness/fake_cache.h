/**
 * fake_cache.h - the shared cache (queue/cache.h) in memory. Time is the test's: fake.now_ms.
 */
#ifndef HARNESS_FAKE_CACHE_H
#define HARNESS_FAKE_CACHE_H

#include "queue/cache.h"

#define FAKE_CACHE_ENTRIES 16

struct fake_cache {
    struct cache cache; /* give &fake.cache to the code under test */
    int64_t now_ms;
    int fail_after; /* after so many calls: -1 with ERR_REDIS_LOST; -1: never */

    /* Locks that "another process" holds: a lock of this name is refused so often, and then what_then is
     * called. */
    const char *held_name;
    int held_times;
    void (*what_then)(struct fake_cache *fake, void *user);
    void *user;

    int gets, sets, locks, unlocks;
    struct {
        char name[64];
        struct buf value;
        int64_t set_ms, until_ms;
    } values[FAKE_CACHE_ENTRIES], held[FAKE_CACHE_ENTRIES];
};

void fake_cache_init(struct fake_cache *fake);
void fake_cache_release(struct fake_cache *fake);

#endif

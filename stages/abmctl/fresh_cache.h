/**
 * fresh_cache.h - the shared cache for who must know what ABM has now: the catalog of a few minutes ago is
 * not taken, what is read anew is shared as ever.
 */
#ifndef ABMCTL_FRESH_CACHE_H
#define ABMCTL_FRESH_CACHE_H

#include "queue/cache.h"

/** The cache over *under, which is borrowed. */
struct cache fresh_cache_over(struct cache *under);

#endif

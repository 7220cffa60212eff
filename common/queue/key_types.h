/**
 * key_types.h - which type each key of the pipeline has (README.md tells what it holds), and which key in
 * Redis has another: somebody's mistake, of which Redis says WRONGTYPE and no name.
 */
#ifndef QUEUE_KEY_TYPES_H
#define QUEUE_KEY_TYPES_H

#include "queue/keys.h"
#include "queue/redis.h"

/**
 * The type that a key has, as Redis's TYPE names it.
 *
 * @param name  without the organization's prefix: "count:assign", "run:R:parts"
 *
 * @return "stream", "hash", "zset", "set" or "string" in static storage; NULL: no key of the pipeline
 */
const char *key_types_want(const char *name) __attribute__((nonnull(1)));

/**
 * Where err is a WRONGTYPE that names no key, looks for the key and tells it, and what to do, in err's text.
 * Costs one TYPE for each fixed key, then a SCAN with a limit: for use after an error, not more than once in
 * some seconds. Leaves err as it is where nothing is found or Redis refuses to be asked.
 */
void key_types_explain(struct redis *redis, const struct keys *keys, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

#endif

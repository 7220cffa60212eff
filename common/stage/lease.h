/**
 * lease.h - a thread that renews the leases of what the main loop has in hand, over a connection of its own.
 *
 * It stops renewing when the main loop has not moved for max_hold: a worker that hangs loses its messages to
 * others, and its late settle changes nothing. Internal to the skeleton.
 */
#ifndef STAGE_LEASE_H
#define STAGE_LEASE_H

#include "queue/keys.h"
#include "queue/redis.h"

struct lease;

struct lease_settings {
    const struct redis_settings *redis;
    const struct keys *keys;
    const char *stage, *consumer;
    int64_t lease_ms, max_hold_ms;
};

int lease_start(const struct lease_settings *settings, struct lease **lease_r, struct err *err);
/** Ends the thread and frees. NULL is taken. */
void lease_stop(struct lease *lease);

void lease_add(struct lease *lease, const char *id);
void lease_remove(struct lease *lease, const char *id);
void lease_clear(struct lease *lease);
/** The main loop lives: to be called between its steps and during long ones. */
void lease_moved(struct lease *lease);

#endif

/**
 * lease.h - a thread that renews the leases of what the main loop has in hand, over a connection of its own,
 * and goes on writing the heartbeat while the main loop is long at one batch.
 *
 * It stops renewing when the main loop has not moved for max_hold: a worker that hangs loses its messages to
 * others, and its late settle changes nothing. Internal to the skeleton.
 */
#ifndef STAGE_LEASE_H
#define STAGE_LEASE_H

#include "base/buf.h"
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

/**
 * What the heartbeat says from now on: JSON up to its "at" and the end, as lease_end_beat adds them. A head
 * that is too long for memory is none.
 *
 * @param now_ms  Redis time now, which goes on from here
 */
void lease_say(struct lease *lease, const char *head, int64_t now_ms);
/** The main loop has written a heartbeat itself. */
void lease_said(struct lease *lease);
/** Adds the time and the end to the head of a heartbeat. */
void lease_end_beat(struct buf *out, int64_t at_ms);

#endif

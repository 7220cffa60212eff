/**
 * stream.h - reading a stage's stream: new messages, what is pending for this worker, what dead workers left;
 * and keeping it (leases).
 */
#ifndef QUEUE_STREAM_H
#define QUEUE_STREAM_H

#include "queue/lanes.h"
#include "queue/redis.h"

#define STREAM_ID_MAX 56 /* two numbers of 64 bits and a lane */

/* One entry as it came; text borrowed from the reply that it came in. */
struct stream_entry {
    char id[STREAM_ID_MAX]; /* with its lane (lanes.h) */
    const char *body;
    size_t len;
    int64_t deliveries; /* this one included; 1 for a new message */
};

/* The entries of a reply. Released with stream_entries_release. */
struct stream_entries {
    struct stream_entry *at;
    size_t count;
    struct redis_reply *replies[1]; /* holds the text */
    size_t reply_count;
};

void stream_entries_release(struct stream_entries *entries);

/** Makes the groups of all lanes (from 0, with their streams) where they are not there. */
int stream_make_group(struct redis *redis, const struct keys *keys, const char *stage, struct err *err);

/**
 * New messages of some lanes: at most count of each that has any, waiting up to block_ms for the first (0:
 * not at all). None: count 0.
 *
 * @param lanes  bit i: lane i; at least one
 */
int stream_read(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                unsigned lanes, size_t count, int64_t block_ms, struct stream_entries *entries_r,
                struct err *err);

/** What is pending for this consumer, at most count, behind the id `after` ("": from the first); delivery
 * counts stay. */
int stream_read_own(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                    const char *after, size_t count, struct stream_entries *entries_r, struct err *err);

/** What others let lie for longer than lease_ms, at most count; removes consumers gone for gone_ms with
 * nothing pending. */
int stream_reclaim(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                   int64_t lease_ms, size_t count, int64_t gone_ms, struct stream_entries *entries_r,
                   struct err *err);

/** Renews leases; *lost_r: how many of the ids are another's by now. */
int stream_renew(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                 const char *const *ids, size_t count, size_t *lost_r, struct err *err);

/** Takes the consumer out of the group; 1 done, 0 it still has something pending (and stays). */
int stream_leave(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                 struct err *err);

#endif

/**
 * mend_notes.h - the notes of an organization (`note:UID`), by serial: what was read of a device before
 * anything was sent. A device whose message was lost goes on with its note, so that the evidence still says
 * what was there before.
 */
#ifndef ABMCTL_MEND_NOTES_H
#define ABMCTL_MEND_NOTES_H

#include "base/pool.h"
#include "domain/device.h"
#include "queue/keys.h"
#include "queue/redis.h"

struct mend_note {
    const char *serial, *uid;
    const char *blueprint_id, *mdm_server_id; /* NULL: none */
    bool is_used;
};

struct mend_notes {
    struct mend_note *at; /* sorted by serial */
    size_t count, cap;
};

/** Reads them all; text lives in pool. mend_notes_release frees the list. */
int mend_notes_read(struct mend_notes *notes, struct redis *redis, const struct keys *keys, struct pool *pool,
                    struct err *err);
void mend_notes_release(struct mend_notes *notes);

/** Gives a lost device what its note says, where there is one. */
void mend_notes_give(struct mend_notes *notes, struct device *device);

#endif

/**
 * replay.h - what a dead device becomes before it goes back to work. Pure.
 */
#ifndef ABMCTL_REPLAY_H
#define ABMCTL_REPLAY_H

#include "base/buf.h"
#include "base/pool.h"
#include "queue/dead.h"

struct device;

/** The stage that letters of a stage go back to: verify's to assign, since what was assigned did not take
 * effect. */
const char *replay_target(const char *stage);

/**
 * A device begins anew: seq one higher, nothing charged, no outcome. What was found before its first change
 * (the note, from_*) stays: it is the truth of what was there before.
 */
void replay_reset(struct device *device);

/**
 * Appends the message that puts the letter's device back into the target's stream.
 * -1 with ERR_NOT_FOUND (the letter is of a batch that could not be read: there is no device), ERR_RUN_STATE
 * (validate never resolved its blueprint), ERR_MSG_MALFORMED, ERR_MSG_VERSION; the text says what to do.
 */
int replay_message(const struct dead_letter *letter, const char *target, const char *uid, struct pool *pool,
                   struct buf *message, struct err *err);

#endif

/**
 * notes.h - what a handler must remember of a message's devices before its first mutation (DESIGN.md 4,
 * Notes). An interface: `note:UID` over Redis, fenced like settle; in memory for unit tests. The skeleton
 * gives a note back through device.is_noted and device.from_* at redelivery and retry, and deletes it at
 * settle.
 */
#ifndef QUEUE_NOTES_H
#define QUEUE_NOTES_H

#include "base/err.h"
#include "queue/limiter.h"

struct note {
    const char *serial;
    const char *from_blueprint_id;  /* NULL: it was unassigned */
    const char *from_mdm_server_id; /* NULL: none */
};

struct notes_ops {
    int (*save)(void *ctx, const struct fence *fence, const struct note *list, size_t count, struct err *err);
};

struct notes {
    const struct notes_ops *ops;
    void *ctx;
};

/**
 * Saves what was read of devices of the message that fence names. An earlier note of a device stands.
 * @return 0 saved; 1 the message is not ours any more: change nothing; -1 err
 */
static inline int notes_save(struct notes *notes, const struct fence *fence, const struct note *list,
                             size_t count, struct err *err)
{
    return notes->ops->save(notes->ctx, fence, list, count, err);
}

#endif

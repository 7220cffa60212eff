/**
 * fake_notes.h - queue/notes.h in memory: what was saved, message by message, and two ways to refuse.
 */
#ifndef HARNESS_FAKE_NOTES_H
#define HARNESS_FAKE_NOTES_H

#include "queue/notes.h"

#define FAKE_NOTES_MAX 64

struct fake_note {
    const char *message; /* stream id */
    const char *serial;
    const char *from_blueprint_id, *from_mdm_server_id;
};

struct fake_notes {
    struct fake_note at[FAKE_NOTES_MAX];
    size_t count;
    int saves;                /* calls that succeeded */
    const char *lost_message; /* its save says: not yours any more; NULL: none */
    enum err_code fail;       /* every save fails with it; ERR_NONE: none */
};

/** All zero is a valid start. */
struct notes fake_notes_of(struct fake_notes *fake);

/** The latest note of a device; NULL: there is none. */
const struct fake_note *fake_notes_find(const struct fake_notes *fake, const char *serial);

#endif

/**
 * inventory.h - the devices of the simulated organization and what is assigned to each. Made for a million.
 *
 * A device's id is derived from its serial, so that it is the same in each run, and differs from it, so that
 * nobody takes the one for the other. A change that takes time is `next` until it is in effect, then `now`.
 */
#ifndef SIM_INVENTORY_H
#define SIM_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SERIAL_MAX      12
#define DEVICE_ID_BYTES 24
#define NEVER_US        INT64_MAX

enum assignment_state { ASSIGNMENT_NONE, ASSIGNMENT_ACCEPTED, ASSIGNMENT_PROPAGATED, ASSIGNMENT_FAILED };

struct assignment {
    enum assignment_state state;
    bool is_failing;       /* ends FAILED, not PROPAGATED */
    int blueprint, server; /* numbers of the catalogs; server may be CATALOG_NONE */
    uint64_t number;       /* its id, new with each change */
    int64_t due_us;        /* ACCEPTED: when it ends so, monotonic; NEVER_US: never */
    int64_t updated_ms;    /* Unix time */
};

struct sim_device {
    uint64_t key; /* the id without its prefix */
    char serial[SERIAL_MAX + 1];
    char country[3];
    char *model, *order_number, *asset_tag; /* malloc'd or NULL */
    struct assignment now, next;
    uint32_t changes;       /* assignments that took effect, and removals, from any side */
    uint32_t puts_received; /* putAssignment that reached the device */
    uint32_t puts_changed;  /* those that asked for something new, and were done */
};

struct inventory {
    struct sim_device **chunks;
    size_t count;
    uint32_t *slots; /* open addressing: index + 1, 0 is free */
    size_t slot_count;
    uint64_t last_assignment;
};

void inventory_release(struct inventory *inventory) __attribute__((nonnull(1)));

/** The device, or NULL. Times that have come take effect as it is looked at. Valid until release. */
struct sim_device *inventory_find(struct inventory *inventory, const char *serial, int64_t now_us)
    __attribute__((nonnull(1, 2)));
struct sim_device *inventory_find_id(struct inventory *inventory, const char *id, int64_t now_us)
    __attribute__((nonnull(1, 2)));
/** In the order they came; index < count. */
struct sim_device *inventory_at(struct inventory *inventory, size_t index, int64_t now_us)
    __attribute__((nonnull(1)));

/** Finds or makes the device. *is_new_r tells which. NULL: ERR_NOMEM. serial has at most SERIAL_MAX
 * characters. */
struct sim_device *inventory_add(struct inventory *inventory, const char *serial, const char *country,
                                 bool *is_new_r, struct err *err) __attribute__((nonnull(1, 2, 3, 4, 5)));

/** The device's id into text[DEVICE_ID_BYTES]. Returns text. */
char *device_id(const struct sim_device *device, char *text) __attribute__((nonnull(1, 2)));

struct assignment_change {
    int blueprint, server;
    int64_t now_us, due_us; /* due_us <= now_us: in effect at once */
    bool is_failing;
};

/**
 * Asks for a change. Where the same is asked for or in effect already nothing is changed, and the id stays.
 * True where it is a change.
 */
bool device_assign(struct inventory *inventory, struct sim_device *device,
                   const struct assignment_change *change) __attribute__((nonnull(1, 2, 3)));
/** True where something was assigned. */
bool device_unassign(struct sim_device *device) __attribute__((nonnull(1)));

/** What a read shows: the newest, or with shows_older what was in effect before it; NULL: nothing is
 * assigned. */
const struct assignment *device_shown(const struct sim_device *device, bool shows_older)
    __attribute__((nonnull(1)));

/** The server that the newest assignment names, or CATALOG_NONE. */
int device_server(const struct sim_device *device) __attribute__((nonnull(1)));

const char *assignment_state_name(enum assignment_state state);

#endif

/**
 * plan_uses.h - what a plan names, counted: its blueprints, and the servers it wants.
 */
#ifndef ABMCTL_PLAN_USES_H
#define ABMCTL_PLAN_USES_H

#include "plan_file.h"

#define PLAN_USES_MAX 10000 /* different blueprints, and servers, of one plan */

struct plan_name {
    const char *id;
    int64_t counts[PLAN_KINDS]; /* add and change: devices that get it; remove: devices that lose it */
};

struct plan_names {
    struct plan_name *at; /* by id */
    size_t count, room;
};

struct plan_uses {
    struct pool *pool;
    struct plan_names blueprints, servers;
    int64_t assign, remove; /* entries */
};

/** Counts the plan's entries in one pass. ERR_LIMIT (more names than PLAN_USES_MAX), ERR_NOMEM,
 * ERR_INPUT_CHANGED. plan_uses_release is to be called whatever it returns. */
int plan_uses_read(struct plan_uses *uses, struct plan_file *file, struct err *err);
/** One entry; for plan_uses_read and tests. uses->pool is the caller's then. */
int plan_uses_add(struct plan_uses *uses, enum plan_kind kind, const struct plan_entry *entry,
                  struct err *err);
void plan_uses_release(struct plan_uses *uses);

/** Devices that get the blueprint or server. */
int64_t plan_name_wanted(const struct plan_name *name);

#endif

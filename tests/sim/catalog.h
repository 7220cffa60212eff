/**
 * catalog.h - the blueprints and MDM servers of the simulated organization. An entry keeps its number for
 * ever, so that assignments may name it by number also after it has been taken off the list.
 */
#ifndef SIM_CATALOG_H
#define SIM_CATALOG_H

#include "base/json.h"

#define CATALOG_NONE (-1)

struct catalog_entry {
    char *id;
    char *name;
    bool is_listed;
};

struct catalog {
    struct catalog_entry *entries;
    size_t count;
};

void catalog_release(struct catalog *catalog) __attribute__((nonnull(1)));

/** Lists an entry; name NULL: its id. The number, or CATALOG_NONE with err (ERR_NOMEM). */
int catalog_add(struct catalog *catalog, const char *id, const char *name, struct err *err)
    __attribute__((nonnull(1, 2, 4)));
/** "id[=name],id[=name]...", as the command line has it. */
int catalog_add_text(struct catalog *catalog, const char *text, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
/** Replaces what is listed by ["id" or {"id","name"}, ...]. ERR_JSON_SHAPE. */
int catalog_replace(struct catalog *catalog, const struct json *list, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/** The number of a listed entry, or CATALOG_NONE. */
int catalog_find(const struct catalog *catalog, const char *id) __attribute__((nonnull(1, 2)));
/** The id behind a number; NULL for CATALOG_NONE. */
const char *catalog_id(const struct catalog *catalog, int number) __attribute__((nonnull(1)));

#endif

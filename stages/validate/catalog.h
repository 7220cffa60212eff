/**
 * catalog.h - whether ABM has the blueprints and servers that the devices of one batch want: each is asked
 * once a batch, however many devices want it.
 */
#ifndef VALIDATE_CATALOG_H
#define VALIDATE_CATALOG_H

#include "abm/api.h"

struct catalog_entry {
    const char *name; /* as rules, plan or settings say */
    const char *id;   /* as ABM says; NULL: it has none of that name */
    struct catalog_entry *next;
};

/* All zero but api and pool at the start; everything lives in pool. */
struct catalog {
    const struct abm_api *api;
    struct pool *pool;
    struct catalog_entry *blueprints;
    struct catalog_entry *servers;
};

/** The id, or NULL in *id_r where ABM does not have it. -1: the catalog cannot be read. */
int catalog_blueprint(struct catalog *catalog, const char *id, const char **id_r, struct err *err);
/** The same for an MDM server by id or name. */
int catalog_server(struct catalog *catalog, const char *id_or_name, const char **id_r, struct err *err);

#endif

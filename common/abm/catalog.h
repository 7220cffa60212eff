/**
 * catalog.h - the organization's blueprints and MDM servers: in the shared cache for 5 minutes, read by one
 * process at a time, with a parsed copy in each process. A name that is missing is looked for again in ABM
 * once the list is 30 s old, whoever asks; so a list is read at most every 30 s by all processes together.
 */
#ifndef ABM_CATALOG_H
#define ABM_CATALOG_H

#include "abm/client.h"

struct abm_op;

#define CATALOG_KEEP_MS  (INT64_C(5) * 60 * 1000)
#define CATALOG_AGAIN_MS (INT64_C(30) * 1000)

struct catalog_entry {
    const char *id, *name;
};

struct catalog {
    const char *cache_name;        /* "catalog-blueprints": a JSON array of [id, name] */
    struct pool *pool;             /* of the entries; NULL: no copy yet */
    struct catalog_entry *entries; /* by id */
    size_t count;
    int64_t read_ms; /* boot time when the list was read from ABM */
};

void catalog_init(struct catalog *catalog, const char *cache_name);
void catalog_release(struct catalog *catalog);

/**
 * Looks an entry up by id, else (is_by_name) by a name that only one entry has.
 *
 * @param entry_r  out: NULL where ABM has none; borrowed until the next call
 * @return 0; -1 as client.h says
 */
int catalog_find(struct abm_client *client, struct catalog *catalog, const struct abm_op *op, const char *key,
                 bool is_by_name, const struct catalog_entry **entry_r, struct err *err);

/** For the answers of a list: one entry of it. */
struct catalog_reading;
void catalog_add(struct catalog_reading *reading, const char *id, const char *name);

#endif

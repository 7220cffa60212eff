#include "catalog.h"

#include <string.h>

static const struct catalog_entry *find(const struct catalog_entry *list, const char *name)
{
    for (; list != NULL; list = list->next)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

static int keep(struct catalog *catalog, struct catalog_entry **list, const char *name, const char *id,
                struct err *err)
{
    struct catalog_entry *entry = pool_alloc(catalog->pool, sizeof(*entry));

    if (entry == NULL)
        return pool_failed(catalog->pool, err);
    *entry = (struct catalog_entry){ .name = name, .id = id, .next = *list };
    *list = entry;
    return 0;
}

int catalog_blueprint(struct catalog *catalog, const char *id, const char **id_r, struct err *err)
{
    const struct catalog_entry *entry = find(catalog->blueprints, id);
    enum abm_known known;

    if (entry == NULL) {
        if (abm_api_blueprint_known(catalog->api, id, &known, err) != 0)
            return -1;
        if (keep(catalog, &catalog->blueprints, id, known == ABM_KNOWN ? id : NULL, err) != 0)
            return -1;
        entry = catalog->blueprints;
    }
    *id_r = entry->id;
    return 0;
}

int catalog_server(struct catalog *catalog, const char *id_or_name, const char **id_r, struct err *err)
{
    const struct catalog_entry *entry = find(catalog->servers, id_or_name);
    const char *id = NULL;
    enum abm_known known;

    if (entry == NULL) {
        if (abm_api_server_find(catalog->api, id_or_name, catalog->pool, &id, &known, err) != 0)
            return -1;
        if (keep(catalog, &catalog->servers, id_or_name, known == ABM_KNOWN ? id : NULL, err) != 0)
            return -1;
        entry = catalog->servers;
    }
    *id_r = entry->id;
    return 0;
}

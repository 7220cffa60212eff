#include <stdlib.h>
#include <string.h>

#include "catalog.h"

void catalog_release(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++) {
        free(catalog->entries[i].id);
        free(catalog->entries[i].name);
    }
    free(catalog->entries);
    *catalog = (struct catalog){ 0 };
}

static struct catalog_entry *find_any(const struct catalog *catalog, const char *id)
{
    for (size_t i = 0; i < catalog->count; i++) {
        if (strcmp(catalog->entries[i].id, id) == 0)
            return &catalog->entries[i];
    }
    return NULL;
}

int catalog_add(struct catalog *catalog, const char *id, const char *name, struct err *err)
{
    struct catalog_entry *entry = find_any(catalog, id), *entries;
    char *id_copy, *name_copy = strdup(name ? name : id);

    if (entry && name_copy) {
        free(entry->name);
        entry->name = name_copy;
        entry->is_listed = true;
        return (int)(entry - catalog->entries);
    }
    id_copy = strdup(id);
    entries = realloc(catalog->entries, (catalog->count + 1) * sizeof(*entries));
    if (entries)
        catalog->entries = entries;
    if (!id_copy || !name_copy || !entries) {
        free(id_copy);
        free(name_copy);
        return err_set(err, ERR_NOMEM, 0, "the catalog");
    }
    entries[catalog->count] = (struct catalog_entry){ .id = id_copy, .name = name_copy, .is_listed = true };
    return (int)catalog->count++;
}

int catalog_add_text(struct catalog *catalog, const char *text, struct err *err)
{
    char *copy = strdup(text), *rest = copy, *word;
    int rc = copy ? 0 : err_set(err, ERR_NOMEM, 0, "the catalog");

    while (rc == 0 && (word = strsep(&rest, ","))) {
        char *name = strchr(word, '=');

        if (name)
            *name++ = '\0';
        if (!*word)
            rc = err_set(err, ERR_USAGE, 0, "an empty id in '%s'", text);
        else if (catalog_add(catalog, word, name, err) < 0)
            rc = -1;
    }
    free(copy);
    return rc;
}

int catalog_replace(struct catalog *catalog, const struct json *list, struct err *err)
{
    if (json_kind(list) != JSON_ARRAY)
        return err_set(err, ERR_JSON_SHAPE, 0, "a list of ids is needed, this is %s",
                       json_kind_name(json_kind(list)));
    for (size_t i = 0; i < catalog->count; i++)
        catalog->entries[i].is_listed = false;
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        const char *id = json_string(item) ? json_string(item) : json_string(json_get(item, "id"));

        if (!id || !*id)
            return err_set(err, ERR_JSON_SHAPE, 0, "an entry of the list has no id");
        if (catalog_add(catalog, id, json_string(json_get(item, "name")), err) < 0)
            return -1;
    }
    return 0;
}

int catalog_find(const struct catalog *catalog, const char *id)
{
    const struct catalog_entry *entry = find_any(catalog, id);

    return entry && entry->is_listed ? (int)(entry - catalog->entries) : CATALOG_NONE;
}

const char *catalog_id(const struct catalog *catalog, int number)
{
    return number == CATALOG_NONE ? NULL : catalog->entries[number].id;
}

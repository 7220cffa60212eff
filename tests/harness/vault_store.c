#include "harness/vault_store.h"

#include <stdlib.h>
#include <string.h>

static void entry_release(struct vault_entry *entry)
{
    for (size_t i = 0; i < entry->count; i++)
        free(entry->versions[i].data);
    free(entry->path);
}

void vault_store_release(struct vault_store *store)
{
    for (size_t i = 0; i < store->count; i++)
        entry_release(&store->entries[i]);
    free(store->entries);
    *store = (struct vault_store){ 0 };
}

/* The first entry whose path is not before this one. */
static size_t place_of(const struct vault_store *store, const char *path)
{
    size_t low = 0, high = store->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(store->entries[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct vault_entry *vault_store_find(const struct vault_store *store, const char *path)
{
    size_t at = place_of(store, path);

    return at < store->count && strcmp(store->entries[at].path, path) == 0 ? &store->entries[at] : NULL;
}

struct vault_version *vault_entry_version(struct vault_entry *entry, int64_t number, int64_t *number_r)
{
    int64_t oldest = entry->current - (int64_t)entry->count + 1;

    if (number == 0)
        number = entry->current;
    if (number < oldest || number > entry->current)
        return NULL;
    *number_r = number;
    return &entry->versions[number - oldest];
}

static struct vault_entry *insert(struct vault_store *store, const char *path, int64_t now_ms,
                                  struct err *err)
{
    size_t at = place_of(store, path);
    struct vault_entry *entries;
    char *copy;

    if (store->count == VAULT_ENTRIES_MAX || strlen(path) > VAULT_PATH_MAX) {
        err_set(err, ERR_LIMIT, 0, "at most %d paths of %d bytes", VAULT_ENTRIES_MAX, VAULT_PATH_MAX);
        return NULL;
    }
    copy = strdup(path);
    entries = realloc(store->entries, (store->count + 1) * sizeof(*entries));
    if (entries)
        store->entries = entries;
    if (!copy || !entries) {
        free(copy);
        err_set(err, ERR_NOMEM, 0, "a secret");
        return NULL;
    }
    memmove(&entries[at + 1], &entries[at], (store->count - at) * sizeof(*entries));
    entries[at] = (struct vault_entry){ .path = copy, .created_ms = now_ms };
    store->count++;
    return &entries[at];
}

struct vault_entry *vault_store_put(struct vault_store *store, const char *path, const char *data,
                                    int64_t cas, int64_t now_ms, struct err *err)
{
    struct vault_entry *entry = vault_store_find(store, path);
    char *copy;

    if (cas >= 0 && cas != (entry ? entry->current : 0)) {
        err_set(err, ERR_INPUT_CHANGED, 0, "check-and-set parameter did not match the current version");
        return NULL;
    }
    copy = strdup(data);
    if (!copy)
        err_set(err, ERR_NOMEM, 0, "a secret");
    else if (!entry)
        entry = insert(store, path, now_ms, err);
    if (!copy || !entry) {
        free(copy);
        return NULL;
    }
    if (entry->count == VAULT_VERSIONS_KEPT) {
        free(entry->versions[0].data);
        memmove(entry->versions, entry->versions + 1, --entry->count * sizeof(entry->versions[0]));
    }
    entry->versions[entry->count++] = (struct vault_version){ .data = copy, .created_ms = now_ms };
    entry->current++;
    entry->updated_ms = now_ms;
    return entry;
}

void vault_store_remove(struct vault_store *store, const char *path)
{
    struct vault_entry *entry = vault_store_find(store, path);
    size_t at;

    if (!entry)
        return;
    at = (size_t)(entry - store->entries);
    entry_release(entry);
    memmove(entry, entry + 1, (--store->count - at) * sizeof(*entry));
}

size_t vault_store_list(const struct vault_store *store, const char *folder, struct json_out *out)
{
    size_t folder_len = strlen(folder), last_len = 0, count = 0;
    const char *last = "";
    char name[VAULT_PATH_MAX + 2];

    for (size_t i = place_of(store, folder); i < store->count; i++) {
        const char *path = store->entries[i].path;
        size_t len;

        if (strncmp(path, folder, folder_len) != 0)
            break;
        path += folder_len;
        len = strcspn(path, "/");
        len += path[len] == '/';
        if (len == 0 || (len == last_len && strncmp(path, last, len) == 0))
            continue;
        last = path;
        last_len = len;
        memcpy(name, path, len);
        name[len] = '\0';
        json_add_string(out, NULL, name);
        count++;
    }
    return count;
}

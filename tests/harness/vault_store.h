/**
 * vault_store.h - the secrets of the Vault stand-in: paths, each with its versions, as the KV engine's second
 * version keeps them. In memory, and pure: times are passed in.
 */
#ifndef HARNESS_VAULT_STORE_H
#define HARNESS_VAULT_STORE_H

#include "base/json.h"

#define VAULT_VERSIONS_KEPT 10 /* the engine's default; older ones go */
#define VAULT_ENTRIES_MAX   4096
#define VAULT_PATH_MAX      512

struct vault_version {
    char *data; /* one JSON object; NULL: destroyed */
    int64_t created_ms;
    int64_t deleted_ms; /* 0: it is not deleted */
};

struct vault_entry {
    char *path;
    struct vault_version versions[VAULT_VERSIONS_KEPT]; /* of which count, the oldest first */
    size_t count;
    int64_t current; /* the number of the last one; the first ever is 1 */
    int64_t created_ms, updated_ms;
};

struct vault_store {
    struct vault_entry *entries; /* malloc'd, by path */
    size_t count;
};

void vault_store_release(struct vault_store *store) __attribute__((nonnull(1)));

/** NULL: there is none. Valid until the next change of the store. */
struct vault_entry *vault_store_find(const struct vault_store *store, const char *path)
    __attribute__((nonnull(1, 2)));
/** Version number of the entry, 0: the last; NULL where it never was, or is gone. *number_r is its number. */
struct vault_version *vault_entry_version(struct vault_entry *entry, int64_t number, int64_t *number_r)
    __attribute__((nonnull(1, 3)));

/**
 * Writes a further version.
 *
 * @param data  a JSON object; copied
 * @param cas   the number that the last version must have (0: there must be none); -1: whatever there is
 *
 * @return its entry; NULL with ERR_INPUT_CHANGED (cas does not match), ERR_LIMIT or ERR_NOMEM
 */
struct vault_entry *vault_store_put(struct vault_store *store, const char *path, const char *data,
                                    int64_t cas, int64_t now_ms, struct err *err)
    __attribute__((nonnull(1, 2, 3, 6)));
/** The entry with all its versions goes. */
void vault_store_remove(struct vault_store *store, const char *path) __attribute__((nonnull(1, 2)));

/** Appends the names right below folder ("" or "a/b/") as JSON strings, those of folders with "/" at their
 * end. How many. */
size_t vault_store_list(const struct vault_store *store, const char *folder, struct json_out *out)
    __attribute__((nonnull(1, 2, 3)));

#endif

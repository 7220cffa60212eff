#include "abm/catalog.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abm/exec.h"
#include "base/clock.h"
#include "base/str.h"

#define POOL_MAX    (32u << 20)
#define LIST_MAX    (16u << 20)
#define POLL_MS     50
#define PATIENCE_MS (3 * INT64_C(60000)) /* several readers that died one after another */

struct catalog_reading {
    struct buf text;
    struct json_out out;
};

void catalog_add(struct catalog_reading *reading, const char *id, const char *name)
{
    json_begin(&reading->out, NULL, '[');
    json_add_string(&reading->out, NULL, id);
    json_add_string(&reading->out, NULL, name);
    json_end(&reading->out, ']');
}

void catalog_init(struct catalog *catalog, const char *cache_name)
{
    memset(catalog, 0, sizeof(*catalog));
    catalog->cache_name = cache_name;
}

void catalog_release(struct catalog *catalog)
{
    pool_free(catalog->pool);
    catalog_init(catalog, catalog->cache_name);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct catalog_entry *)a)->id, ((const struct catalog_entry *)b)->id);
}

/* Makes the text of the cache this process's copy. 0; 1: it is none of ours (an older version's): read anew;
 * -1. */
static int adopt(struct catalog *catalog, const struct buf *text, int64_t read_ms, struct err *err)
{
    struct err why = ERR_INIT;
    struct json *list = NULL;
    struct pool *pool = NULL;
    struct catalog_entry *entries;
    size_t count = 0;
    int rc = -1;

    if (json_parse(text->data, text->len, &list, &why) != 0 || json_kind(list) != JSON_ARRAY) {
        json_free(list);
        return why.code == ERR_NOMEM ? err_set(err, ERR_NOMEM, 0, "%s: %s", catalog->cache_name, why.text)
                                     : 1;
    }
    pool = pool_new(POOL_MAX);
    if (pool == NULL) {
        err_set(err, ERR_NOMEM, 0, "%s: no memory for it", catalog->cache_name);
        goto out;
    }
    entries = pool_array(pool, json_count(list) + 1, sizeof(*entries));
    if (entries == NULL) {
        pool_failed(pool, err);
        goto out;
    }
    for (const struct json *pair = json_first(list); pair != NULL; pair = json_next(pair)) {
        const char *id = json_string(json_first(pair));
        const char *name = id != NULL ? json_string(json_next(json_first(pair))) : NULL;

        if (name == NULL) {
            rc = 1;
            goto out;
        }
        entries[count].id = pool_strdup(pool, id);
        entries[count].name = pool_strdup(pool, name);
        if (entries[count].id == NULL || entries[count].name == NULL) {
            pool_failed(pool, err);
            goto out;
        }
        count++;
    }
    qsort(entries, count, sizeof(*entries), by_id);
    pool_free(catalog->pool);
    catalog->pool = pool;
    catalog->entries = entries;
    catalog->count = count;
    catalog->read_ms = read_ms;
    pool = NULL;
    rc = 0;
out:
    pool_free(pool);
    json_free(list);
    return rc;
}

static const struct catalog_entry *look_up(const struct catalog *catalog, const char *key, bool is_by_name)
{
    const struct catalog_entry wanted = { .id = key }, *found;

    if (catalog->count == 0)
        return NULL;
    found = bsearch(&wanted, catalog->entries, catalog->count, sizeof(*catalog->entries), by_id);
    for (size_t i = 0; found == NULL && is_by_name && i < catalog->count; i++) {
        if (!str_eq(catalog->entries[i].name, key))
            continue;
        for (size_t more = i + 1; more < catalog->count; more++)
            if (str_eq(catalog->entries[more].name, key))
                return NULL; /* which of them is meant nobody can say */
        found = &catalog->entries[i];
    }
    return found;
}

/* The list from ABM into the cache and this process's copy. */
static int read_list(struct abm_client *client, struct catalog *catalog, const struct abm_op *op,
                     struct err *err)
{
    struct catalog_reading reading;
    struct pool *pool = pool_new(1u << 20);
    int rc = -1;

    buf_init(&reading.text, LIST_MAX);
    if (pool == NULL) {
        err_set(err, ERR_NOMEM, 0, "%s: no memory for it", catalog->cache_name);
        goto out;
    }
    json_out_init(&reading.out, &reading.text);
    json_begin(&reading.out, NULL, '[');
    if (exec_run(client, op, NULL, 0, pool, &reading, err) != 0)
        goto out;
    json_end(&reading.out, ']');
    if (buf_check(&reading.text, op->id, err) != 0)
        goto out;
    if (cache_set(client->env.cache, catalog->cache_name, reading.text.data, reading.text.len,
                  CATALOG_KEEP_MS, err) != 0)
        goto out;
    rc = adopt(catalog, &reading.text, clock_boot_ms(), err);
    if (rc == 1)
        rc = err_set(err, ERR_BUG, 0, "%s: written in a form that cannot be read", catalog->cache_name);
out:
    pool_free(pool);
    buf_release(&reading.text);
    return rc;
}

/* Takes what the shared cache holds. 1: there was something; 0 nothing; -1. */
static int take_shared(struct abm_client *client, struct catalog *catalog, struct err *err)
{
    struct buf text;
    int64_t age_ms = 0;
    int rc;

    buf_init(&text, LIST_MAX);
    rc = cache_get(client->env.cache, catalog->cache_name, &text, &age_ms, err);
    if (rc == 1) {
        rc = adopt(catalog, &text, clock_boot_ms() - age_ms, err);
        rc = rc < 0 ? -1 : rc == 0;
    }
    buf_release(&text);
    return rc;
}

/* true: the copy answers the question: the entry is there, or the list is too young to be read again for it.
 */
static bool answers(const struct catalog *catalog, const char *key, bool is_by_name,
                    const struct catalog_entry **entry_r)
{
    int64_t age_ms = clock_boot_ms() - catalog->read_ms;

    *entry_r = NULL;
    if (catalog->pool == NULL || age_ms >= CATALOG_KEEP_MS)
        return false;
    *entry_r = look_up(catalog, key, is_by_name);
    return *entry_r != NULL || age_ms < CATALOG_AGAIN_MS;
}

static bool is_stopping(const struct abm_client *client)
{
    return client->env.is_stopping != NULL && client->env.is_stopping(client->env.stop);
}

/* Another process reads the list. Looks again in a moment; a signal ends the wait early. */
static void wait_a_moment(void)
{
    const struct timespec moment = { .tv_nsec = POLL_MS * 1000000L };

    nanosleep(&moment, NULL);
}

/* How long others wait for a reader that died. One that reads for longer, since slots are scarce, is joined
 * by a second, which costs its requests and nothing else. */
static int64_t lock_ms(const struct abm_client *client)
{
    return 2 * client->env.org->api_timeout_ms;
}

int catalog_find(struct abm_client *client, struct catalog *catalog, const struct abm_op *op, const char *key,
                 bool is_by_name, const struct catalog_entry **entry_r, struct err *err)
{
    struct cache *cache = client->env.cache;
    int64_t begun_ms = clock_boot_ms();
    int locked, rc;

    if (answers(catalog, key, is_by_name, entry_r))
        return 0;
    for (;;) {
        rc = take_shared(client, catalog, err);
        if (rc < 0)
            return -1;
        if (rc == 1 && answers(catalog, key, is_by_name, entry_r))
            return 0;
        locked = cache_lock(cache, catalog->cache_name, lock_ms(client), err);
        if (locked < 0)
            return -1;
        if (locked == 1)
            break;
        if (is_stopping(client))
            return err_set(err, ERR_STOPPED, 0, "%s: stopping while another worker reads it", op->id);
        if (clock_boot_ms() - begun_ms > PATIENCE_MS)
            return err_set(err, ERR_ABM_TIMEOUT, 0, "%s: no worker could read it for 3 minutes", op->id);
        wait_a_moment();
    }
    /* Whoever held the lock until now may have read the list since we looked. */
    rc = take_shared(client, catalog, err);
    if (rc == 1 && answers(catalog, key, is_by_name, entry_r)) {
        rc = 0;
    } else if (rc >= 0) {
        rc = read_list(client, catalog, op, err);
        if (rc == 0)
            *entry_r = look_up(catalog, key, is_by_name);
    }
    {
        struct err second = ERR_INIT; /* the first error counts; a lock that is not freed runs out */

        if (cache_unlock(cache, catalog->cache_name, &second) < 0 && rc == 0) {
            *err = second;
            rc = -1;
        }
    }
    return rc;
}

#include "mend_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static int copy_text(const struct json *doc, const char *name, struct pool *pool, const char **text_r)
{
    const char *text = json_string(json_get(doc, name));

    *text_r = text != NULL ? pool_strdup(pool, text) : NULL;
    return text == NULL || *text_r != NULL ? 0 : -1;
}

/* What is no note is nobody's: it is left where it is. */
static int add_note(struct mend_notes *notes, const char *uid, const struct redis_reply *serial,
                    const struct redis_reply *text, struct pool *pool, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct mend_note *note;
    struct json *doc;
    const char *json;
    size_t len;

    json = redis_text(text, &len);
    if (json_parse(json, len, &doc, &ignored) != 0)
        return 0;
    if (notes->count == notes->cap) {
        size_t cap = notes->cap > 0 ? notes->cap * 2 : 256;
        struct mend_note *at = realloc(notes->at, cap * sizeof(*at));

        if (at == NULL) {
            json_free(doc);
            return err_set(err, ERR_NOMEM, 0, "no memory for %zu notes", cap);
        }
        notes->at = at;
        notes->cap = cap;
    }
    note = &notes->at[notes->count++];
    *note = (struct mend_note){ .serial = pool_strdup(pool, redis_text(serial, NULL)), .uid = uid };
    if (note->serial == NULL || copy_text(doc, "b", pool, &note->blueprint_id) != 0 ||
        copy_text(doc, "s", pool, &note->mdm_server_id) != 0) {
        json_free(doc);
        return pool_failed(pool, err);
    }
    json_free(doc);
    return 0;
}

static int read_note(struct mend_notes *notes, struct redis *redis, const char *key, size_t prefix_len,
                     struct pool *pool, struct err *err)
{
    const char *uid = pool_strdup(pool, key + prefix_len);
    struct redis_reply *reply;
    int rc = 0;

    if (uid == NULL)
        return pool_failed(pool, err);
    if (redis_callv(redis, &reply, err, "HGETALL", key, NULL) != 0)
        return -1;
    for (size_t i = 0; rc == 0 && i + 1 < redis_count(reply); i += 2)
        rc = add_note(notes, uid, redis_at(reply, i), redis_at(reply, i + 1), pool, err);
    redis_reply_free(reply);
    return rc;
}

static int by_serial(const void *a, const void *b)
{
    return strcmp(((const struct mend_note *)a)->serial, ((const struct mend_note *)b)->serial);
}

int mend_notes_read(struct mend_notes *notes, struct redis *redis, const struct keys *keys, struct pool *pool,
                    struct err *err)
{
    char pattern[KEY_MAX_BYTES], cursor[32] = "0";
    size_t prefix_len;

    notes->count = 0;
    keys_make(keys, "note", "*", pattern);
    prefix_len = strlen(pattern) - 1;
    do {
        struct redis_reply *reply;
        const struct redis_reply *found;
        int rc = 0;

        if (redis_callv(redis, &reply, err, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000", NULL) != 0)
            return -1;
        snprintf(cursor, sizeof(cursor), "%s", redis_text(redis_at(reply, 0), NULL));
        found = redis_at(reply, 1);
        for (size_t i = 0; rc == 0 && i < redis_count(found); i++)
            rc = read_note(notes, redis, redis_text(redis_at(found, i), NULL), prefix_len, pool, err);
        redis_reply_free(reply);
        if (rc != 0)
            return -1;
    } while (strcmp(cursor, "0") != 0 && cursor[0] != '\0');
    if (notes->count > 1)
        qsort(notes->at, notes->count, sizeof(*notes->at), by_serial);
    return 0;
}

void mend_notes_release(struct mend_notes *notes)
{
    free(notes->at);
    *notes = (struct mend_notes){ 0 };
}

void mend_notes_give(struct mend_notes *notes, struct device *device)
{
    struct mend_note wanted = { .serial = device->serial };
    struct mend_note *note =
        notes->count > 0 ? bsearch(&wanted, notes->at, notes->count, sizeof(*notes->at), by_serial) : NULL;

    if (note == NULL)
        return;
    device->is_noted = true;
    device->from_blueprint_id = note->blueprint_id;
    device->from_mdm_server_id = note->mdm_server_id;
    note->is_used = true;
}

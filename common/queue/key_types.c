#include "queue/key_types.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define SCAN_CALLS_MOST 500 /* of 1,000 keys: then the search is given up */

/* In the order of README.md; the first that fits counts. A '*' at the end stands for any text. */
static const struct {
    const char *name, *type;
} rows[] = {
    { "ingest", "stream" },
    { "import", "stream" },
    { "assign", "stream" },
    { "verify", "stream" },
    { "audit", "stream" },
    { "lane:*", "stream" },
    { "retry:validate", "zset" },
    { "retry:import", "zset" },
    { "retry:assign", "zset" },
    { "retry:verify", "zset" },
    { "retry:audit", "zset" },
    { "dead:validate", "stream" },
    { "dead:import", "stream" },
    { "dead:assign", "stream" },
    { "dead:verify", "stream" },
    { "dead:audit", "stream" },
    { "letters", "hash" },
    { "count:validate", "hash" },
    { "count:import", "hash" },
    { "count:assign", "hash" },
    { "count:verify", "hash" },
    { "count:audit", "hash" },
    { "pause:validate", "hash" },
    { "pause:import", "hash" },
    { "pause:assign", "hash" },
    { "pause:verify", "hash" },
    { "pause:audit", "hash" },
    { "pause:api", "hash" },
    { "cache:health", "hash" },
    { "workers", "hash" },
    { "runs", "zset" },
    { "runs:open", "hash" },
    { "runs:last", "string" },
    { "runs:cancelled", "set" },
    { "runs:paused", "hash" },
    { "runs:lane", "hash" },
    { "runs:lanes", "hash" },
    { "claims:meta", "hash" },
    { "held", "zset" },
    { "pushed", "hash" },
    { "chain", "hash" },
    { "limit:default", "hash" },
    { "limit:default:wait", "zset" },
    { "limit:default:seen", "zset" },
    { "limit:default:given", "zset" },
    { "limit:read", "hash" },
    { "limit:read:wait", "zset" },
    { "limit:read:seen", "zset" },
    { "limit:read:given", "zset" },
    { "limit:write", "hash" },
    { "limit:write:wait", "zset" },
    { "limit:write:seen", "zset" },
    { "limit:write:given", "zset" },
    { "run:*", "hash" },
    { "claims:*", "hash" },
    { "note:*", "hash" },
    { "rules:*", "string" },
    { "secret:*", "hash" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_pattern(size_t row)
{
    return rows[row].name[strlen(rows[row].name) - 1] == '*';
}

const char *key_types_want(const char *name)
{
    size_t len = strlen(name);

    if (str_starts(name, "cache:"))
        return len > 5 && strcmp(name + len - 5, ":lock") == 0 ? "string" : "hash";
    for (size_t i = 0; i < ROWS; i++)
        if (is_pattern(i) ? strncmp(name, rows[i].name, strlen(rows[i].name) - 1) == 0
                          : strcmp(name, rows[i].name) == 0)
            return rows[i].type;
    return NULL;
}

/* 1: key holds something else than it should, and err tells it; 0: not; -1: Redis does not answer. */
static int look(struct redis *redis, const char *key, const char *want, struct err *err)
{
    struct redis_reply *reply;
    struct err why = ERR_INIT;
    char type[16];

    if (redis_callv(redis, &reply, &why, "TYPE", key, NULL) != 0)
        return -1;
    snprintf(type, sizeof(type), "%s", redis_text(reply, NULL));
    redis_reply_free(reply);
    if (strcmp(type, "none") == 0 || strcmp(type, want) == 0)
        return 0;
    err_set(err, ERR_REDIS_TYPE, 0,
            "Redis: %s holds a %s, wanted a %s: somebody wrote over it; restore it, or remove it by DEL", key,
            type, want);
    return 1;
}

/* The same for the keys of one answer of SCAN. */
static int look_at_page(struct redis *redis, const struct keys *keys, const struct redis_reply *page,
                        struct err *err)
{
    size_t prefix = strlen(keys->prefix);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < redis_count(page); i++) {
        const char *key = redis_text(redis_at(page, i), NULL);
        const char *want = str_starts(key, keys->prefix) ? key_types_want(key + prefix) : NULL;

        if (want != NULL)
            rc = look(redis, key, want, err);
    }
    return rc;
}

/* Keys of the wrong type alone come from the server, type by type. */
static int scan(struct redis *redis, const struct keys *keys, const char *type, struct err *err)
{
    char cursor[32] = "0", pattern[KEY_MAX_BYTES];

    snprintf(pattern, sizeof(pattern), "%s*", keys->prefix);
    for (int call = 0; call < SCAN_CALLS_MOST; call++) {
        struct redis_reply *reply;
        struct err why = ERR_INIT;
        int rc;

        if (redis_callv(redis, &reply, &why, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000", "TYPE", type,
                        NULL) != 0)
            return -1;
        snprintf(cursor, sizeof(cursor), "%s", redis_text(redis_at(reply, 0), NULL));
        rc = look_at_page(redis, keys, redis_at(reply, 1), err);
        redis_reply_free(reply);
        if (rc != 0 || strcmp(cursor, "0") == 0)
            return rc;
    }
    return 0;
}

void key_types_explain(struct redis *redis, const struct keys *keys, struct err *err)
{
    static const char *const rare[] = { "string", "list", "set" }; /* what a mistake leaves, as a rule */
    char key[KEY_MAX_BYTES];
    int rc = 0;

    if (err->code != ERR_REDIS_TYPE || strstr(err->text, "wanted a ") != NULL)
        return;
    for (size_t i = 0; rc == 0 && i < ROWS; i++)
        if (!is_pattern(i))
            rc = look(redis, keys_make(keys, rows[i].name, NULL, key), rows[i].type, err);
    for (size_t i = 0; rc == 0 && i < sizeof(rare) / sizeof(rare[0]); i++)
        rc = scan(redis, keys, rare[i], err);
}

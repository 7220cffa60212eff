#include "queue/runs.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const struct redis_reply *hash, const char *name, struct pool *pool)
{
    const struct redis_reply *value = redis_field(hash, name);

    return value != NULL ? pool_strdup(pool, redis_text(value, NULL)) : NULL;
}

static void read_view(const struct redis_reply *hash, struct pool *pool, struct run_view *view)
{
    view->state = text_of(hash, "state", pool);
    view->mode = text_of(hash, "mode", pool);
    view->operator_ = text_of(hash, "operator", pool);
    view->source_name = text_of(hash, "source_name", pool);
    view->source_sha256 = text_of(hash, "source_sha256", pool);
    view->mapping_sha256 = text_of(hash, "mapping_sha256", pool);
    view->git_commit = text_of(hash, "git_commit", pool);
    view->host = text_of(hash, "host", pool);
    view->manifest_path = text_of(hash, "manifest_path", pool);
    view->previous_payload_sha256 = text_of(hash, "previous_payload_sha256", pool);
    view->batches = redis_integer(redis_field(hash, "batches"));
    view->come = redis_integer(redis_field(hash, "come"));
    view->expected = redis_integer(redis_field(hash, "expected"));
    view->ended = redis_integer(redis_field(hash, "ended"));
    view->dead = redis_integer(redis_field(hash, "dead"));
    view->malformed = redis_integer(redis_field(hash, "malformed"));
    view->manifest = redis_integer(redis_field(hash, "manifest"));
    view->records_files = redis_integer(redis_field(hash, "records_files"));
    view->created_ms = redis_integer(redis_field(hash, "created"));
    view->closed_ms = redis_integer(redis_field(hash, "closed"));
    view->is_cancelled = redis_field(hash, "cancelled") != NULL;
}

static const struct {
    const char *name; /* as domain/outcome.c prints it */
    enum outcome outcome;
} outcomes[] = {
    { "assigned", OUTCOME_ASSIGNED }, { "unchanged", OUTCOME_UNCHANGED }, { "removed", OUTCOME_REMOVED },
    { "rejected", OUTCOME_REJECTED }, { "duplicate", OUTCOME_DUPLICATE }, { "conflict", OUTCOME_CONFLICT },
    { "failed", OUTCOME_FAILED },     { "cancelled", OUTCOME_CANCELLED },
};

int runs_view(struct redis *redis, const struct keys *keys, const char *run, struct pool *pool,
              struct run_view *view_r, struct err *err)
{
    char key[KEY_MAX_BYTES];
    struct redis_reply *hash;

    memset(view_r, 0, sizeof(*view_r));
    if (redis_callv(redis, &hash, err, "HGETALL", keys_make(keys, "run", run, key), NULL) != 0)
        return -1;
    view_r->id = pool_strdup(pool, run);
    read_view(hash, pool, view_r);
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        view_r->outcomes[outcomes[i].outcome] = redis_integer(redis_field(hash, outcomes[i].name));
    redis_reply_free(hash);
    return view_r->id != NULL && view_r->state != NULL;
}

int runs_list(struct redis *redis, const struct keys *keys, size_t max, struct pool *pool,
              const char ***ids_r, size_t *count_r, struct err *err)
{
    char key[KEY_MAX_BYTES], last[24];
    struct redis_reply *reply;
    size_t count;

    snprintf(last, sizeof(last), "%zu", max > 0 ? max - 1 : 0);
    if (redis_callv(redis, &reply, err, "ZREVRANGE", keys_make(keys, "runs", NULL, key), "0", last, NULL) !=
        0)
        return -1;
    count = redis_count(reply);
    *ids_r = pool_array(pool, count > 0 ? count : 1, sizeof(**ids_r));
    for (size_t i = 0; i < count && *ids_r != NULL; i++) {
        (*ids_r)[i] = pool_strdup(pool, redis_text(redis_at(reply, i), NULL));
        if ((*ids_r)[i] == NULL)
            *ids_r = NULL;
    }
    redis_reply_free(reply);
    if (*ids_r == NULL)
        return pool_failed(pool, err);
    *count_r = count;
    return 0;
}

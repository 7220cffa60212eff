#include <string.h>

#include "base/json.h"
#include "queue/shared.h"

#define DEPRECATIONS_MAX_BYTES 65536
#define PART_DEVICES_MOST      1000000 /* far above what a message holds: counting on cannot overflow */

/* The closed list of domain/outcome.h once more, since this layer knows nothing of devices;
 * tests/unit/stage/test_names.c holds both together. */
const char *runbook_outcome_field(int outcome)
{
    static const char *const names[RUN_OUTCOMES] = {
        "none",      "assigned", "unchanged", "removed",   "rejected",
        "duplicate", "conflict", "failed",    "cancelled",
    };

    return names[outcome > 0 && outcome < RUN_OUTCOMES ? outcome : 0];
}

/* One field of run:ID as text in the pool; NULL where absent or empty. */
static const char *text_of(const struct redis_reply *hash, const char *name, struct pool *pool)
{
    const struct redis_reply *value = redis_field(hash, name);
    size_t len;
    const char *text = redis_text(value, &len);

    return len > 0 ? pool_strndup(pool, text, len) : NULL;
}

static int64_t number_of(const struct redis_reply *hash, const char *name)
{
    return redis_integer(redis_field(hash, name));
}

static void fill_view(const struct redis_reply *hash, const char *run, struct pool *pool,
                      struct run_view *view)
{
    memset(view, 0, sizeof(*view));
    view->id = pool_strdup(pool, run);
    view->state = text_of(hash, "state", pool);
    view->mode = text_of(hash, "mode", pool);
    view->operator_ = text_of(hash, "operator", pool);
    view->source_name = text_of(hash, "source_name", pool);
    view->source_sha256 = text_of(hash, "source_sha256", pool);
    view->mapping_sha256 = text_of(hash, "mapping_sha256", pool);
    view->git_commit = text_of(hash, "git_commit", pool);
    view->host = text_of(hash, "host", pool);
    view->plan_sha256 = text_of(hash, "plan_sha256", pool);
    view->approvers = text_of(hash, "approvers", pool);
    view->is_only_new = number_of(hash, "only_new") == 1;
    view->batches = number_of(hash, "batches");
    view->come = number_of(hash, "come");
    view->expected = number_of(hash, "expected");
    view->ended = number_of(hash, "ended");
    view->dead = number_of(hash, "dead");
    view->malformed = number_of(hash, "malformed");
    view->manifest = number_of(hash, "manifest");
    view->records_files = number_of(hash, "records_files");
    view->manifest_path = text_of(hash, "manifest_path", pool);
    view->previous_payload_sha256 = text_of(hash, "previous_payload_sha256", pool);
    view->created_ms = number_of(hash, "created");
    view->closed_ms = number_of(hash, "closed");
    view->paused_ms = number_of(hash, "paused_since");
    view->paused_by = text_of(hash, "paused_by", pool);
    view->paused_reason = text_of(hash, "paused_reason", pool);
    view->resumed_by = text_of(hash, "resumed_by", pool);
    view->is_cancelled = redis_field(hash, "is_cancelled") != NULL;
    for (int outcome = 1; outcome < RUN_OUTCOMES; outcome++)
        view->outcomes[outcome] = number_of(hash, runbook_outcome_field(outcome));
}

/* "op: deprecated at, ends at, see": one line of what the API says of its own end, as the manifest carries
 * it. */
static const char *deprecation_text(const struct json *item, struct pool *pool)
{
    const char *op = json_string(json_get(item, "op"));
    const char *deprecated = json_string(json_get(item, "deprecated_at"));
    const char *sunset = json_string(json_get(item, "sunset_at"));
    const char *link = json_string(json_get(item, "link"));

    return pool_printf(pool, "%s: deprecated%s%s%s%s%s%s", op != NULL ? op : "?",
                       deprecated != NULL ? " since " : "", deprecated != NULL ? deprecated : "",
                       sunset != NULL ? ", ends " : "", sunset != NULL ? sunset : "",
                       link != NULL ? ", see " : "", link != NULL ? link : "");
}

/* What the API said of its own end is shared in the cache (abm/notice.h). It never keeps a run from closing:
 * what cannot be read is left out. */
static int read_deprecations(struct shared *shared, struct pool *pool, struct run_view *view, struct err *err)
{
    struct cache cache = shared_cache(shared);
    struct err ignored = ERR_INIT, why = ERR_INIT;
    struct json *list = NULL;
    int64_t age_ms;
    struct buf text;
    int rc;

    buf_init(&text, DEPRECATIONS_MAX_BYTES);
    rc = cache_get(&cache, "deprecations", &text, &age_ms, &why);
    if (rc < 0 && why.code == ERR_LIMIT)
        rc = 0;
    else if (rc < 0)
        *err = why;
    if (rc == 1 && json_parse(text.data, text.len, &list, &ignored) == 0) {
        view->deprecations = pool_array(pool, json_count(list), sizeof(*view->deprecations));
        for (const struct json *item = json_first(list); view->deprecations != NULL && item != NULL;
             item = json_next(item)) {
            const char *line = deprecation_text(item, pool);

            if (line != NULL)
                view->deprecations[view->deprecation_count++] = line;
        }
        json_free(list);
    }
    buf_release(&text);
    return rc < 0 ? -1 : 0;
}

static int view(void *ctx, const char *run, struct pool *pool, struct run_view *view_r, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;

    if (redis_callv(shared->redis, &reply, err, "HGETALL", keys_make(shared->keys, "run", run, key), NULL) !=
        0)
        return -1;
    if (redis_count(reply) == 0) {
        redis_reply_free(reply);
        return 0;
    }
    fill_view(reply, run, pool, view_r);
    redis_reply_free(reply);
    if (view_r->id == NULL)
        return pool_failed(pool, err);
    return read_deprecations(shared, pool, view_r, err) != 0 ? -1 : 1;
}

static int parts(void *ctx, const char *run, struct pool *pool, struct run_part **parts_r, size_t *count_r,
                 struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct run_part *list;
    size_t count;

    keys_make(shared->keys, "run", run, key);
    strncat(key, ":parts", sizeof(key) - strlen(key) - 1);
    if (redis_callv(shared->redis, &reply, err, "HGETALL", key, NULL) != 0)
        return -1;
    count = redis_count(reply) / 2;
    list = pool_array(pool, count, sizeof(*list));
    for (size_t i = 0; list != NULL && i < count; i++) {
        const char *value = redis_text(redis_at(reply, 2 * i + 1), NULL);
        const char *blank = strchr(value, ' ');

        list[i].name = pool_strdup(pool, redis_text(redis_at(reply, 2 * i), NULL));
        list[i].sha256 = pool_strndup(pool, value, blank != NULL ? (size_t)(blank - value) : 0);
        list[i].count = 0;
        for (const char *d = blank != NULL ? blank + 1 : "";
             *d >= '0' && *d <= '9' && list[i].count < PART_DEVICES_MOST; d++)
            list[i].count = list[i].count * 10 + (*d - '0');
        if (list[i].name == NULL || list[i].sha256 == NULL)
            list = NULL;
    }
    redis_reply_free(reply);
    if (list == NULL)
        return pool_failed(pool, err);
    *parts_r = list;
    *count_r = count;
    return 0;
}

static int mapping(void *ctx, const char *sha256, struct pool *pool, const char **text_r, size_t *len_r,
                   struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    const char *text;

    if (redis_callv(shared->redis, &reply, err, "GET", keys_make(shared->keys, "rules", sha256, key), NULL) !=
        0)
        return -1;
    if (redis_kind(reply) != REDIS_TEXT) {
        redis_reply_free(reply);
        return 0;
    }
    text = redis_text(reply, len_r);
    *text_r = pool_strndup(pool, text, *len_r);
    redis_reply_free(reply);
    return *text_r == NULL ? pool_failed(pool, err) : 1;
}

struct runbook shared_runbook(struct shared *shared)
{
    static const struct runbook_ops ops = { .view = view, .parts = parts, .mapping = mapping };

    return (struct runbook){ .ops = &ops, .ctx = shared };
}

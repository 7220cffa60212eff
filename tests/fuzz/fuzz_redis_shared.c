/*
 * What the shared state of an organization makes of any answer of Redis: cache, evidence chain, notes, run
 * book, health, breaker and brake. First byte: the call; the rest: what Redis answers, as it comes over the
 * wire.
 */
#include <string.h>

#include "base/json.h"
#include "fed_redis.h"
#include "fuzz.h"
#include "queue/shared.h"

static void use_cache(struct shared *shared, struct pool *pool, struct err *err)
{
    struct cache cache = shared_cache(shared);
    struct buf value;
    int64_t age_ms;
    int rc;

    (void)pool;
    buf_init(&value, 4096);
    do {
        buf_reset(&value);
        rc = cache_get(&cache, "blueprints", &value, &age_ms, err);
        FUZZ_CHECK(rc != 0 || value.len == 0);
    } while (rc >= 0);
    (void)!cache_set(&cache, "blueprints", "[]", 2, 1000, err);
    buf_release(&value);
}

static void lock_cache(struct shared *shared, struct pool *pool, struct err *err)
{
    struct cache cache = shared_cache(shared);

    (void)pool;
    while (cache_lock(&cache, "blueprints", 1000, err) >= 0 && cache_unlock(&cache, "blueprints", err) == 0) {
    }
}

static void use_chain(struct shared *shared, struct pool *pool, struct err *err)
{
    struct chain chain = shared_chain(shared);
    struct chain_turn turn;
    struct buf envelope;
    int rc;

    (void)pool;
    buf_init(&envelope, 4096);
    rc = chain_take(&chain, 1000, &turn, &envelope, err);
    if (rc == 1) {
        FUZZ_CHECK(memchr(turn.previous, '\0', sizeof(turn.previous)) != NULL);
        FUZZ_CHECK(memchr(turn.run, '\0', sizeof(turn.run)) != NULL);
        FUZZ_CHECK(memchr(turn.name, '\0', sizeof(turn.name)) != NULL);
        FUZZ_CHECK(turn.is_stored == (envelope.len > 0));
        if (chain_store(&chain, &turn, "r", "manifest-1.dsse.json", "{}", 2, err) == 0)
            (void)!chain_move(&chain, &turn, "00", err);
        (void)!chain_drop(&chain, &turn, err);
    }
    buf_release(&envelope);
}

static void use_sealed(struct shared *shared, struct pool *pool, struct err *err)
{
    struct sealed_ask ask = { .known_id = "", .ttl_ms = 1000 };
    struct sealed sealed = shared_sealed(shared);
    struct sealed_value value;
    struct sealed_turn turn;

    (void)pool;
    sealed_value_init(&value);
    if (sealed_read(&sealed, "n", &value, err) == 1)
        FUZZ_CHECK(value.id[0] != '\0' && value.text.len > 0);
    FUZZ_CHECK(memchr(value.by, '\0', sizeof(value.by)) != NULL);
    FUZZ_CHECK(memchr(value.why, '\0', sizeof(value.why)) != NULL);
    if (sealed_take(&sealed, "n", &ask, &turn, err) == 0) {
        FUZZ_CHECK(turn.kind <= SEALED_FAILED);
        FUZZ_CHECK(memchr(turn.why, '\0', sizeof(turn.why)) != NULL);
        (void)!sealed_put(&sealed, "n", turn.fence, &value, err);
    }
    (void)!sealed_drop(&sealed, "n", err);
    sealed_value_release(&value);
}

static const char *uid_of(void *ctx, const struct fence *fence)
{
    (void)ctx, (void)fence;
    return "0123456789abcdef";
}

static int read_note(void *user, const char *serial, const char *note, size_t len, struct err *err)
{
    (void)user, (void)err;
    FUZZ_CHECK(serial != NULL && note != NULL && note[len] == '\0');
    return 0;
}

static void use_notes(struct shared *shared, struct pool *pool, struct err *err)
{
    static const struct note list[] = { { "FVFGH2345678", "bp", NULL }, { "FVFGH2345679", NULL, "mdm" } };
    static const struct fence fence = { .id = "1-1", .run = "r" };
    struct notes notes = shared_notes(shared);

    (void)pool;
    shared->uid_of = uid_of;
    while (shared_note_read(shared, "0123456789abcdef", read_note, NULL, err) == 0 &&
           notes_save(&notes, &fence, list, 2, err) >= 0) {
    }
}

static void view_run(struct shared *shared, struct pool *pool, struct err *err)
{
    struct runbook book = shared_runbook(shared);
    struct run_view view;
    int rc;

    while ((rc = runbook_view(&book, "r", pool, &view, err)) >= 0) {
        if (rc == 0)
            continue;
        FUZZ_CHECK(view.id != NULL && view.come >= -REDIS_NUMBER_MAX && view.come <= REDIS_NUMBER_MAX);
        FUZZ_CHECK(view.state == NULL || view.state[0] != '\0');
        for (size_t i = 0; i < view.deprecation_count; i++)
            FUZZ_CHECK(view.deprecations[i] != NULL);
    }
}

static void list_parts(struct shared *shared, struct pool *pool, struct err *err)
{
    struct runbook book = shared_runbook(shared);
    struct run_part *parts;
    const char *text;
    size_t count, len;

    while (runbook_parts(&book, "r", pool, &parts, &count, err) == 0) {
        for (size_t i = 0; i < count; i++)
            FUZZ_CHECK(parts[i].name != NULL && parts[i].sha256 != NULL && parts[i].count >= 0);
        if (runbook_mapping(&book, "00", pool, &text, &len, err) == 1)
            FUZZ_CHECK(text[len] == '\0');
    }
}

static void judge(struct shared *shared, struct pool *pool, struct err *err)
{
    static const struct health_report report = { .op = "importDevices", .succeeded = 1, .answered = 1 };
    struct health health = shared_health(shared);
    enum judgement judgement;

    (void)pool;
    while (shared_judge(shared, "importDevices", "FVFGH2345678", 1, &judgement, err) == 0)
        FUZZ_CHECK(judgement <= JUDGE_AGAIN);
    (void)!health_report(&health, &report, err);
    (void)!shared_breaker(shared, "open", "api_server", "503", "importDevices", err);
}

static void weigh(struct shared *shared, struct pool *pool, struct err *err)
{
    struct brake_item list[] = { { .row = 1, .what = BRAKE_CHANGE }, { .row = 2, .what = BRAKE_HELD } };
    struct brake brake;
    bool has_tripped = true;

    (void)pool;
    shared->max_changes = 10;
    brake = shared_brake(shared);
    while (brake_weigh(&brake, "r", list, 2, &has_tripped, err) == 0) {
    }
    FUZZ_CHECK(err->code != ERR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(struct shared * shared, struct pool * pool, struct err * err) = {
        use_cache, lock_cache, use_chain, use_notes, view_run, list_parts, judge, weigh, use_sealed,
    };
    struct shared shared = { .stage = "assign", .consumer = "me" };
    struct err err = ERR_INIT;
    struct pool *pool;
    struct keys keys;

    if (size == 0 || !fed_redis_is_sane(data + 1, size - 1))
        return 0;
    pool = pool_new(1u << 20);
    FUZZ_CHECK(pool != NULL);
    keys_init(&keys, "fuzz");
    fed_redis_load_scripts();
    shared.keys = &keys;
    shared.redis = fed_redis_connect(data + 1, size - 1);
    calls[data[0] % (sizeof(calls) / sizeof(calls[0]))](&shared, pool, &err);
    redis_free(shared.redis);
    pool_free(pool);
    return 0;
}

/*
 * What a worker's own calls make of any answer of Redis: connecting, reading its stream, leases, settle, tick
 * and the limiter. First byte: the call; the rest: what Redis answers, as it comes over the wire.
 */
#include <string.h>

#include "fed_redis.h"
#include "fuzz.h"
#include "queue/settle.h"
#include "queue/shared.h"
#include "queue/stream.h"
#include "queue/tick.h"

static struct keys keys;

static void check_text(const char *text, size_t size)
{
    FUZZ_CHECK(memchr(text, '\0', size) != NULL);
}

static void check_entries(struct stream_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        const struct stream_entry *entry = &entries->at[i];

        FUZZ_CHECK(entry->id != NULL && entry->body != NULL && entry->body[entry->len] == '\0');
    }
    stream_entries_release(entries);
}

static void read_stream(struct redis *redis, struct err *err)
{
    struct stream_entries entries;

    while (stream_read(redis, &keys, "assign", "me", (1U << LANES) - 1, 64, 100, &entries, err) == 0)
        check_entries(&entries);
}

static void read_own(struct redis *redis, struct err *err)
{
    struct stream_entries entries;

    while (stream_read_own(redis, &keys, "validate", "me", "", 256, &entries, err) == 0)
        check_entries(&entries);
}

static void reclaim(struct redis *redis, struct err *err)
{
    struct stream_entries entries;

    while (stream_reclaim(redis, &keys, "assign", "me", 60000, 1, 60000, &entries, err) == 0)
        check_entries(&entries);
}

static void keep(struct redis *redis, struct err *err)
{
    static const char *const ids[] = { "1-1", "2-1" };
    size_t lost = 0;

    (void)!stream_make_group(redis, &keys, "assign", err);
    (void)!stream_renew(redis, &keys, "assign", "me", ids, 2, &lost, err);
    (void)!stream_leave(redis, &keys, "assign", "me", err);
}

static void settle(struct redis *redis, struct err *err)
{
    static const char *const ids[] = { "1-1" };
    static const struct settle_publication publication = {
        .target = 1, .field = "m", .devices = 1, .body = "{}", .len = 2
    };
    const struct settle_head head = { .keys = &keys,
                                      .stage = "assign",
                                      .consumer = "me",
                                      .ids = ids,
                                      .id_count = 1,
                                      .devices = 1,
                                      .targets = { "verify", "audit" },
                                      .target_count = 2,
                                      .publications = &publication,
                                      .publication_count = 1 };
    struct redis_reply *reply;
    enum settle_kind kind;

    while (settle_run(redis, &head, &kind, &reply, err) == 0) {
        FUZZ_CHECK(kind <= SETTLE_LATER);
        redis_reply_free(reply);
    }
}

static void settle_ingest(struct redis *redis, struct err *err)
{
    static const struct settle_claim claim = { .serial = "FVFGH2345678", .row = 1 };
    const struct settle_head head = { .keys = &keys, .stage = "validate", .consumer = "me" };
    const struct settle_register reg = { .id = "1-1",
                                         .run = "r",
                                         .sha256 = "00",
                                         .batch = "1",
                                         .batches = 1,
                                         .rows = 1,
                                         .malformed = "",
                                         .spare_uid = "0",
                                         .mapping_sha256 = "",
                                         .claims = &claim,
                                         .claim_count = 1 };
    struct claims_layout layout = { 0 };
    struct redis_reply *reply;
    enum settle_kind kind;

    while (settle_register(redis, &head, &reg, &layout, &kind, &reply, err) == 0)
        redis_reply_free(reply);
}

static void settle_audit(struct redis *redis, struct err *err)
{
    static const struct settle_outcome outcome = { .serial = "FVFGH2345678", .outcome = "assigned" };
    struct claims_layout layout = { 0 };
    enum settle_kind kind;

    while (settle_account(redis, &keys, "me", "1-1", "r", "p", "00", "0", 1000, -1, &outcome, 1, &layout,
                          &kind, err) == 0 &&
           settle_closed(redis, &keys, "me", "1-1", "r", "closed", "m", "00", 1, 1, &kind, err) == 0)
        FUZZ_CHECK(kind <= SETTLE_LATER);
}

static void look(struct redis *redis, struct err *err)
{
    struct tick tick;

    while (tick_run(redis, &keys, "assign", "verify", "me", "{}", true, 1000, &tick, err) == 0) {
        FUZZ_CHECK(tick.cancelled_count <= TICK_MAX_CANCELLED);
        check_text(tick.paused, sizeof(tick.paused));
        check_text(tick.breaker, sizeof(tick.breaker));
        for (size_t i = 0; i < tick.cancelled_count; i++)
            check_text(tick.cancelled[i], sizeof(tick.cancelled[i]));
    }
}

static void take_slots(struct redis *redis, struct err *err)
{
    static const struct fence fence = { .id = "1-1", .run = "r" };
    struct shared shared = {
        .redis = redis, .keys = &keys, .stage = "assign", .consumer = "me", .rate = { 600000, 1200000 }
    };
    struct limiter limiter = shared_limiter(&shared);
    enum permit permit;
    int64_t wait_ms;
    int count;

    while (limiter_take(&limiter, "default", &fence, 16, &permit, &count, &wait_ms, err) == 0) {
        FUZZ_CHECK(permit <= PERMIT_CLOSED && count >= 0 && count <= 16 && wait_ms >= 0);
        FUZZ_CHECK((count == 0) == (permit != PERMIT_GRANTED));
        check_text(shared.reserved_us, sizeof(shared.reserved_us));
        check_text(shared.epoch, sizeof(shared.epoch));
    }
}

static void pause_slots(struct redis *redis, struct err *err)
{
    struct shared shared = { .redis = redis, .keys = &keys, .stage = "assign", .consumer = "me" };
    struct limiter limiter = shared_limiter(&shared);

    while (limiter_pause(&limiter, "default", 1000, err) == 0) {
    }
}

/* The greeting itself is hostile, of a server, of sentinels and what they name, of a cluster's nodes: each
 * connection gets the same answers. */
static void greet(const char *url, const uint8_t *data, size_t size)
{
    const struct redis_settings settings = { .url = url,
                                             .username = "worker",
                                             .password = "a password that is never told",
                                             .name = "fuzz",
                                             .timeout_ms = 6 };
    struct err err = ERR_INIT;
    struct redis_reply *reply;
    struct redis *redis;

    FUZZ_CHECK(redis_new(&settings, &redis, &err) == 0);
    fed_redis_say(false, data, size);
    for (int again = 0; again < 2; again++) { /* a second time with what was learned of nodes and sentinels */
        if (redis_connect(redis, &err) == 0) {
            FUZZ_CHECK(redis_is_connected(redis) && redis_identity(redis)[0] != '\0');
            if (redis_callv(redis, &reply, &err, "GET", "{abm:fuzz}:chain", NULL) == 0)
                redis_reply_free(reply);
        } else {
            FUZZ_CHECK(!redis_is_connected(redis) && err.text[0] != '\0');
            /* A server that refuses AUTH, the first command but of a sentinel, may repeat it in its words. */
            if (size > 0 && data[0] == '-' && strncmp(url, "sentinel", 8) != 0)
                FUZZ_CHECK(strstr(err.text, "a password that") == NULL);
        }
    }
    redis_free(redis);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(struct redis * redis, struct err * err) = {
        read_stream,   read_own,     reclaim, keep,       settle,
        settle_ingest, settle_audit, look,    take_slots, pause_slots,
    };
    static const char *const urls[] = { "unix:///nowhere?db=3", "sentinel://a,b:2,[::1]:3/primary",
                                        "cluster://a:1,b:2", "redis://a/3" };
    const size_t count = sizeof(calls) / sizeof(calls[0]), greetings = sizeof(urls) / sizeof(urls[0]);
    struct err err = ERR_INIT;
    struct redis *redis;
    size_t call;

    if (size == 0 || !fed_redis_is_sane(data + 1, size - 1))
        return 0;
    keys_init(&keys, "fuzz");
    fed_redis_load_scripts();
    call = data[0] % (count + greetings);
    if (call >= count) {
        greet(urls[call - count], data + 1, size - 1);
        return 0;
    }
    redis = fed_redis_connect(data + 1, size - 1);
    calls[call](redis, &err);
    redis_free(redis);
    return 0;
}

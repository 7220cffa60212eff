/*
 * The claims of a hundred thousand devices, taken and ended by the scripts of validate and audit: none is
 * lost, no hash grows above 100 fields, none costs more than 40 bytes, nothing stays at the end - and what is
 * spoiled by another hand is told before anything is written.
 */
#include "harness/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/redis_server.h"
#include "queue/claims.h"
#include "queue/settle.h"
#include "queue/stream.h"
#include "queue/tick.h"

#define P          "{abm:t}:"
#define BATCH      1000
#define DEVICES    100000
#define STALE_FROM 90000
#define FIELDS_MAX 100
#define BYTES_MAX  40
#define SERIAL_MAX 16

struct claims {
    struct redis_server server;
    struct redis *redis;
    struct keys keys;
    struct claims_layout validate, audit; /* what a worker of each keeps */
    char (*serials)[SERIAL_MAX];
    int64_t batches; /* registered so far, of all runs */
};

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* A command of words without blanks in them, ended by NULL; '@' begins a key. */
static struct redis_reply *ask(struct claims *claims, const char *first, ...) __attribute__((sentinel));
static struct redis_reply *ask(struct claims *claims, const char *first, ...)
{
    struct redis_reply *reply;
    struct redis_args args;
    struct err err = ERR_INIT;
    char keys[4][96];
    size_t used = 0;
    va_list list;

    redis_args_init(&args);
    va_start(list, first);
    for (const char *word = first; word != NULL; word = va_arg(list, const char *)) {
        if (word[0] == '@' && used < 4) {
            snprintf(keys[used], sizeof(keys[used]), P "%s", word + 1);
            word = keys[used++];
        }
        redis_arg(&args, word);
    }
    va_end(list);
    must(redis_call(claims->redis, &args, &reply, &err), &err);
    redis_args_release(&args);
    return reply;
}

static int start(void **state)
{
    static struct claims claims;
    struct err err = ERR_INIT;
    struct redis_settings settings = { .url = claims.server.unix_url };

    memset(&claims, 0, sizeof(claims));
    must(redis_server_start(&claims.server, NULL, &err), &err);
    must(redis_new(&settings, &claims.redis, &err), &err);
    must(redis_connect(claims.redis, &err), &err);
    redis_reply_free(ask(&claims, "CONFIG", "SET", "appendfsync", "no", NULL)); /* no kill here: time alone */
    keys_init(&claims.keys, "t");
    must(stream_make_group(claims.redis, &claims.keys, "validate", &err), &err);
    must(stream_make_group(claims.redis, &claims.keys, "audit", &err), &err);
    claims.serials = calloc(DEVICES, sizeof(*claims.serials));
    assert_non_null(claims.serials);
    *state = &claims;
    return 0;
}

static int stop(void **state)
{
    struct claims *claims = *state;

    free(claims->serials);
    redis_free(claims->redis);
    redis_server_stop(&claims->server);
    return 0;
}

#define NUMBER(claims, ...) number_of(ask(claims, __VA_ARGS__, NULL))
static int64_t number_of(struct redis_reply *reply)
{
    int64_t number = redis_integer(reply);

    redis_reply_free(reply);
    return number;
}

/* A message of stage, in hand: its id. */
static void take_message(struct claims *claims, const char *stage, char id[64])
{
    struct stream_entries entries;
    struct err err = ERR_INIT;

    if (strcmp(stage, "validate") == 0)
        redis_reply_free(ask(claims, "XADD", "@ingest", "*", "batch", "x", NULL));
    else
        redis_reply_free(ask(claims, "XADD", "@audit", "*", "m", "x", NULL));
    must(stream_read(claims->redis, &claims->keys, stage, "me", 1U, 1, 0, &entries, &err), &err);
    assert_int_equal(entries.count, 1);
    snprintf(id, 64, "%s", entries.at[0].id);
    stream_entries_release(&entries);
}

/* Registers devices (rows from + 1 on) as one batch of run. -1 where the script refuses. */
static int try_register(struct claims *claims, const char *run, const char (*serials)[SERIAL_MAX],
                        size_t from, size_t count, enum settle_kind *kind_r, struct redis_reply **reply_r,
                        struct err *err)
{
    static struct settle_claim list[BATCH];
    const struct settle_head head = { .keys = &claims->keys, .stage = "validate", .consumer = "me" };
    char id[64], batch[24], sha256[32];
    struct settle_register reg = { .id = id,
                                   .run = run,
                                   .sha256 = sha256,
                                   .batch = batch,
                                   .batches = 1000000,
                                   .rows = (int64_t)count,
                                   .malformed = "",
                                   .spare_uid = "spare",
                                   .mapping_sha256 = "",
                                   .claims = list,
                                   .claim_count = count };

    for (size_t i = 0; i < count; i++)
        list[i] = (struct settle_claim){ serials[from + i], (int64_t)(from + i + 1) };
    take_message(claims, "validate", id);
    snprintf(batch, sizeof(batch), "%" PRId64, ++claims->batches);
    snprintf(sha256, sizeof(sha256), "sha-%s", batch);
    return settle_register(claims->redis, &head, &reg, &claims->validate, kind_r, reply_r, err);
}

static enum settle_kind take(struct claims *claims, const char *run, const char (*serials)[SERIAL_MAX],
                             size_t from, size_t count)
{
    struct redis_reply *reply;
    enum settle_kind kind;
    struct err err = ERR_INIT;

    must(try_register(claims, run, serials, from, count, &kind, &reply, &err), &err);
    redis_reply_free(reply);
    return kind;
}

static int try_account(struct claims *claims, const char *run, const char (*serials)[SERIAL_MAX], size_t from,
                       size_t count, bool is_late, enum settle_kind *kind_r, struct err *err)
{
    static struct settle_outcome list[BATCH];
    char id[64], part[32];

    for (size_t i = 0; i < count; i++)
        list[i] = (struct settle_outcome){ .serial = serials[from + i],
                                           .row = (int64_t)(from + i + 1),
                                           .outcome = i % 2 == 0 ? "assigned" : "unchanged",
                                           .is_late = is_late };
    take_message(claims, "audit", id);
    snprintf(part, sizeof(part), "%.20s.jsonl", id);
    return settle_account(claims->redis, &claims->keys, "me", id, run, part, "00", "spare", 60000, -1, list,
                          count, &claims->audit, kind_r, err);
}

static void end(struct claims *claims, const char *run, const char (*serials)[SERIAL_MAX], size_t from,
                size_t count)
{
    enum settle_kind kind;
    struct err err = ERR_INIT;

    must(try_account(claims, run, serials, from, count, false, &kind, &err), &err);
    assert_int_equal(kind, SETTLE_OK);
}

struct sum {
    int64_t claims, hashes, fields_most, bytes;
};

/* One hash claims:N: every claim in it belongs there, and is its serial's row. */
static void check_hash(struct claims *claims, const char *key, const struct claims_layout *layout,
                       bool *is_seen, struct sum *sum)
{
    int64_t slot = strtoll(key + strlen(P "claims:"), NULL, 10), fields;
    struct redis_reply *all = ask(claims, "HGETALL", key, NULL);

    fields = (int64_t)redis_count(all) / 2;
    for (size_t i = 0; i + 1 < redis_count(all); i += 2) {
        const char *serial = redis_text(redis_at(all, i), NULL),
                   *row = strchr(redis_text(redis_at(all, i + 1), NULL), ':');
        int64_t at = row != NULL ? strtoll(row + 1, NULL, 10) - 1 : -1;

        if (claims_slot(layout, serial) != slot)
            fail_msg("%s stands in %s, wanted claims:%" PRId64, serial, key, claims_slot(layout, serial));
        if (at < 0 || at >= DEVICES || strcmp(claims->serials[at], serial) != 0 || is_seen[at])
            fail_msg("%s of %s is claimed as '%s'", serial, key, redis_text(redis_at(all, i + 1), NULL));
        is_seen[at] = true;
    }
    redis_reply_free(all);
    sum->claims += fields;
    sum->hashes++;
    sum->fields_most = fields > sum->fields_most ? fields : sum->fields_most;
    sum->bytes += NUMBER(claims, "MEMORY", "USAGE", key, "SAMPLES", "0") + 8; /* and its place in the table */
}

/* All claims as they stand: the rows from..DEVICES of the serials and nothing else. */
static void check_all(struct claims *claims, size_t from, const char *when)
{
    struct redis_reply *keys = ask(claims, "KEYS", "@claims:[0-9]*", NULL);
    struct claims_layout layout = { NUMBER(claims, "HGET", "@claims:meta", "n"),
                                    NUMBER(claims, "HGET", "@claims:meta", "seed") };
    bool *is_seen = calloc(DEVICES, sizeof(*is_seen));
    struct sum sum = { 0 };

    assert_non_null(is_seen);
    for (size_t i = 0; i < redis_count(keys); i++)
        check_hash(claims, redis_text(redis_at(keys, i), NULL), &layout, is_seen, &sum);
    for (size_t i = 0; i < DEVICES; i++)
        if (is_seen[i] != (i >= from))
            fail_msg("%s: the claim of row %zu is %s", when, i + 1, is_seen[i] ? "left" : "lost");
    print_message("%s: %" PRId64 " claims in %" PRId64 " hashes, at most %" PRId64
                  " in one, %.1f bytes each\n",
                  when, sum.claims, sum.hashes, sum.fields_most, (double)sum.bytes / (double)sum.claims);
    assert_int_equal(NUMBER(claims, "HGET", "@claims:meta", "count"), sum.claims);
    if (sum.fields_most > FIELDS_MAX)
        fail_msg("%s: a hash of %" PRId64 " fields, at most %d are meant", when, sum.fields_most, FIELDS_MAX);
    if (sum.bytes > BYTES_MAX * sum.claims)
        fail_msg("%s: %" PRId64 " bytes for %" PRId64 " claims, at most %d each are meant", when, sum.bytes,
                 sum.claims, BYTES_MAX);
    free(is_seen);
    redis_reply_free(keys);
}

static void check_fields(struct claims *claims)
{
    struct redis_reply *keys = ask(claims, "KEYS", "@claims:[0-9]*", NULL);

    for (size_t i = 0; i < redis_count(keys); i++)
        if (NUMBER(claims, "HLEN", redis_text(redis_at(keys, i), NULL)) > FIELDS_MAX)
            fail_msg("%s has more than %d fields", redis_text(redis_at(keys, i), NULL), FIELDS_MAX);
    redis_reply_free(keys);
}

/* As Apple prints them: of one model and week, that differ in three places in the middle; counted ones; any.
 */
static void print_serial(char serial[SERIAL_MAX], const char *form, uint32_t i)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint32_t x = i * UINT32_C(2654435761); /* odd: each i has its own */

    if (strcmp(form, "middle") == 0)
        snprintf(serial, SERIAL_MAX, "C02%c%c%c%c%cJHD2", digits[i / 1679616 % 36], digits[i / 46656 % 36],
                 digits[i / 1296 % 36], digits[i / 36 % 36], digits[i % 36]);
    else if (strcmp(form, "counted") == 0)
        snprintf(serial, SERIAL_MAX, "DEV%09u", i);
    else
        snprintf(serial, SERIAL_MAX, "%c%c%c%c%c%c%c0QX", digits[x % 36], digits[x / 36 % 36],
                 digits[x / 1296 % 36], digits[x / 46656 % 36], digits[x / 1679616 % 36],
                 digits[x / 60466176 % 36], digits[x / UINT32_C(2176782336)]);
}

static void grows_and_shrinks(void **state)
{
    static const char *const forms[] = { "middle", "counted", "any" };
    struct claims *claims = *state;
    const char(*serials)[SERIAL_MAX] = (const char(*)[SERIAL_MAX])claims->serials;

    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        struct redis_reply *left;
        char run[32], when[64];

        snprintf(run, sizeof(run), "run-%s", forms[f]);
        for (uint32_t i = 0; i < DEVICES; i++)
            print_serial(claims->serials[i], forms[f], i);
        for (size_t from = 0; from < DEVICES; from += BATCH) {
            assert_int_equal(take(claims, run, serials, from, BATCH), SETTLE_OK);
            /* Fullest just before their number has doubled: at 2^k hashes, whatever is the average. */
            if (f == 2 && (from == 64000 || from == 73000 || from == 81000))
                check_fields(claims);
        }
        snprintf(when, sizeof(when), "%s, all taken", forms[f]);
        check_all(claims, 0, when);
        for (size_t from = 0; from < DEVICES; from += 200) {
            if (f == 0 && (from == DEVICES / 2 || from == DEVICES * 9 / 10 || from == DEVICES - 1000)) {
                snprintf(when, sizeof(when), "%s, %zu ended", forms[f], from);
                check_all(claims, from, when);
            }
            end(claims, run, serials, from, 200);
        }
        assert_int_equal(NUMBER(claims, "EXISTS", "@claims:meta", "@claims:0", "@held"), 0);
        left = ask(claims, "KEYS", "@claims:*", NULL);
        assert_int_equal(redis_count(left), 0);
        redis_reply_free(left);
    }
}

/* What a worker believes of the hashes may be long out of date: it changes nothing of where a claim stands.
 */
static void trusts_no_stale_layout(void **state)
{
    static const struct claims_layout stale[] = { { 0, 0 }, { 1, 1 }, { 7, 524289 }, { INT64_MAX, -1 } };
    struct claims *claims = *state;
    const char(*serials)[SERIAL_MAX] = (const char(*)[SERIAL_MAX])claims->serials;

    for (uint32_t i = 0; i < DEVICES; i++)
        print_serial(claims->serials[i], "any", i);
    for (size_t from = STALE_FROM; from < DEVICES; from += BATCH) {
        claims->validate = stale[from / BATCH % 4];
        assert_int_equal(take(claims, "stale", serials, from, BATCH), SETTLE_OK);
    }
    check_all(claims, STALE_FROM, "stale layouts");
    for (size_t from = STALE_FROM; from < DEVICES; from += BATCH) {
        claims->audit = stale[from / BATCH % 4];
        end(claims, "stale", serials, from, BATCH);
    }
    assert_int_equal(NUMBER(claims, "EXISTS", "@claims:meta"), 0);
}

static void assert_claim(struct claims *claims, const char *serial, const char *want)
{
    struct claims_layout layout = { NUMBER(claims, "HGET", "@claims:meta", "n"),
                                    NUMBER(claims, "HGET", "@claims:meta", "seed") };
    char key[64];
    struct redis_reply *reply;

    snprintf(key, sizeof(key), "@claims:%" PRId64, claims_slot(&layout, serial));
    reply = ask(claims, "HGET", key, serial, NULL);
    if (strncmp(redis_text(reply, NULL), want, strlen(want)) != 0 ||
        (want[0] == '\0' && redis_kind(reply) != REDIS_NIL))
        fail_msg("%s is claimed as '%s', wanted '%s'", serial, redis_text(reply, NULL), want);
    redis_reply_free(reply);
}

/* Of a batch with devices of another open run nothing is taken; of one that is over they are taken over. */
static void gives_back_what_it_cannot_have_whole(void **state)
{
    struct claims *claims = *state;
    const char(*serials)[SERIAL_MAX] = (const char(*)[SERIAL_MAX])claims->serials;
    struct redis_reply *reply;
    enum settle_kind kind;
    struct err err = ERR_INIT;

    for (uint32_t i = 0; i < DEVICES; i++)
        print_serial(claims->serials[i], "counted", i);
    assert_int_equal(take(claims, "first", serials, 500, 500), SETTLE_OK);
    must(try_register(claims, "second", serials, 0, 1000, &kind, &reply, &err), &err);
    assert_int_equal(kind, SETTLE_CLAIMS);
    assert_int_equal(redis_count(reply), 1 + 2 * 500);
    assert_int_equal(redis_integer(redis_at(reply, 1)), 500);
    assert_string_equal(redis_text(redis_at(reply, 2), NULL), "other");
    redis_reply_free(reply);
    assert_int_equal(NUMBER(claims, "HGET", "@claims:meta", "count"), 500);
    assert_int_equal(NUMBER(claims, "EXISTS", "@run:second"), 0);
    assert_int_equal(NUMBER(claims, "XLEN", "@ingest"), 1);
    assert_int_equal(NUMBER(claims, "GET", "@runs:last"), 1);
    for (size_t i = 0; i < 1000; i++)
        assert_claim(claims, serials[i], i < 500 ? "" : "1:");

    redis_reply_free(ask(claims, "HDEL", "@runs:open", "1", NULL)); /* the first is over */
    assert_int_equal(take(claims, "second", serials, 0, 1000), SETTLE_OK);
    assert_int_equal(NUMBER(claims, "HGET", "@claims:meta", "count"), 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_claim(claims, serials[i], "2:");
}

/* A claim ends by compare-and-delete: another's stays. A late one is kept on, and tick ends it in its time.
 */
static void ends_its_own_alone(void **state)
{
    struct claims *claims = *state;
    const char(*serials)[SERIAL_MAX] = (const char(*)[SERIAL_MAX])claims->serials;
    enum settle_kind kind;
    struct err err = ERR_INIT;
    struct tick tick;

    for (uint32_t i = 0; i < DEVICES; i++)
        print_serial(claims->serials[i], "any", i);
    assert_int_equal(take(claims, "first", serials, 0, 1000), SETTLE_OK);
    assert_int_equal(take(claims, "second", serials, 1000, 1000), SETTLE_OK);
    end(claims, "second", serials, 0, 200); /* rows of the first */
    assert_int_equal(NUMBER(claims, "HGET", "@claims:meta", "count"), 2000);
    must(try_account(claims, "first", serials, 0, 200, true, &kind, &err), &err);
    assert_int_equal(NUMBER(claims, "HGET", "@claims:meta", "count"), 2000);
    assert_int_equal(NUMBER(claims, "ZCARD", "@held"), 200);
    assert_claim(claims, serials[0], "1:1@");

    redis_reply_free(ask(claims, "ZADD", "@held", "1", serials[0], "1", serials[1], NULL));
    must(tick_run(claims->redis, &claims->keys, "audit", NULL, "me", "", false, 1000, &tick, &err), &err);
    assert_claim(claims, serials[0], "1:1@"); /* its time has not come, whatever the list says */
    assert_int_equal(NUMBER(claims, "ZCARD", "@held"), 198);
}

/* What is wrong in claims:meta, or in the way of a hash, is told by name; nothing was written, and the
 * messages wait. */
static void refuses_what_another_hand_spoiled(void **state)
{
    static const struct {
        const char *what, *n, *count, *seed;
    } rows[] = {
        { "infinitely many", "inf", "5", "524289" },
        { "no number", "nan", "5", "524289" },
        { "none", "0", "5", "524289" },
        { "fewer than none", "-3", "5", "524289" },
        { "absurdly many", "1e300", "5", "524289" },
        { "more than there may be", "1048577", "5", "524289" },
        { "half a hash", "2.5", "5", "524289" },
        { "words", "many", "5", "524289" },
        { "infinitely many claims", "2", "inf", "524289" },
        { "a count in words", "2", "some", "524289" },
        { "no seed", "2", "5", "0" },
        { "a seed in words", "2", "5", "x" },
        { "a seed too large", "2", "5", "1e17" },
    };
    struct claims *claims = *state;
    const char(*serials)[SERIAL_MAX] = (const char(*)[SERIAL_MAX])claims->serials;
    struct redis_reply *reply;
    enum settle_kind kind;
    struct tick tick;

    print_serial(claims->serials[0], "counted", 0);
    redis_reply_free(ask(claims, "ZADD", "@held", "1", "DEV000000007", NULL));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT, told = ERR_INIT;

        redis_reply_free(ask(claims, "HSET", "@claims:meta", "n", rows[i].n, "count", rows[i].count, "seed",
                             rows[i].seed, NULL));
        if (try_register(claims, "r", serials, 0, 1, &kind, &reply, &err) != -1 ||
            err.code != ERR_REDIS_TYPE || strstr(err.text, P "claims:meta") == NULL)
            fail_msg("%s: register says %s", rows[i].what, err.text);
        if (try_account(claims, "r", serials, 0, 1, false, &kind, &told) != -1 || told.code != ERR_REDIS_TYPE)
            fail_msg("%s: account says %s", rows[i].what, told.text);
        err_reset(&err);
        if (tick_run(claims->redis, &claims->keys, "audit", NULL, "me", "", false, 1000, &tick, &err) != 0)
            fail_msg("%s: tick says %s", rows[i].what, err.text);
        assert_int_equal(NUMBER(claims, "XLEN", "@ingest"), (int64_t)i + 1);
        assert_int_equal(NUMBER(claims, "XLEN", "@audit"), (int64_t)i + 1);
    }
    assert_int_equal(NUMBER(claims, "EXISTS", "@run:r"), 0);
    assert_int_equal(NUMBER(claims, "ZCARD", "@held"), 1);
    redis_reply_free(ask(claims, "DEL", "@claims:meta", NULL));
    assert_int_equal(take(claims, "r", serials, 0, 1), SETTLE_OK);
}

static void refuses_a_hash_of_another_type(void **state)
{
    struct claims *claims = *state;
    const char(*serials)[SERIAL_MAX] = (const char(*)[SERIAL_MAX])claims->serials;
    struct redis_reply *reply;
    enum settle_kind kind;
    struct err err = ERR_INIT, told = ERR_INIT;
    int64_t count;

    for (uint32_t i = 0; i < DEVICES; i++)
        print_serial(claims->serials[i], "any", i);
    assert_int_equal(take(claims, "r", serials, 0, 1000), SETTLE_OK);
    count = NUMBER(claims, "HGET", "@claims:meta", "count") - NUMBER(claims, "HLEN", "@claims:5");
    redis_reply_free(ask(claims, "DEL", "@claims:5", NULL));
    redis_reply_free(ask(claims, "SET", "@claims:5", "x", NULL));
    if (try_register(claims, "s", serials, 1000, 1000, &kind, &reply, &err) != -1 ||
        err.code != ERR_REDIS_TYPE || strstr(err.text, P "claims:5 holds a string") == NULL)
        fail_msg("register says %s", err.text);
    for (size_t i = 1000; i < 2000; i++)
        if (claims_slot(&claims->validate, serials[i]) != 5)
            assert_claim(claims, serials[i], "");
    if (try_account(claims, "r", serials, 0, 1000, false, &kind, &told) != -1 || told.code != ERR_REDIS_TYPE)
        fail_msg("account says %s", told.text);
    assert_int_equal(NUMBER(claims, "XLEN", "@audit"), 1);
    assert_int_equal(NUMBER(claims, "HGET", "@run:r", "ended"), 0);
    redis_reply_free(ask(claims, "DEL", "@claims:5", NULL));
    end(claims, "r", serials, 0, 1000);
    assert_true(count > 0);
    assert_int_equal(NUMBER(claims, "HGET", "@run:r", "ended"), 1000);
}

#define CLAIMS_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIMS_TEST(grows_and_shrinks),
        CLAIMS_TEST(trusts_no_stale_layout),
        CLAIMS_TEST(gives_back_what_it_cannot_have_whole),
        CLAIMS_TEST(ends_its_own_alone),
        CLAIMS_TEST(refuses_what_another_hand_spoiled),
        CLAIMS_TEST(refuses_a_hash_of_another_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

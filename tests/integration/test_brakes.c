/*
 * The pause of a run and the two brakes, on the scripts that decide them: what is granted and when it trips,
 * whatever comes twice, halved, late or from a batch that is still to come; and what abmctl says of it.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "harness/desk.h"
#include "harness/engine.h"
#include "queue/control.h"
#include "queue/settle.h"
#include "queue/shared.h"
#include "queue/stream.h"
#include "queue/tick.h"

#define ROWS_MOST 1000

struct bench {
    struct desk desk;
    struct shared shared; /* of a worker of assign */
    struct claims_layout layout;
    int runs;
    char run[16];
};

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct err err = ERR_INIT;

    desk_start(&bench->desk, "");
    bench->shared = (struct shared){ .redis = bench->desk.redis,
                                     .keys = &bench->desk.keys,
                                     .stage = "assign",
                                     .consumer = "me",
                                     .rate = limiter_rate_of(1000, 1000, 1000),
                                     .max_changes = 10,
                                     .max_parked = 200000 };
    must(stream_make_group(bench->desk.redis, &bench->desk.keys, "assign", &err), &err);
    must(stream_make_group(bench->desk.redis, &bench->desk.keys, "audit", &err), &err);
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;

    desk_stop(&bench->desk);
    free(bench);
    return 0;
}

static const char *run_key(struct bench *bench)
{
    static char key[32];

    snprintf(key, sizeof(key), "@run:%s", bench->run);
    return key;
}

static const char *text(int64_t number)
{
    static char texts[8][24];
    static size_t next;
    char *out = texts[next++ % 8];

    snprintf(out, 24, "%lld", (long long)number);
    return out;
}

/* A new open run, as validate registers one. */
static void open_run(struct bench *bench, int64_t expected, int64_t batches, int64_t come)
{
    struct desk *desk = &bench->desk;

    snprintf(bench->run, sizeof(bench->run), "r%d", ++bench->runs);
    desk_number(desk, "HSET", run_key(bench), "num", text(bench->runs), "state", "open", "batches",
                text(batches), "come", text(come), "expected", text(expected), "ended", "0", "created", "1",
                NULL);
    desk_number(desk, "HSET", "@runs:open", text(bench->runs), bench->run, NULL);
    desk_number(desk, "ZADD", "@runs", "1", bench->run, NULL);
}

static int64_t field(struct bench *bench, const char *name)
{
    return desk_number(&bench->desk, "HGET", run_key(bench), name, NULL);
}

static bool is_paused(struct bench *bench)
{
    bool is_listed = desk_number(&bench->desk, "HEXISTS", "@runs:paused", bench->run, NULL) == 1;

    assert_int_equal(is_listed,
                     desk_number(&bench->desk, "HEXISTS", run_key(bench), "paused_since", NULL) == 1);
    return is_listed;
}

/* Weighs rows from..to, all as that. Returns how many are granted. */
static int weigh(struct bench *bench, int64_t from, int64_t to, enum brake_what what)
{
    struct brake brake = shared_brake(&bench->shared);
    struct brake_item list[ROWS_MOST];
    struct err err = ERR_INIT;
    size_t count = 0;
    bool has_tripped;
    int granted = 0;

    for (int64_t row = from; row <= to; row++)
        list[count++] = (struct brake_item){ .row = row, .what = what };
    must(brake_weigh(&brake, bench->run, list, count, &has_tripped, &err), &err);
    for (size_t i = 0; i < count; i++)
        granted += list[i].is_granted;
    return granted;
}

static void want_counters(struct bench *bench, int64_t weighed, int64_t existing, int64_t changing,
                          int64_t granted)
{
    int64_t is[4] = { field(bench, "weighed"), field(bench, "existing"), field(bench, "changing"),
                      field(bench, "granted") };

    if (is[0] != weighed || is[1] != existing || is[2] != changing || is[3] != granted)
        fail_msg("weighed %lld existing %lld changing %lld granted %lld", (long long)is[0], (long long)is[1],
                 (long long)is[2], (long long)is[3]);
}

static const char *reason(struct bench *bench)
{
    return desk_text(&bench->desk, "HGET", run_key(bench), "paused_reason", NULL);
}

/* 5 % of changes, all first in the file: none of them too early, none kept back at the end. */
static void grants_a_share_of_what_was_seen(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 1000, 1, 1);
    assert_int_equal(weigh(bench, 1, 50, BRAKE_CHANGE), 5);
    want_counters(bench, 50, 50, 50, 5);
    /* the same message once more, and halves of it */
    assert_int_equal(weigh(bench, 1, 50, BRAKE_CHANGE), 5);
    assert_int_equal(weigh(bench, 1, 25, BRAKE_CHANGE), 5);
    assert_int_equal(weigh(bench, 26, 50, BRAKE_CHANGE), 0);
    want_counters(bench, 50, 50, 50, 5);
    assert_int_equal(weigh(bench, 51, 200, BRAKE_KEPT), 150);
    want_counters(bench, 200, 200, 50, 5);
    assert_int_equal(weigh(bench, 6, 50, BRAKE_HELD), 15);
    assert_int_equal(weigh(bench, 6, 50, BRAKE_HELD),
                     15); /* those of before are looked at anew, no more come */
    want_counters(bench, 200, 200, 50, 20);
    for (int64_t row = 201; row <= 1000; row += 200)
        weigh(bench, row, row + 199, BRAKE_KEPT);
    assert_int_equal(weigh(bench, 6, 50, BRAKE_HELD), 45);
    want_counters(bench, 1000, 1000, 50, 50);
    assert_false(is_paused(bench));
}

static void one_wrong_default_pauses(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 1000, 1, 1);
    assert_int_equal(weigh(bench, 1, 100, BRAKE_CHANGE), 10);
    assert_false(is_paused(bench)); /* 100 may be changed, if the others stay as they are */
    assert_int_equal(weigh(bench, 101, 101, BRAKE_CHANGE), 0);
    assert_true(is_paused(bench));
    assert_string_equal(reason(bench),
                        "at least 10.1 % of the existing assignments would change (max_changes 10%)");
    assert_string_equal(desk_text(&bench->desk, "HGET", run_key(bench), "paused_by", NULL),
                        "brake max_changes");
    assert_int_equal(weigh(bench, 102, 300, BRAKE_CHANGE), 0);
    assert_int_equal(weigh(bench, 301, 302, BRAKE_NEW), 2);
    want_counters(bench, 302, 300, 300, 10);
    desk_expect(&bench->desk, desk_ctl(&bench->desk, "status", NULL), 0, "at least 10.1 % of the existing",
                NULL);
    desk_expect(&bench->desk, 0, 0, "abmctl resume --run ", NULL);

    desk_expect(&bench->desk,
                desk_ctl(&bench->desk, "resume", "--run", bench->run, "--operator", "Ada", NULL), 0,
                "goes on after a pause of", NULL);
    assert_false(is_paused(bench));
    assert_string_equal(desk_text(&bench->desk, "HGET", run_key(bench), "resumed_by", NULL), "Ada");
    assert_int_equal(weigh(bench, 1, 300, BRAKE_HELD), 300);
    assert_int_equal(weigh(bench, 303, 1000, BRAKE_CHANGE), 698);
    assert_false(is_paused(bench));
}

static void what_can_still_come_counts(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 10, 2, 1); /* a batch of at most 1,000 is still to come */
    assert_int_equal(weigh(bench, 1, 10, BRAKE_CHANGE), 1);
    assert_false(is_paused(bench));
    desk_number(&bench->desk, "HSET", run_key(bench), "come", "2", "expected", "100", NULL);
    assert_int_equal(weigh(bench, 11, 11, BRAKE_CHANGE), 0);
    assert_true(is_paused(bench));

    open_run(bench, 10, 5, 1); /* cancelled or closed by hand: it waits for no more */
    desk_number(&bench->desk, "HSET", run_key(bench), "awaited", "1", NULL);
    assert_int_equal(weigh(bench, 1, 2, BRAKE_CHANGE), 0);
    assert_true(is_paused(bench));

    open_run(bench, 1, 1, 1);
    assert_int_equal(weigh(bench, 1, 1, BRAKE_CHANGE), 0);
    assert_string_equal(reason(bench), "100 % of the existing assignments would change (max_changes 10%)");
}

/* A plan's run holds its changes alone; what the plan leaves as it is counts all the same. */
static void a_plan_knows_the_rest(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 50, 1, 1);
    desk_number(&bench->desk, "HSET", run_key(bench), "plan_unchanged", "450", NULL);
    assert_int_equal(weigh(bench, 1, 50, BRAKE_CHANGE), 50);
    assert_false(is_paused(bench));
    open_run(bench, 51, 1, 1);
    desk_number(&bench->desk, "HSET", run_key(bench), "plan_unchanged", "450", NULL);
    assert_int_equal(weigh(bench, 1, 51, BRAKE_CHANGE), 0);
    assert_string_equal(reason(bench), "10.2 % of the existing assignments would change (max_changes 10%)");
}

static void new_devices_are_free(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 400, 1, 1);
    assert_int_equal(weigh(bench, 1, 200, BRAKE_NEW), 200);
    want_counters(bench, 200, 0, 0, 0);
    /* Somebody assigned one of them meanwhile: it exists now, once. */
    assert_int_equal(weigh(bench, 1, 1, BRAKE_CHANGE), 0);
    assert_int_equal(weigh(bench, 1, 1, BRAKE_CHANGE), 0);
    want_counters(bench, 200, 1, 1, 0);
    assert_int_equal(weigh(bench, 201, 390, BRAKE_NEW), 190);
    assert_int_equal(weigh(bench, 1, 1, BRAKE_HELD), 0);
    assert_false(is_paused(bench));
    assert_int_equal(weigh(bench, 391, 400, BRAKE_NEW), 10);
    assert_true(is_paused(bench)); /* the one that exists, of one */
}

static void a_limit_of_all_or_nothing(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 10, 1, 1);
    bench->shared.max_changes = 100;
    assert_int_equal(weigh(bench, 1, 10, BRAKE_CHANGE), 10);
    assert_false(is_paused(bench));
    open_run(bench, 1000, 1, 1);
    bench->shared.max_changes = 0;
    assert_int_equal(weigh(bench, 1, 100, BRAKE_KEPT), 100);
    assert_int_equal(weigh(bench, 101, 101, BRAKE_CHANGE), 0);
    assert_true(is_paused(bench));
    bench->shared.max_changes = 10;
}

/* What is over, or unknown, has no brake, and leaves nothing behind. */
static void a_run_that_is_over_has_no_brake(void **state)
{
    struct bench *bench = *state;

    snprintf(bench->run, sizeof(bench->run), "unknown");
    assert_int_equal(weigh(bench, 1, 10, BRAKE_CHANGE), 10);
    assert_int_equal(desk_number(&bench->desk, "EXISTS", run_key(bench), NULL), 0);
    open_run(bench, 10, 1, 1);
    desk_number(&bench->desk, "HSET", run_key(bench), "is_cancelled", "1", NULL);
    assert_int_equal(weigh(bench, 1, 10, BRAKE_CHANGE), 10);
    assert_false(is_paused(bench));
}

/* What waits here for the rest of the run keeps the rest from coming. */
static void what_fits_no_more_pauses(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 1000, 1, 1);
    bench->shared.max_parked = 40;
    assert_int_equal(weigh(bench, 1, 40, BRAKE_CHANGE), 4);
    assert_false(is_paused(bench));
    assert_int_equal(weigh(bench, 41, 90, BRAKE_CHANGE), 5);
    assert_true(is_paused(bench));
    assert_non_null(strstr(reason(bench), "max_parked 40"));
    bench->shared.max_parked = 200000;
}

/* Rows of which no producer thinks. */
static void any_row_is_weighed_once(void **state)
{
    static const int64_t rows[] = { 1, 63, 64, 65, 127, 128, 999999999999, INT64_C(1) << 52 };
    struct bench *bench = *state;

    open_run(bench, 8, 1, 1);
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            assert_int_equal(weigh(bench, rows[i], rows[i], BRAKE_KEPT), 1);
    want_counters(bench, 8, 8, 0, 0);
}

/* --- audit's settle --- */

static void put_audit(struct bench *bench, char id[64])
{
    struct stream_entries entries;
    struct err err = ERR_INIT;

    desk_text(&bench->desk, "XADD", "@audit", "*", "m", "x", NULL);
    must(stream_read(bench->desk.redis, &bench->desk.keys, "audit", "me", 1U, 1, 0, &entries, &err), &err);
    assert_int_equal(entries.count, 1);
    snprintf(id, 64, "%s", entries.at[0].id);
    stream_entries_release(&entries);
}

/* Ends rows from..to; those whose bit stands in failed (NULL: none) as failed. */
static void account(struct bench *bench, int64_t from, int64_t to, const bool *failed, bool is_unweighed,
                    int64_t max_failed)
{
    static struct settle_outcome list[ROWS_MOST];
    static char serials[ROWS_MOST][24];
    enum settle_kind kind;
    struct err err = ERR_INIT;
    char id[64], part[80];
    size_t count = 0;

    for (int64_t row = from; row <= to; row++, count++) {
        bool is_failed = failed != NULL && failed[count];

        snprintf(serials[count], sizeof(serials[0]), "S%lld", (long long)row);
        list[count] = (struct settle_outcome){ .serial = serials[count],
                                               .row = row,
                                               .outcome = is_failed ? "failed" : "assigned",
                                               .is_failed = is_failed,
                                               .is_unweighed = is_unweighed };
    }
    put_audit(bench, id);
    snprintf(part, sizeof(part), "%s.jsonl", id);
    must(settle_account(bench->desk.redis, &bench->desk.keys, "me", id, bench->run, part, "00", "spare", 1000,
                        max_failed, list, count, &bench->layout, &kind, &err),
         &err);
    assert_int_equal(kind, SETTLE_OK);
}

/* Half of the run is rejected, and never comes to assign: no more than 10 % of the other half may change. */
static void what_ended_before_counts_as_seen(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 1000, 1, 1);
    account(bench, 1, 500, NULL, true, -1);
    want_counters(bench, 500, 0, 0, 0);
    desk_number(&bench->desk, "HINCRBY", run_key(bench), "ended", "-101", NULL);
    account(bench, 400, 500, NULL, true, -1); /* ended once more, after a replay */
    want_counters(bench, 500, 0, 0, 0);
    weigh(bench, 501, 550, BRAKE_CHANGE);
    assert_false(is_paused(bench));
    weigh(bench, 551, 551, BRAKE_CHANGE);
    assert_true(is_paused(bench));
    account(bench, 501, 600, NULL, false, -1); /* weighed ones, and those of a run without the brake */
    want_counters(bench, 551, 51, 51, 5);
}

/* Nobody weighed what ended before the organization had the limit, or with an audit of an older version. */
static void what_ended_unweighed_is_not_waited_for(void **state)
{
    struct bench *bench = *state;

    open_run(bench, 1000, 1, 1);
    account(bench, 1, 900, NULL, false, -1);
    assert_int_equal(weigh(bench, 901, 980, BRAKE_KEPT), 80);
    account(bench, 901, 980, NULL, false, -1);
    assert_int_equal(weigh(bench, 981, 1000, BRAKE_CHANGE), 0);
    assert_true(is_paused(bench)); /* nothing is left but these: they would be held for ever */
    assert_string_equal(reason(bench), "20 % of the existing assignments would change (max_changes 10%)");
}

static void fail_first(bool *failed, size_t of, size_t count)
{
    for (size_t i = 0; i < of; i++)
        failed[i] = i < count;
}

static void too_many_failures_pause(void **state)
{
    struct bench *bench = *state;
    bool failed[ROWS_MOST];

    open_run(bench, 2000, 1, 1);
    account(bench, 1, 600, NULL, false, 5);
    assert_int_equal(desk_number(&bench->desk, "HEXISTS", run_key(bench), "window", NULL), 0);
    fail_first(failed, 100, 50);
    account(bench, 601, 700, failed, false, 5);
    assert_false(is_paused(bench)); /* 50 of 1,000 may */
    fail_first(failed, 10, 1);
    account(bench, 701, 710, failed, false, 5);
    assert_true(is_paused(bench));
    assert_string_equal(reason(bench), "51 of the last 710 devices failed (max_failed 5% of 1000)");
    desk_expect(&bench->desk, desk_ctl(&bench->desk, "resume", "--run", bench->run, NULL), 0, "goes on",
                NULL);
    account(bench, 711, 810, failed, false, 5); /* the rest of them may fail as it will */
    fail_first(failed, 500, 500);
    account(bench, 811, 1310, failed, false, 5);
    assert_false(is_paused(bench));
    assert_int_equal(desk_number(&bench->desk, "HEXISTS", run_key(bench), "window", NULL), 0);
}

static void failures_of_small_and_ended_runs(void **state)
{
    struct bench *bench = *state;
    bool failed[ROWS_MOST];

    fail_first(failed, 10, 1);
    open_run(bench, 10, 1, 1); /* 10 % of it, but nothing is left to do */
    account(bench, 1, 10, failed, false, 5);
    assert_false(is_paused(bench));
    open_run(bench, 10, 1, 1);
    account(bench, 1, 1, failed, false, 5);
    assert_true(is_paused(bench));
    open_run(bench, 10, 2, 1); /* a batch is still to come */
    account(bench, 1, 10, failed, false, 5);
    assert_false(is_paused(bench));
    open_run(bench, 10, 1, 1);
    fail_first(failed, 9, 9);
    account(bench, 1, 9, failed, false, 100);
    assert_false(is_paused(bench));
    open_run(bench, 10, 1, 1);
    account(bench, 1, 9, failed, false, -1);
    assert_false(is_paused(bench));
}

/* What failed before the run closed is what is replayed: the first that ends well must not pause the others.
 */
static void a_replay_is_measured_by_itself(void **state)
{
    struct bench *bench = *state;
    struct err err = ERR_INIT;
    bool failed[ROWS_MOST];
    enum settle_kind kind;
    char id[64];

    open_run(bench, 10, 1, 1);
    fail_first(failed, 10, 10);
    account(bench, 1, 10, failed, false, 5);
    put_audit(bench, id);
    must(settle_closed(bench->desk.redis, &bench->desk.keys, "me", id, bench->run, "closed", "", "", 0, 1,
                       &kind, &err),
         &err);
    assert_string_equal(desk_text(&bench->desk, "HGET", run_key(bench), "state", NULL), "closed");
    desk_number(&bench->desk, "HSET", run_key(bench), "state", "open", "ended", "0", NULL);
    account(bench, 1, 1, NULL, false, 5);
    assert_false(is_paused(bench));
    account(bench, 2, 2, failed, false, 5); /* and those that fail again do */
    assert_string_equal(reason(bench), "1 of the last 2 devices failed (max_failed 5% of 10)");
}

/* Against a list of all ends: messages of any size, failures anywhere. */
static void the_window_holds_the_last_1000(void **state)
{
    static bool all[20000];
    struct bench *bench = *state;
    bool failed[ROWS_MOST];
    size_t count = 0;

    open_run(bench, 1000000, 1, 1);
    while (count < 6000) {
        size_t size = 1 + rand_u32() % 200, want = 0, length = 0, failed_now = 0, total = 0;
        const char *window;

        for (size_t i = 0; i < size; i++)
            all[count + i] = failed[i] = rand_u32() % 3 == 0 || (count > 2000 && count < 2500);
        account(bench, (int64_t)count + 1, (int64_t)(count + size), failed, false, 99);
        count += size;
        if (is_paused(bench)) { /* a stretch of failures alone: on with a run that has no brake any more */
            fail_msg("more than 99 %% at %zu", count);
        }
        for (size_t i = count > 1000 ? count - 1000 : 0; i < count; i++)
            want += all[i];
        window = desk_text(&bench->desk, "HGET", run_key(bench), "window", NULL);
        for (const char *c = window; *c != '\0'; c += strspn(c, ",")) {
            size_t part = strtoul(c, (char **)&c, 10);

            total += part;
            failed_now += length++ % 2 == 1 ? part : 0;
        }
        if (failed_now != want || total != (count > 1000 ? 1000 : count))
            fail_msg("after %zu: %zu of %zu failed, want %zu", count, failed_now, total, want);
    }
}

/* --- the pause itself --- */

static void pauses_and_resumes_by_hand(void **state)
{
    struct bench *bench = *state;
    struct desk *desk = &bench->desk;
    struct limiter limiter = shared_limiter(&bench->shared);
    const struct fence fence = { .id = "0-0", .run = bench->run };
    struct stream_entries entries;
    struct fence mine = fence;
    enum permit permit;
    struct err err = ERR_INIT;
    struct tick tick;
    int64_t wait_ms;
    int count;

    open_run(bench, 10, 1, 1);
    desk_text(desk, "XADD", "@assign", "*", "m", "x", NULL);
    must(stream_read(desk->redis, &desk->keys, "assign", "me", 1U, 1, 0, &entries, &err), &err);
    mine.id = entries.at[0].id;
    desk_expect(desk, desk_ctl(desk, "pause", "--run", bench->run, "--reason", "a freeze", NULL), 0,
                "is paused since", NULL);
    must(limiter_take(&limiter, "default", &mine, 0, &permit, &count, &wait_ms, &err), &err);
    assert_int_equal(permit, PERMIT_PAUSED);
    must(limiter_take(&limiter, "default", NULL, 0, &permit, &count, &wait_ms, &err), &err);
    assert_int_equal(permit, PERMIT_GRANTED); /* reads go on */
    must(tick_run(desk->redis, &desk->keys, "assign", "verify", "me", NULL, false, 1000, &tick, &err), &err);
    assert_int_equal(tick.paused_run_count > 0, 1);
    desk_expect(desk, desk_ctl(desk, "run", "show", bench->run, NULL), 0, "a freeze (tester, since ", NULL);
    desk_expect(desk, desk_ctl(desk, "run", "show", bench->run, "--json", NULL), 0, "\"reason\":\"a freeze\"",
                NULL);
    desk_expect(desk, desk_ctl(desk, "pause", "--run", bench->run, "--reason", "another", NULL), 0,
                "was paused before", NULL);
    desk_expect(desk, desk_ctl(desk, "status", "--run", bench->run, "--json", NULL), 0,
                "\"reason\":\"another\"", NULL);
    desk_expect(desk, desk_ctl(desk, "resume", "--run", bench->run, "--json", NULL), 0, "\"changed\":true",
                NULL);
    must(limiter_take(&limiter, "default", &mine, 0, &permit, &count, &wait_ms, &err), &err);
    assert_int_equal(permit, PERMIT_GRANTED);
    desk_expect(desk, desk_ctl(desk, "run", "show", bench->run, "--json", NULL), 0, "\"paused\":null", NULL);
    desk_expect(desk, desk_ctl(desk, "resume", "--run", bench->run, NULL), 0, "was not paused", NULL);
    /* A pause by hand lets no brake go. */
    assert_int_equal(weigh(bench, 1, 10, BRAKE_CHANGE), 0);
    assert_true(is_paused(bench));
    stream_entries_release(&entries);
}

static void refuses_what_cannot_be_paused(void **state)
{
    static char long_reason[2000];
    struct bench *bench = *state;
    struct desk *desk = &bench->desk;

    memset(long_reason, 'x', sizeof(long_reason) - 1);
    desk_expect(desk, desk_ctl(desk, "pause", "--run", "nobody", NULL), 65, NULL, "there is no run 'nobody'");
    desk_number(desk, "HSET", "@runs:paused", "nobody", "1 x", NULL); /* somebody has deleted the run */
    desk_expect(desk, desk_ctl(desk, "resume", "--run", "nobody", NULL), 65, NULL,
                "there is no run 'nobody'");
    assert_int_equal(desk_number(desk, "HEXISTS", "@runs:paused", "nobody", NULL), 0);
    desk_expect(desk, desk_ctl(desk, "pause", "--run", "no/run", NULL), 65, NULL, "is no run id");
    desk_expect(desk, desk_ctl(desk, "pause", NULL), 64, NULL, "name a stage, or a run by --run ID");
    desk_expect(desk, desk_ctl(desk, "pause", "assign", "--run", "r1", NULL), 64, NULL, "not both");
    desk_expect(desk, desk_ctl(desk, "resume", "assign", "--operator", "Ada", NULL), 64, NULL,
                "goes with --run");
    open_run(bench, 10, 1, 1);
    desk_expect(desk, desk_ctl(desk, "pause", "--run", bench->run, "--reason", long_reason, NULL), 0,
                "is paused", NULL);
    assert_int_equal(strlen(reason(bench)), 300);
    desk_expect(desk, desk_ctl(desk, "cancel", "--run", bench->run, NULL), 0, "cancelled", NULL);
    assert_false(is_paused(bench)); /* its devices must end */
    desk_expect(desk, desk_ctl(desk, "pause", "--run", bench->run, NULL), 77, NULL, "is cancelled already");
    desk_number(desk, "HSET", run_key(bench), "state", "closed", NULL);
    desk_expect(desk, desk_ctl(desk, "pause", "--run", bench->run, NULL), 77, NULL, "already");
    desk_expect(desk, desk_ctl(desk, "resume", "--run", bench->run, NULL), 77, NULL, "is closed already");
}

/* All of it has ended while it was paused: the closing forgets the pause, and the weights where no letter is.
 */
static void closing_forgets_the_pause(void **state)
{
    struct bench *bench = *state;
    struct desk *desk = &bench->desk;

    for (int dead = 0; dead < 2; dead++) {
        struct err err = ERR_INIT;
        enum settle_kind kind;
        char id[64], key[48];

        open_run(bench, 10, 1, 1);
        weigh(bench, 1, 10, BRAKE_KEPT);
        desk_number(desk, "HSET", run_key(bench), "brake_changes", dead ? "on" : "off", NULL);
        snprintf(key, sizeof(key), "%s:weights", run_key(bench));
        desk_expect(desk, desk_ctl(desk, "pause", "--run", bench->run, NULL), 0, "is paused", NULL);
        desk_number(desk, "HSET", run_key(bench), "state", "closing", "dead", text(dead), NULL);
        put_audit(bench, id);
        must(settle_closed(desk->redis, &desk->keys, "me", id, bench->run, "closed", "", "", 0, 1, &kind,
                           &err),
             &err);
        assert_int_equal(kind, SETTLE_OK);
        assert_false(is_paused(bench));
        assert_int_equal(desk_number(desk, "EXISTS", key, NULL), dead);
        assert_int_equal(desk_number(desk, "HEXISTS", run_key(bench), "brake_changes", NULL), !dead);
    }
}

/* --- workers --- */

#define HELD 200

/* Time in a pause counts for no deadline: what is held says since when, and its time is set on by as much. */
static void no_deadline_counts_a_pause(void **state)
{
    static const char later[] =
        "local moved = 0\n"
        "for _, m in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do\n"
        "  redis.call('ZREM', KEYS[1], m)\n"
        "  local function back(name, ms)\n"
        "    moved = moved + 1\n"
        "    return name .. string.format('%.0f', ms - 100000)\n"
        "  end\n"
        "  m = string.gsub(m, '(\"since\":)(%d+)', back)\n"
        "  redis.call('ZADD', KEYS[1], 99999999999999, (string.gsub(m, '(\"held\":)(%d+)', "
        "back)))\n"
        "end\n"
        "return moved";
    struct engine engine;
    struct redis_settings settings;
    struct redis_reply *reply;
    struct redis *redis;
    struct keys keys;
    struct err err = ERR_INIT;
    enum control_answer answer;
    char word[CONTROL_STATE_BYTES];
    int64_t number;

    (void)state;
    engine_start(&engine, "  assign: { deadline: 60s, retry: { base: 10ms, cap: 10ms } }\n");
    engine.extra_env[0] = "STUB_RETRY=100"; /* each first attempt: that is where a deadline is looked at */
    settings = (struct redis_settings){ .url = engine.redis.unix_url };
    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    keys_init(&keys, "t");
    for (int stage = 0; stage < 2; stage++)
        engine_start_worker(&engine, stage);
    engine_push(&engine, "r", HELD, HELD);
    engine_await(&engine, "HGET @count:assign stream", HELD, 30000);
    must(control_pause_run(redis, &keys, "r", "tester", "a freeze", &answer, word, &number, &err), &err);
    assert_int_equal(answer, CONTROL_DONE);
    for (int stage = 2; stage < ENGINE_STAGES; stage++)
        engine_start_worker(&engine, stage);
    engine_await(&engine, "HGET @count:assign parked", HELD, 30000);
    assert_int_equal(engine_run_number(&engine, "r", "ended") > 0, 0);
    /* as if that were 100 s ago */
    must(redis_callv(redis, &reply, &err, "EVAL", later, "1", "{abm:t}:retry:assign", NULL), &err);
    assert_int_equal(redis_integer(reply), 2 * HELD);
    redis_reply_free(reply);
    must(control_resume_run(redis, &keys, "r", "tester", &answer, word, &number, &err), &err);
    assert_int_equal(answer, CONTROL_DONE);
    must(control_unpark(redis, &keys, "r", &number, &err), &err);
    assert_true(engine_wait_state(&engine, "r", "closed", 30000));
    assert_true(engine_run_number(&engine, "r", "failed") <= 0);
    assert_int_equal(engine_run_number(&engine, "r", "ended"), HELD);
    engine_assert_clean(&engine);
    redis_free(redis);
    engine_stop(&engine);
}

/* A worker that saw the pause parks what it had in hand after the resume has moved what was parked. */
static void what_is_parked_too_late_is_moved(void **state)
{
    static const char hide[] = "for _, m in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do\n"
                               "  redis.call('ZADD', KEYS[1], 99999999999999, m)\n"
                               "end\n"
                               "return redis.call('ZCARD', KEYS[1])";
    struct engine engine;
    struct redis_settings settings;
    struct redis_reply *reply;
    struct redis *redis;
    struct keys keys;
    struct err err = ERR_INIT;
    enum control_answer answer;
    char word[CONTROL_STATE_BYTES];
    int64_t number;

    (void)state;
    engine_start(&engine, "");
    settings = (struct redis_settings){ .url = engine.redis.unix_url };
    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    keys_init(&keys, "t");
    for (int stage = 0; stage < 2; stage++)
        engine_start_worker(&engine, stage);
    engine_push(&engine, "r", HELD, HELD);
    engine_await(&engine, "HGET @count:assign stream", HELD, 30000);
    must(control_pause_run(redis, &keys, "r", "tester", "a freeze", &answer, word, &number, &err), &err);
    for (int stage = 2; stage < ENGINE_STAGES; stage++)
        engine_start_worker(&engine, stage);
    engine_await(&engine, "HGET @count:assign parked", HELD, 30000);
    /* due never, and nobody else moves it */
    must(redis_callv(redis, &reply, &err, "EVAL", hide, "1", "{abm:t}:retry:assign", NULL), &err);
    assert_true(redis_integer(reply) > 0);
    redis_reply_free(reply);
    must(control_resume_run(redis, &keys, "r", "tester", &answer, word, &number, &err), &err);
    assert_true(engine_wait_state(&engine, "r", "closed", 30000));
    engine_assert_clean(&engine);
    redis_free(redis);
    engine_stop(&engine);
}

/* Keys of another type: told before anything is written. */
static void keys_of_another_type_are_told(void **state)
{
    struct bench *bench = *state;
    struct desk *desk = &bench->desk;
    struct brake brake = shared_brake(&bench->shared);
    struct brake_item item = { .row = 1, .what = BRAKE_CHANGE };
    struct err err = ERR_INIT;
    bool has_tripped;
    char key[48];

    open_run(bench, 1, 1, 1);
    snprintf(key, sizeof(key), "%s:weights", run_key(bench));
    desk_text(desk, "SET", key, "x", NULL);
    assert_int_equal(brake_weigh(&brake, bench->run, &item, 1, &has_tripped, &err), -1);
    assert_int_equal(err.code, ERR_REDIS_TYPE);
    assert_non_null(strstr(err.text, ":weights"));
    want_counters(bench, 0, 0, 0, 0);
    desk_number(desk, "DEL", key, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_a_share_of_what_was_seen),
        cmocka_unit_test(one_wrong_default_pauses),
        cmocka_unit_test(what_can_still_come_counts),
        cmocka_unit_test(a_plan_knows_the_rest),
        cmocka_unit_test(new_devices_are_free),
        cmocka_unit_test(a_limit_of_all_or_nothing),
        cmocka_unit_test(a_run_that_is_over_has_no_brake),
        cmocka_unit_test(what_fits_no_more_pauses),
        cmocka_unit_test(any_row_is_weighed_once),
        cmocka_unit_test(what_ended_before_counts_as_seen),
        cmocka_unit_test(what_ended_unweighed_is_not_waited_for),
        cmocka_unit_test(too_many_failures_pause),
        cmocka_unit_test(failures_of_small_and_ended_runs),
        cmocka_unit_test(a_replay_is_measured_by_itself),
        cmocka_unit_test(the_window_holds_the_last_1000),
        cmocka_unit_test(pauses_and_resumes_by_hand),
        cmocka_unit_test(refuses_what_cannot_be_paused),
        cmocka_unit_test(closing_forgets_the_pause),
        cmocka_unit_test(no_deadline_counts_a_pause),
        cmocka_unit_test(what_is_parked_too_late_is_moved),
        cmocka_unit_test(keys_of_another_type_are_told),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

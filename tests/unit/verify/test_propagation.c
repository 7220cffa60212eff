#include "propagation.h"

#include <string.h>

#include "harness/check.h"
#include "harness/fake_cache.h"

#define NOW INT64_C(1795507200000)

static void learns_from_what_was_seen(void **state)
{
    static const struct {
        const char *what;
        int64_t learned_ms;
        struct propagation_sample sample;
        int64_t want_ms;
    } rows[] = {
        { "nothing confirmed", 4000, { -1, -1 }, 4000 },
        { "the first word, from a later look", 0, { -1, 6000 }, 6000 },
        { "found at once, nothing known", 0, { 300, -1 }, 0 },
        { "too early: up a quarter of the way", 4000, { -1, 8000 }, 5000 },
        { "a later look that shows less", 4000, { -1, 2000 }, 3500 },
        { "in time: down a little", 4000, { 4500, -1 }, 3900 },
        { "seen earlier than learned: down", 4000, { 1000, -1 }, 3225 },
        { "both: the later one counts", 4000, { 5000, 8000 }, 5000 },
        { "no habit, but trouble", 0, { -1, INT64_C(9999999) }, PROPAGATION_MAX_MS },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got_ms = propagation_learn(rows[i].learned_ms, &rows[i].sample);

        if (got_ms != rows[i].want_ms)
            fail_msg("%s: %lld ms", rows[i].what, (long long)got_ms);
    }
}

/* Whatever was learned once, batches found at their first look bring it down to where looks come too early.
 */
static void forgets_an_exaggeration(void **state)
{
    int64_t learned_ms = PROPAGATION_MAX_MS;
    int batches = 0;

    (void)state;
    for (; learned_ms > 2000 && batches < 1000; batches++) {
        struct propagation_sample sample = { learned_ms + 100, -1 };

        learned_ms = propagation_learn(learned_ms, &sample);
    }
    assert_true(batches > 10);
    assert_true(batches < 1000);
}

static void first_look_is_put_off_by_grid_steps(void **state)
{
    static const struct {
        const char *what;
        int64_t learned_ms, age_ms, want_ms;
    } rows[] = {
        { "nothing known", 0, 0, 0 },
        { "old enough", 4000, 4000, 0 },
        { "far older", 4000, 400000, 0 },
        { "less than half a second left", 1000, 600, 0 },
        { "nearly a second left", 1000, 100, 1000 },
        { "one second", 1000, 0, 1000 },
        { "nearer to 1 s than to 5 s", 2900, 0, 1000 },
        { "nearer to 5 s", 3100, 0, 5000 },
        { "6 s: not 30", 6000, 0, 5000 },
        { "29 s", 30000, 1000, 30000 },
        { "beyond any habit", INT64_C(99999999), 0, PROPAGATION_MAX_MS },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got_ms = propagation_delay_ms(rows[i].learned_ms, rows[i].age_ms);

        if (got_ms != rows[i].want_ms)
            fail_msg("%s: %lld ms", rows[i].what, (long long)got_ms);
    }
}

static void set_word(struct fake_cache *fake, const char *word)
{
    struct err err = ERR_INIT;

    assert_int_equal(cache_set(&fake->cache, PROPAGATION_CACHE, word, strlen(word), 60000, &err), 0);
}

static void reads_the_shared_word_now_and_then(void **state)
{
    struct propagation propagation = { 0 };
    struct err err = ERR_INIT;
    struct fake_cache fake;

    (void)state;
    fake_cache_init(&fake);
    assert_int_equal(propagation_refresh(&propagation, &fake.cache, NOW, &err), 0);
    assert_int_equal(propagation.learned_ms, 0);
    set_word(&fake, "4000");
    assert_int_equal(propagation_refresh(&propagation, &fake.cache, NOW + PROPAGATION_SHARE_MS - 1, &err), 0);
    assert_int_equal(propagation.learned_ms, 0);
    assert_int_equal(propagation_refresh(&propagation, &fake.cache, NOW + PROPAGATION_SHARE_MS, &err), 0);
    assert_int_equal(propagation.learned_ms, 4000);

    set_word(&fake, "soon"); /* another's word that is none: the own one stays */
    assert_int_equal(propagation_refresh(&propagation, &fake.cache, NOW + 20000, &err), 0);
    assert_int_equal(propagation.learned_ms, 4000);

    fake.fail_after = 0;
    assert_int_equal(propagation_refresh(&propagation, &fake.cache, NOW + 40000, &err), -1);
    fake_cache_release(&fake);
}

static void shares_now_and_then(void **state)
{
    struct propagation propagation = { 0 };
    struct propagation_sample sample = { -1, 6000 };
    struct err err = ERR_INIT;
    struct fake_cache fake;
    struct buf word;
    int64_t age_ms;

    (void)state;
    fake_cache_init(&fake);
    propagation_share(&propagation, &fake.cache, &sample, NOW);
    assert_int_equal(fake.sets, 1);
    buf_init(&word, 64);
    assert_int_equal(cache_get(&fake.cache, PROPAGATION_CACHE, &word, &age_ms, &err), 1);
    assert_string_equal(word.data, "6000");
    buf_release(&word);

    sample.later_ms = 10000;
    propagation_share(&propagation, &fake.cache, &sample, NOW + 1000);
    assert_int_equal(propagation.learned_ms, 7000);
    assert_int_equal(fake.sets, 1);
    propagation_share(&propagation, &fake.cache, &sample, NOW + PROPAGATION_SHARE_MS);
    assert_int_equal(fake.sets, 2);

    sample.later_ms = -1; /* nothing learned: nothing written */
    propagation_share(&propagation, &fake.cache, &sample, NOW + 100000);
    assert_int_equal(fake.sets, 2);
    fake_cache_release(&fake);
}

static void a_refusing_cache_stops_nobody(void **state)
{
    struct propagation propagation = { 0 };
    struct propagation_sample sample = { -1, 6000 };
    struct fake_cache fake;

    (void)state;
    fake_cache_init(&fake);
    fake.fail_after = 0;
    propagation_share(&propagation, &fake.cache, &sample, NOW);
    assert_int_equal(propagation.learned_ms, 6000);
    fake_cache_release(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_from_what_was_seen),
        cmocka_unit_test(forgets_an_exaggeration),
        cmocka_unit_test(first_look_is_put_off_by_grid_steps),
        cmocka_unit_test(reads_the_shared_word_now_and_then),
        cmocka_unit_test(shares_now_and_then),
        cmocka_unit_test(a_refusing_cache_stops_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

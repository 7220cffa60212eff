/* Which way of reading is chosen, and what it costs in the end: never more than twice the better one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "estate_way.h"

static void chooses(void **state)
{
    static const struct {
        const char *what;
        struct estate_facts facts;
        enum estate_way want;
    } rows[] = {
        { "nothing is wanted", { 0, 0, 0, -1, 0, false }, ESTATE_FILTERS },
        { "all are seen", { 10000, 0, 7, -1, 0, false }, ESTATE_FILTERS },
        { "10, unknown size", { 10, 10, 0, -1, 0, false }, ESTATE_FILTERS },
        { "10 of 10,000", { 10, 10, 0, 10000, 10000, false }, ESTATE_FILTERS },
        { "800, unknown size: 4 requests", { 800, 800, 0, -1, 0, false }, ESTATE_FILTERS },
        { "801, unknown size", { 801, 801, 0, -1, 0, false }, ESTATE_PAGES },
        { "800 of 500", { 800, 800, 0, 500, 500, false }, ESTATE_PAGES },
        { "10,000 of 10,000", { 10000, 10000, 0, 10000, 10000, false }, ESTATE_PAGES },
        { "10,000 of 50,000: the same", { 10000, 10000, 0, 50000, 50000, false }, ESTATE_FILTERS },
        { "10,000 of 49,000", { 10000, 10000, 0, 49000, 49000, false }, ESTATE_PAGES },
        { "10,000 of 1,000,000", { 10000, 10000, 0, 1000000, 1000000, false }, ESTATE_FILTERS },
        { "10,000 of at least 24,000", { 10000, 10000, 0, -1, 24000, false }, ESTATE_PAGES },
        { "10,000 of at least 25,000: filters are at most twice the pages",
          { 10000, 10000, 0, -1, 25000, false },
          ESTATE_FILTERS },
        { "the first page had a thousandth", { 10000, 9990, 1, -1, 0, false }, ESTATE_PAGES },
        { "none seen, and it may soon cost too much", { 10000, 10000, 48, -1, 0, false }, ESTATE_FILTERS },
        { "none seen, yet it may end any time", { 10000, 10000, 47, -1, 0, false }, ESTATE_PAGES },
        { "half seen: as many pages are left", { 10000, 5000, 10, -1, 0, false }, ESTATE_PAGES },
        { "half seen, where filters are fewer", { 10000, 5000, 30, -1, 0, false }, ESTATE_FILTERS },
        { "nearly all seen", { 10000, 1, 40, -1, 0, false }, ESTATE_FILTERS },
        { "counted, and more than half done", { 10000, 4000, 6, 10000, 10000, false }, ESTATE_PAGES },
        { "counted, and one is left to find", { 10000, 1, 6, 10000, 10000, false }, ESTATE_FILTERS },
        { "whether more are there nobody knows", { 10000, 5000, 10, -1, 0, true }, ESTATE_PAGES },
        { "whether more are there nobody knows, and filters are safe",
          { 10000, 2000, 10, -1, 0, true },
          ESTATE_FILTERS },
        { "it has grown beyond what was counted", { 10000, 10000, 10, 10000, 10000, false }, ESTATE_PAGES },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (estate_way(&rows[i].facts) != rows[i].want)
            fail_msg("%s: %s", rows[i].what, rows[i].want == ESTATE_PAGES ? "filters" : "pages");
}

/* Where the wanted devices stand in the list. */
enum spread { EVENLY, AT_THE_END, AT_THE_START, NOWHERE };

/* How many of the wanted stand in the first `pages` pages of a list. */
static int64_t seen_on(int64_t wanted, int64_t size, int64_t pages, enum spread spread)
{
    int64_t listed = pages * ESTATE_PAGE_ENTRIES < size ? pages * ESTATE_PAGE_ENTRIES : size;
    int64_t there = wanted < size ? wanted : size;

    switch (spread) {
    case EVENLY: return (int64_t)((double)there * (double)listed / (double)size);
    case AT_THE_END: return listed - (size - there) > 0 ? listed - (size - there) : 0;
    case AT_THE_START: return listed < there ? listed : there;
    case NOWHERE: break;
    }
    return 0;
}

/* Requests that the reading of a list takes. */
static int64_t play(int64_t wanted, int64_t size, enum spread spread, bool is_sparse, int64_t remembered,
                    int64_t least)
{
    struct estate_facts facts = { wanted, wanted, 0, remembered, least, is_sparse };

    while (estate_way(&facts) == ESTATE_PAGES) {
        facts.pages++;
        facts.unseen = wanted - seen_on(wanted, size, facts.pages, spread);
        if (facts.pages >= estate_pages(size))
            return facts.pages;
    }
    return facts.pages + estate_filters(facts.unseen);
}

static void costs_at_most_twice_the_better_way(void **state)
{
    static const int64_t numbers[] = { 1,      10,     199,    200,    201,    800,    801,   1000,
                                       2000,   5000,   9999,   10000,  20000,  49000,  50000, 51000,
                                       100000, 150000, 200000, 500000, 999999, 1000000 };
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);

    (void)state;
    for (size_t w = 0; w < count; w++) {
        for (size_t s = 0; s < count; s++) {
            for (int way = 0; way < 2 * (NOWHERE + 1); way++) {
                enum spread spread = (enum spread)(way / 2);
                bool is_sparse = way % 2 == 1;
                int64_t pages = estate_pages(numbers[s]), filters = estate_filters(numbers[w]);
                int64_t best = pages < filters ? pages : filters;
                int64_t first = play(numbers[w], numbers[s], spread, is_sparse, -1, 0);
                int64_t counted = play(numbers[w], numbers[s], spread, is_sparse, numbers[s], numbers[s]);

                if (first > 2 * best && first > ESTATE_FEW_REQUESTS)
                    fail_msg("%lld of %lld, spread %d: %lld requests, not %lld", (long long)numbers[w],
                             (long long)numbers[s], spread, (long long)first, (long long)best);
                if (counted > best)
                    fail_msg("%lld of %lld counted, spread %d: %lld requests, not %lld",
                             (long long)numbers[w], (long long)numbers[s], spread, (long long)counted,
                             (long long)best);
            }
        }
    }
}

/* What was remembered may be wrong by any factor: it grew, or it was never counted to the end. */
static void a_wrong_memory_costs_at_most_twice_the_filters(void **state)
{
    static const int64_t remembered[] = { 0, 1, 999, 1000, 30000, 49000 };

    (void)state;
    for (size_t i = 0; i < sizeof(remembered) / sizeof(remembered[0]); i++) {
        for (int way = 0; way < 2 * (NOWHERE + 1); way++) {
            enum spread spread = (enum spread)(way / 2);
            bool is_sparse = way % 2 == 1;
            int64_t got = play(10000, 1000000, spread, is_sparse, remembered[i], remembered[i]);

            if (got > 100)
                fail_msg("remembered %lld, spread %d: %lld requests", (long long)remembered[i], spread,
                         (long long)got);
        }
    }
}

static void a_lower_bound_remembered_spares_the_second_search(void **state)
{
    int64_t first = play(10000, 1000000, EVENLY, false, -1, 0);

    (void)state;
    assert_in_range(first, 51, 100);
    assert_int_equal(play(10000, 1000000, EVENLY, false, -1, (first / 2) * ESTATE_PAGE_ENTRIES), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses),
        cmocka_unit_test(costs_at_most_twice_the_better_way),
        cmocka_unit_test(a_wrong_memory_costs_at_most_twice_the_filters),
        cmocka_unit_test(a_lower_bound_remembered_spares_the_second_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

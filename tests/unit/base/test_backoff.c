#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <limits.h>

#include <cmocka.h>

#include "base/backoff.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void doubles_up_to_the_cap(void **state)
{
    static const struct {
        int64_t base_ms, cap_ms;
        int attempt;
        int64_t least, most; /* over all chance */
    } rows[] = {
        { 1000, 300000, 1, 500, 1000 },
        { 1000, 300000, 2, 1000, 2000 },
        { 1000, 300000, 8, 64000, 128000 },
        { 1000, 300000, 10, 150000, 300000 },
        { 1000, 300000, INT_MAX, 150000, 300000 },
        { 1000, 300000, 0, 500, 1000 },
        { 1000, 300000, INT_MIN, 500, 1000 },
        { 1000, 10, 1, 5, 10 },
        { 1, 10, 1, 0, 1 },
        { 0, 10, 5, 0, 0 },
        { 10, 0, 5, 0, 0 },
        { -5, 10, 5, 0, 0 },
        { INT64_MAX, INT64_MAX, 5, INT64_MAX / 2, INT64_MAX },
        { 3, INT64_MAX, 1000, INT64_MAX / 2, INT64_MAX },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t low = backoff_ms(rows[i].base_ms, rows[i].cap_ms, rows[i].attempt, 0);
        int64_t middle = backoff_ms(rows[i].base_ms, rows[i].cap_ms, rows[i].attempt, UINT32_MAX / 2);
        int64_t high = backoff_ms(rows[i].base_ms, rows[i].cap_ms, rows[i].attempt, UINT32_MAX);

        if (low != rows[i].least || high > rows[i].most || high < middle || middle < low)
            fail_msg("row %zu: %lld %lld %lld", i, (long long)low, (long long)middle, (long long)high);
        if (rows[i].most > 100 && high < rows[i].most - rows[i].most / 1000)
            fail_msg("row %zu: chance spreads only to %lld", i, (long long)high);
    }
}

static void rounds_up_to_the_grid(void **state)
{
    static const int64_t day = 86400000;
    const struct {
        int64_t ms, want;
    } rows[] = {
        { INT64_MIN, 1000 },  { 0, 1000 },
        { 1000, 1000 },       { 1001, 5000 },
        { 5001, 30000 },      { 30001, 120000 },
        { 120001, 600000 },   { 600001, 1800000 },
        { 1800001, 7200000 }, { 7200001, 21600000 },
        { 21600001, day },    { day, day },
        { day + 1, 2 * day }, { INT64_MAX, INT64_MAX },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (backoff_grid_ms(rows[i].ms) != rows[i].want)
            fail_msg("%lld: %lld", (long long)rows[i].ms, (long long)backoff_grid_ms(rows[i].ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_the_cap),
        cmocka_unit_test(rounds_up_to_the_grid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stats.h"

#define SECOND INT64_C(1000000)

static void finds_the_fullest_second(void **state)
{
    struct stats stats = { 0 };

    (void)state;
    for (int i = 0; i < 5000; i++) /* one each 10 ms: 100 in any window of one second */
        stats_request(&stats, OP_LIST_DEVICES, SECOND + i * 10000);
    assert_int_equal(stats.max_in_second, 100);
    for (int i = 0; i < 2000; i++)
        stats_request(&stats, OP_LIST_DEVICES, 100 * SECOND + i);
    assert_int_equal(stats.max_in_second, 2000);
    assert_int_equal(stats.requests, 7000);
    assert_int_equal(stats.by_operation[OP_LIST_DEVICES], 7000);
    stats_release(&stats);
}

static void sees_who_does_not_wait(void **state)
{
    static const struct {
        const char *what;
        int64_t after_us;
        uint64_t want;
    } rows[] = {
        { "on its way already", 90000, 0 },
        { "early", 500000, 1 },
        { "just in time", 2 * SECOND, 0 },
        { "later", 3 * SECOND, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stats stats = { 0 };

        stats_limited(&stats, SECOND, 2 * SECOND);
        stats_request(&stats, OP_LIST_DEVICES, SECOND + rows[i].after_us);
        if (stats.early != rows[i].want)
            fail_msg("%s: %llu", rows[i].what, (unsigned long long)stats.early);
        stats_release(&stats);
    }
}

static void keeps_the_first_and_counts_all(void **state)
{
    struct stats stats = { 0 };
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    for (int i = 0; i < VIOLATIONS_KEPT + 5; i++)
        stats_violation(&stats, OP_PUT_ASSIGNMENT, "number %d", i);
    assert_int_equal(stats.violation_count, VIOLATIONS_KEPT + 5);
    stats_print_violations(&stats, &out);
    assert_false(out.is_failed);
    assert_string_equal(stats.violations[VIOLATIONS_KEPT - 1].text, "number 999");
    stats_reset(&stats); /* counters are one thing, violations another */
    assert_int_equal(stats.violation_count, VIOLATIONS_KEPT + 5);
    stats_forget_violations(&stats);
    assert_int_equal(stats.violation_count, 0);
    buf_release(&out);
    stats_release(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_fullest_second),
        cmocka_unit_test(sees_who_does_not_wait),
        cmocka_unit_test(keeps_the_first_and_counts_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

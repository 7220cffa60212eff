#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "domain/outcome.h"

static void names_go_both_ways(void **state)
{
    static const struct {
        enum outcome outcome;
        const char *name;
        bool is_good;
    } rows[] = {
        { OUTCOME_ASSIGNED, "assigned", true },   { OUTCOME_UNCHANGED, "unchanged", true },
        { OUTCOME_REMOVED, "removed", true },     { OUTCOME_REJECTED, "rejected", false },
        { OUTCOME_DUPLICATE, "duplicate", true }, { OUTCOME_CONFLICT, "conflict", false },
        { OUTCOME_FAILED, "failed", false },      { OUTCOME_CANCELLED, "cancelled", false },
    };

    (void)state;
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), OUTCOME_COUNT - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(outcome_name(rows[i].outcome), rows[i].name);
        assert_int_equal(outcome_from_name(rows[i].name), rows[i].outcome);
        if (outcome_is_good(rows[i].outcome) != rows[i].is_good)
            fail_msg("%s: wrong exit status", rows[i].name);
    }
}

static void none_is_no_outcome(void **state)
{
    (void)state;
    assert_string_equal(outcome_name(OUTCOME_NONE), "none");
    assert_string_equal(outcome_name((enum outcome)99), "none");
    assert_int_equal(outcome_from_name("none"), OUTCOME_NONE);
    assert_int_equal(outcome_from_name("Assigned"), OUTCOME_NONE);
    assert_int_equal(outcome_from_name(NULL), OUTCOME_NONE);
    assert_false(outcome_is_good(OUTCOME_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(none_is_no_outcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

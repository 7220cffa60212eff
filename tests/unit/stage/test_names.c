/* Two layers that may not know each other name the same things: the run book its counters, the domain its
 * outcomes. */
#include "harness/check.h"

#include "domain/outcome.h"
#include "queue/runbook.h"

_Static_assert((int)RUN_OUTCOMES == (int)OUTCOME_COUNT, "the run book counts every outcome");

static void counters_are_outcomes(void **state)
{
    (void)state;
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
        assert_string_equal(runbook_outcome_field(outcome), outcome_name((enum outcome)outcome));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(counters_are_outcomes) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

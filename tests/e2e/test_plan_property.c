/* Applying a plan yields what was declared, and planning again yields nothing: 40 random inputs and states.
 */
#include "harness/check.h"

#include "harness/plan_property.h"

static void a_plan_yields_what_is_declared(void **state)
{
    (void)state;
    plan_property_run(&(struct plan_property){ .bin = TEST_BIN, .cases = 40 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_plan_yields_what_is_declared) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* No growth under steady load with faults: ten minutes of it. */
#include "harness/check.h"

#include "harness/soak.h"

static void nothing_grows(void **state)
{
    (void)state;
    soak_run(&(struct soak){ .bin = TEST_BIN,
                             .scenario = TEST_TOP "/tests/sim/scenarios/transient.json",
                             .seconds = 600,
                             .devices = 300 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_grows) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* As test_deaths.c, more often. */
#include "harness/check.h"

#include "harness/deaths.h"

static void no_point_of_death_loses_or_doubles(void **state)
{
    (void)state;
    deaths_run(&(struct deaths){ .bin = TEST_BIN, .rounds = 10, .devices = 450 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_point_of_death_loses_or_doubles) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

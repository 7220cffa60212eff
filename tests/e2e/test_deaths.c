/* Guarantees 1 and 2: SIGKILL of each stage at each named point of a message's life loses and doubles
 * nothing. */
#include "harness/check.h"

#include "harness/deaths.h"

static void no_point_of_death_loses_or_doubles(void **state)
{
    (void)state;
    deaths_run(&(struct deaths){ .bin = TEST_BIN, .rounds = 1, .devices = 250 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_point_of_death_loses_or_doubles) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

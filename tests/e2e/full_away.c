/* Redis out of reach for two minutes in which it refuses, and two in which it says nothing. */
#include "harness/check.h"

#include "harness/away.h"

static void an_outage_of_redis_costs_nothing(void **state)
{
    (void)state;
    away_run(&(struct away){ .bin = TEST_BIN, .devices = 3000, .refused_ms = 120000, .silent_ms = 120000 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(an_outage_of_redis_costs_nothing) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The same with a million devices and the limits that ship. */
#include "harness/check.h"

#include "harness/overload.h"

static void a_stopped_stage_holds_a_million_back(void **state)
{
    (void)state;
    overload_run(&(struct overload){ .bin = TEST_BIN,
                                     .devices = 1000000,
                                     .backlog = 10000,
                                     .looks = 500,
                                     .timeout_ms = 600000,
                                     .ends = 0 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_stopped_stage_holds_a_million_back) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

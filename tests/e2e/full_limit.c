/* Guarantee 4 in full: 2,000 devices at 50 requests a second, 40 s. */
#include "harness/check.h"

#include "harness/hold_rate.h"

static void holds_the_rate(void **state)
{
    (void)state;
    hold_rate_run(TEST_BIN, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(holds_the_rate) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

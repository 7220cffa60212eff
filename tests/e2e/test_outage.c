/* Guarantee 6: an outage costs no device, in small; full_outage.c has it in full. */
#include "harness/check.h"

#include "harness/outage.h"

static void an_outage_costs_no_device(void **state)
{
    (void)state;
    outage_run(
        &(struct outage){ .bin = TEST_BIN, .devices = 2000, .unavailable_ms = 8000, .forbidden_ms = 5000 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(an_outage_costs_no_device) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Guarantee 6: an outage costs no device, as long as the project promises it: two minutes, then one. */
#include "harness/check.h"

#include "harness/outage.h"

static void an_outage_costs_no_device(void **state)
{
    (void)state;
    outage_run(&(struct outage){
        .bin = TEST_BIN, .devices = 3000, .unavailable_ms = 120000, .forbidden_ms = 60000 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(an_outage_costs_no_device) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

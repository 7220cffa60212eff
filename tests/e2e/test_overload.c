/* More is pushed than the pipeline takes: nothing grows, nobody is left in the dark, and it goes on where it
 * stopped. */
#include "harness/check.h"

#include "harness/overload.h"

static void a_stopped_stage_holds_push_back(void **state)
{
    (void)state;
    overload_run(&(struct overload){
        .bin = TEST_BIN, .devices = 12000, .backlog = 3000, .looks = 50, .timeout_ms = 120000, .ends = 1 });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_stopped_stage_holds_push_back) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

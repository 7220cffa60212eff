#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/dump.h"

static void leaves_no_core(void **state)
{
    struct rlimit cores = { 1, 1 };

    (void)state;
    assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
    dump_forbid();
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &cores), 0);
    assert_int_equal(cores.rlim_cur, 0);
    assert_int_equal(cores.rlim_max, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_no_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

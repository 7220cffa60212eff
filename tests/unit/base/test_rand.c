#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"

static void names_are_hex_and_differ(void **state)
{
    char names[64][17];

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        memset(names[i], 'x', sizeof(names[i]));
        assert_ptr_equal(rand_hex16(names[i]), names[i]);
        assert_int_equal(strlen(names[i]), 16);
        assert_int_equal(strspn(names[i], "0123456789abcdef"), 16);
        for (size_t before = 0; before < i; before++)
            assert_string_not_equal(names[before], names[i]);
    }
}

/* All bits move: 64 numbers that all agree in one bit come once in 2^58 runs. */
static void every_bit_moves(void **state)
{
    uint32_t ones = 0, zeros = 0;

    (void)state;
    for (int i = 0; i < 64; i++) {
        uint32_t number = rand_u32();

        ones |= number;
        zeros |= ~number;
    }
    assert_int_equal(ones, UINT32_MAX);
    assert_int_equal(zeros, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_hex_and_differ),
        cmocka_unit_test(every_bit_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

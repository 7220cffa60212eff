#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"

static void gives_zeroed_aligned_memory(void **state)
{
    struct pool *pool = pool_new(1 << 20);

    (void)state;
    for (size_t len = 0; len < 300; len++) {
        unsigned char *at = pool_alloc(pool, len);

        assert_non_null(at);
        assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0xff, len);
    }
    pool_reset(pool); /* the block that is kept must be zeroed again */
    for (size_t i = 0; i < 100; i++) {
        static const unsigned char zero[100];

        assert_memory_equal(pool_alloc(pool, sizeof(zero)), zero, sizeof(zero));
    }
    pool_free(pool);
}

static void keeps_small_and_large_apart(void **state)
{
    struct pool *pool = pool_new(1 << 24);
    char *small, *large, *after;

    (void)state;
    small = pool_strdup(pool, "small");
    large = pool_alloc(pool, 100000);
    after = pool_strdup(pool, "after");
    memset(large, 'x', 100000);
    assert_string_equal(small, "small");
    assert_string_equal(after, "after");
    assert_true(pool_used(pool) >= 100000);
    pool_reset(pool);
    assert_int_equal(pool_used(pool), 0);
    pool_free(pool);
}

static void copies_text(void **state)
{
    struct pool *pool = pool_new(1 << 16);

    (void)state;
    assert_string_equal(pool_strdup(pool, ""), "");
    assert_null(pool_strdup(pool, NULL));
    assert_string_equal(pool_strndup(pool, "abcdef", 3), "abc");
    assert_string_equal(pool_strndup(pool, NULL, 0), "");
    assert_string_equal(pool_printf(pool, "%s-%d", "a", 5), "a-5");
    pool_free(pool);
}

static void holds_its_limit(void **state)
{
    struct pool *pool = pool_new(100);
    struct err err = ERR_INIT;

    (void)state;
    assert_null(pool_alloc(pool, 101));
    assert_int_equal(pool_failed(pool, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(pool_alloc(pool, 60));
    assert_null(pool_alloc(pool, 60));
    assert_null(pool_alloc(pool, SIZE_MAX));
    assert_null(pool_strndup(pool, "x", SIZE_MAX));
    assert_null(pool_printf(pool, "%0200d", 1));
    pool_reset(pool);
    assert_non_null(pool_alloc(pool, 60));
    pool_free(pool);
}

static void bounds_the_sum_of_empty_pieces(void **state)
{
    struct pool *pool = pool_new(10000);
    size_t given = 0;

    (void)state;
    while (given < 100000 && pool_alloc(pool, 0) != NULL)
        given++;
    assert_true(given < 100000); /* pieces of no bytes cost something too: no endless growth through them */
    pool_free(pool);
}

static void checks_the_product(void **state)
{
    struct pool *pool = pool_new(1 << 20);
    struct err err = ERR_INIT;

    (void)state;
    assert_null(pool_array(pool, SIZE_MAX / 2, 3));
    pool_failed(pool, &err);
    assert_int_equal(err.code, ERR_LIMIT);
    pool_reset(pool);
    assert_non_null(pool_array(pool, 0, 10));
    assert_non_null(pool_array(pool, 10, 10));
    pool_free(pool);
    pool_free(NULL);
}

static void tells_no_memory_from_a_limit(void **state)
{
    struct pool *pool = pool_new(SIZE_MAX);
    struct err err = ERR_INIT;

    (void)state;
    assert_null(pool_alloc(pool, SIZE_MAX - 64)); /* no machine has it */
    pool_failed(pool, &err);
    assert_int_equal(err.code, ERR_NOMEM);
    assert_null(pool_alloc(pool, SIZE_MAX)); /* rounding up must not come out at nothing */
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory),
        cmocka_unit_test(keeps_small_and_large_apart),
        cmocka_unit_test(copies_text),
        cmocka_unit_test(holds_its_limit),
        cmocka_unit_test(bounds_the_sum_of_empty_pieces),
        cmocka_unit_test(checks_the_product),
        cmocka_unit_test(tells_no_memory_from_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

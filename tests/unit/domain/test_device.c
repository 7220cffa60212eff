#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/device.h"

static const char *repeat(char c, size_t count)
{
    static char text[2048];

    memset(text, c, count);
    text[count] = '\0';
    return text;
}

static void a_refused_device_is_made_small(void **state)
{
    struct pool *pool = pool_new(100000);
    struct device_extra extra = { "a", "b" };
    struct device device = { .row = 1,
                             .serial = strdup(repeat('s', 1000)),
                             .country = strdup(repeat('c', 1000)),
                             .model = "m",
                             .extra = &extra,
                             .extra_count = 1,
                             .blueprint_id = "bp-1",
                             .action_word = "wipe" };
    struct err err = ERR_INIT;
    char *serial = (char *)(uintptr_t)device.serial, *country = (char *)(uintptr_t)device.country;

    (void)state;
    assert_int_equal(device_shorten(&device, pool, &err), 0);
    assert_int_equal(strlen(device.serial), DEVICE_SHOWN_MAX);
    assert_null(device.country);
    assert_null(device.model);
    assert_int_equal(device.extra_count, 0);
    assert_string_equal(device.blueprint_id, "bp-1");
    assert_string_equal(device.action_word, "wipe");
    free(serial);
    free(country);
    pool_free(pool);
}

static void a_clone_shares_nothing(void **state)
{
    struct pool *first = pool_new(100000), *second = pool_new(100000), *none = pool_new(8);
    struct device_extra *extra = pool_array(first, 1, sizeof(*extra));
    struct device device = { .row = 3,
                             .serial = pool_strdup(first, "S"),
                             .suspect.op = pool_strdup(first, "op"),
                             .unknown = pool_strdup(first, "\"a\":1"),
                             .extra = extra,
                             .extra_count = 1 };
    struct device *copy;

    (void)state;
    extra[0].name = pool_strdup(first, "n");
    extra[0].value = pool_strdup(first, "v");
    copy = device_clone(&device, second);
    assert_non_null(copy);
    assert_null(device_clone(&device, none));
    pool_free(first);
    assert_int_equal(copy->row, 3);
    assert_string_equal(copy->serial, "S");
    assert_string_equal(copy->suspect.op, "op");
    assert_string_equal(copy->unknown, "\"a\":1");
    assert_string_equal(copy->extra[0].name, "n");
    assert_string_equal(copy->extra[0].value, "v");
    assert_null(copy->country);
    pool_free(second);
    pool_free(none);
}

static void steps_have_names(void **state)
{
    (void)state;
    assert_string_equal(device_step_name(STEP_INGEST), "ingest");
    assert_string_equal(device_step_name(STEP_END), "end");
    assert_string_equal(device_step_name(STEP_COUNT), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_device_is_made_small),
        cmocka_unit_test(a_clone_shares_nothing),
        cmocka_unit_test(steps_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "catalog.h"
#include "inventory.h"

static void finds_every_device_again(void **state)
{
    struct inventory inventory = { 0 };
    struct err err = ERR_INIT;
    char serial[SERIAL_MAX + 1], id[DEVICE_ID_BYTES];
    bool is_new;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        snprintf(serial, sizeof(serial), "F%09d", i);
        assert_non_null(inventory_add(&inventory, serial, "JP", &is_new, &err));
        assert_true(is_new);
    }
    for (int i = 0; i < 50000; i++) {
        struct sim_device *device;

        snprintf(serial, sizeof(serial), "F%09d", i);
        device = inventory_find(&inventory, serial, 0);
        assert_non_null(device);
        assert_string_equal(device->serial, serial);
        assert_ptr_equal(inventory_find_id(&inventory, device_id(device, id), 0), device);
        assert_ptr_equal(inventory_at(&inventory, (size_t)i, 0), device);
        assert_ptr_equal(inventory_add(&inventory, serial, "JP", &is_new, &err), device);
        assert_false(is_new);
    }
    assert_int_equal(inventory.count, 50000);
    assert_null(inventory_find(&inventory, "F000050000", 0));
    assert_null(inventory_find_id(&inventory, "dev-1", 0));
    assert_null(inventory_find_id(&inventory, "F000000001", 0)); /* the serial is not the id */
    inventory_release(&inventory);
}

static void changes_in_their_time(void **state)
{
    struct inventory inventory = { 0 };
    struct err err = ERR_INIT;
    bool is_new;
    struct sim_device *device = inventory_add(&inventory, "FVFGH2345678", "JP", &is_new, &err);
    struct assignment_change one = { .blueprint = 1, .server = CATALOG_NONE, .now_us = 10, .due_us = 10 };
    struct assignment_change two = { .blueprint = 2, .server = 0, .now_us = 20, .due_us = 30 };
    struct assignment_change bad = {
        .blueprint = 3, .server = 0, .now_us = 40, .due_us = 50, .is_failing = true
    };

    (void)state;
    assert_null(device_shown(device, false));
    assert_true(device_assign(&inventory, device, &one));
    assert_int_equal(device_shown(device, false)->state, ASSIGNMENT_PROPAGATED);
    assert_true(device_assign(&inventory, device, &two));
    assert_false(device_assign(&inventory, device, &two)); /* asked for already */
    assert_int_equal(device_shown(device, false)->blueprint, 2);
    assert_int_equal(device_shown(device, false)->state, ASSIGNMENT_ACCEPTED);
    assert_int_equal(device_shown(device, true)->blueprint, 1);
    inventory_find(&inventory, "FVFGH2345678", 29);
    assert_int_equal(device->now.blueprint, 1);
    inventory_find(&inventory, "FVFGH2345678", 30);
    assert_int_equal(device->now.blueprint, 2);
    assert_int_equal(device->changes, 2);
    assert_true(device_assign(&inventory, device, &bad));
    inventory_find(&inventory, "FVFGH2345678", 50);
    assert_int_equal(device_shown(device, true)->state, ASSIGNMENT_FAILED);
    assert_int_equal(device->now.blueprint, 2); /* what was in effect still is */
    assert_int_equal(device->changes, 2);
    assert_true(device_assign(&inventory, device, &bad)); /* after a failure the same is a new try */
    assert_true(device_unassign(device));
    assert_false(device_unassign(device));
    assert_null(device_shown(device, false));
    inventory_release(&inventory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_device_again),
        cmocka_unit_test(changes_in_their_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

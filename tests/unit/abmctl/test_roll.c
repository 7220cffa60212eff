/* Of each device the newest record stays. */
#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "roll.h"

static void add(struct roll *roll, struct device record, int64_t sequence)
{
    struct err err = ERR_INIT;

    if (roll_add(roll, &record, true, sequence, &err) != 0)
        fail_msg("%s", err.text);
}

static void keeps_the_newest(void **state)
{
    struct err err = ERR_INIT;
    struct roll roll;

    (void)state;
    assert_int_equal(roll_init(&roll, &err), 0);
    add(&roll,
        (struct device){
            .serial = "A", .row = 3, .seq = 1, .outcome = OUTCOME_ASSIGNED, .blueprint_id = "two" },
        5);
    add(&roll,
        (struct device){
            .serial = "A", .row = 3, .seq = 0, .outcome = OUTCOME_ASSIGNED, .blueprint_id = "one" },
        5);
    add(&roll,
        (struct device){
            .serial = "B", .row = 2, .seq = 0, .outcome = OUTCOME_ASSIGNED, .blueprint_id = "new" },
        9);
    add(&roll,
        (struct device){
            .serial = "B", .row = 2, .seq = 7, .outcome = OUTCOME_ASSIGNED, .blueprint_id = "old" },
        8);
    add(&roll,
        (struct device){ .serial = "C",
                         .row = 2,
                         .outcome = OUTCOME_REMOVED,
                         .blueprint_id = "two",
                         .mdm_server_id = "m",
                         .from_blueprint_id = "one",
                         .from_mdm_server_id = "m" },
        1);
    roll_sort(&roll);
    assert_int_equal(roll.count, 3);
    assert_string_equal(roll.at[0].serial, "B");
    assert_string_equal(roll.at[0].blueprint_id, "new");
    assert_string_equal(roll.at[1].serial, "C");
    assert_null(roll.at[1].blueprint_id); /* it is removed, whatever else the record says */
    assert_null(roll.at[1].mdm_server_id);
    assert_string_equal(roll.at[1].from_blueprint_id, "one");
    assert_string_equal(roll.at[1].from_mdm_server_id, "m");
    assert_string_equal(roll.at[2].serial, "A");
    assert_string_equal(roll.at[2].blueprint_id, "two");
    roll_sort_by_serial(&roll);
    assert_string_equal(roll.at[0].serial, "A");
    assert_string_equal(roll.at[2].serial, "C");
    roll_release(&roll);
    roll_release(&roll); /* a second time is nothing */
}

/* More of everything than the first tables have room for; each id is kept once. */
static void takes_many(void **state)
{
    struct err err = ERR_INIT;
    struct roll roll;

    (void)state;
    assert_int_equal(roll_init(&roll, &err), 0);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20000; i++) {
            char serial[16], blueprint[16];

            snprintf(serial, sizeof(serial), "S%d", i);
            snprintf(blueprint, sizeof(blueprint), "bp-%d", i % 3000);
            add(&roll,
                (struct device){ .serial = serial,
                                 .row = 20000 - i,
                                 .outcome = OUTCOME_ASSIGNED,
                                 .blueprint_id = blueprint },
                round);
        }
    assert_int_equal(roll.count, 20000);
    assert_int_equal(roll.name_count, 3000);
    roll_sort(&roll);
    for (int i = 0; i < 20000; i++) {
        char serial[16], blueprint[16];

        snprintf(serial, sizeof(serial), "S%d", 19999 - i);
        snprintf(blueprint, sizeof(blueprint), "bp-%d", (19999 - i) % 3000);
        assert_string_equal(roll.at[i].serial, serial);
        assert_string_equal(roll.at[i].blueprint_id, blueprint);
        assert_int_equal(roll.at[i].sequence, 1);
    }
    roll_release(&roll);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keeps_the_newest), cmocka_unit_test(takes_many) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

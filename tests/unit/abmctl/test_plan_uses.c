#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "plan_uses.h"

static int setup(void **state)
{
    static struct plan_uses uses;

    uses = (struct plan_uses){ .pool = pool_new(16u << 20) };
    *state = &uses;
    return uses.pool == NULL;
}

static int teardown(void **state)
{
    plan_uses_release(*state);
    return 0;
}

static int add(struct plan_uses *uses, enum plan_kind kind, const char *from, const char *to,
               const char *server, struct err *err)
{
    const struct plan_entry entry = {
        .serial = "S", .from_blueprint_id = from, .to_blueprint_id = to, .mdm_server_id = server
    };

    return plan_uses_add(uses, kind, &entry, err);
}

static void counts_what_is_got_and_lost(void **state)
{
    struct plan_uses *uses = *state;
    struct err err = ERR_INIT;

    assert_int_equal(add(uses, PLAN_ADD, NULL, "b2", "m1", &err), 0);
    assert_int_equal(add(uses, PLAN_ADD, NULL, "b1", NULL, &err), 0);
    assert_int_equal(add(uses, PLAN_CHANGE, "b3", "b2", "m1", &err), 0);
    assert_int_equal(add(uses, PLAN_REMOVE, "b3", NULL, NULL, &err), 0);
    assert_int_equal(add(uses, PLAN_REMOVE, NULL, NULL, NULL, &err), 0); /* of what had failed */
    assert_int_equal(uses->assign, 3);
    assert_int_equal(uses->remove, 2);
    assert_int_equal(uses->blueprints.count, 3);
    assert_string_equal(uses->blueprints.at[0].id, "b1");
    assert_int_equal(plan_name_wanted(&uses->blueprints.at[0]), 1);
    assert_string_equal(uses->blueprints.at[1].id, "b2");
    assert_int_equal(plan_name_wanted(&uses->blueprints.at[1]), 2);
    assert_string_equal(uses->blueprints.at[2].id, "b3"); /* only taken away: nobody needs it */
    assert_int_equal(plan_name_wanted(&uses->blueprints.at[2]), 0);
    assert_int_equal(uses->blueprints.at[2].counts[PLAN_REMOVE], 1);
    assert_int_equal(uses->servers.count, 1);
    assert_int_equal(plan_name_wanted(&uses->servers.at[0]), 2);
}

/* A plan may be anybody's: its names are as many as fit, in any order, of any length that a plan takes. */
static void many_names_are_bounded(void **state)
{
    struct plan_uses *uses = *state;
    struct err err = ERR_INIT;
    char id[PLAN_WORD_MAX + 1];

    for (int i = 0; i < PLAN_USES_MAX; i++) {
        snprintf(id, sizeof(id), "%0*d", PLAN_WORD_MAX, (i * 7919) % PLAN_USES_MAX);
        assert_int_equal(add(uses, PLAN_ADD, NULL, id, id, &err), 0);
    }
    assert_int_equal(uses->blueprints.count, PLAN_USES_MAX);
    for (size_t i = 1; i < uses->blueprints.count; i++)
        assert_true(strcmp(uses->blueprints.at[i - 1].id, uses->blueprints.at[i].id) < 0);
    assert_int_equal(add(uses, PLAN_ADD, NULL, id, "one-more", &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "more than 10000 MDM servers"));
    assert_int_equal(add(uses, PLAN_ADD, NULL, "one-more", NULL, &err), -1);
    assert_non_null(strstr(err.text, "more than 10000 blueprints"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_what_is_got_and_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(many_names_are_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

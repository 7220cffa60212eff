/* Which devices count as drifted, judged as assign would judge them. */
#include "harness/check.h"

#include <string.h>

#include "base/str.h"
#include "drift_show.h"

static void keeps_what_differs(void **state)
{
    static const struct {
        const char *what;
        struct plan_wanted wanted;
        struct plan_seen seen;
        bool is_drift;
        const char *is, *on;
    } rows[] = {
        { "as wanted", { .blueprint_id = "a" }, { PLAN_STATE_PROPAGATED, "a", NULL }, false, NULL, NULL },
        { "on its way", { .blueprint_id = "a" }, { PLAN_STATE_ACCEPTED, "a", NULL }, false, NULL, NULL },
        { "any server will do",
          { .blueprint_id = "a" },
          { PLAN_STATE_PROPAGATED, "a", "m" },
          false,
          NULL,
          NULL },
        { "another blueprint", { .blueprint_id = "a" }, { PLAN_STATE_PROPAGATED, "b", "m" }, true, "b", "m" },
        { "another server",
          { .blueprint_id = "a", .mdm_server_id = "n" },
          { PLAN_STATE_PROPAGATED, "a", "m" },
          true,
          "a",
          "m" },
        { "no server",
          { .blueprint_id = "a", .mdm_server_id = "n" },
          { PLAN_STATE_PROPAGATED, "a", NULL },
          true,
          "a",
          NULL },
        { "nothing", { .blueprint_id = "a" }, { PLAN_STATE_NONE, NULL, NULL }, true, NULL, NULL },
        { "it failed", { .blueprint_id = "a" }, { PLAN_STATE_FAILED, "a", "m" }, true, NULL, NULL },
        { "gone, as wanted", { .is_remove = true }, { PLAN_STATE_NONE, NULL, NULL }, false, NULL, NULL },
        { "one that failed is none",
          { .is_remove = true },
          { PLAN_STATE_FAILED, "a", NULL },
          false,
          NULL,
          NULL },
        { "there again", { .is_remove = true }, { PLAN_STATE_ACCEPTED, "a", "m" }, true, "a", "m" },
    };
    struct err err = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct drift drift = { .checked = 0 };

        assert_int_equal(drift_add(&drift, "S", &rows[i].wanted, &rows[i].seen, &err), 0);
        assert_int_equal(drift.checked, 1);
        if ((drift.count == 1) != rows[i].is_drift)
            fail_msg("%s: %zu", rows[i].what, drift.count);
        if (drift.count == 1 && (!str_eq(drift.at[0].blueprint_id, rows[i].is) ||
                                 !str_eq(drift.at[0].mdm_server_id, rows[i].on) ||
                                 !str_eq(drift.at[0].wanted_blueprint_id, rows[i].wanted.blueprint_id) ||
                                 drift.at[0].state != rows[i].seen.state))
            fail_msg("%s: %s on %s", rows[i].what, drift.at[0].blueprint_id, drift.at[0].mdm_server_id);
        drift_release(&drift);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keeps_what_differs) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

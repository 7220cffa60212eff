/* What is to be done of a device so that it is again as a run found it. */
#include "harness/check.h"

#include "reverting.h"

#include "base/str.h"
#include "domain/outcome.h"

#define ASSIGNED .outcome = OUTCOME_ASSIGNED
#define REMOVED  .outcome = OUTCOME_REMOVED
#define NOW(bp, mdm)                                                                                         \
    {                                                                                                        \
        .is_known = true, .country = "DE", .is_there = true, .state = ABM_STATE_PROPAGATED,                  \
        .blueprint_id = (bp), .mdm_server_id = (mdm)                                                         \
    }
#define NOTHING_NOW                                                                                          \
    {                                                                                                        \
        .is_known = true, .country = "DE"                                                                    \
    }

static void judges(void **state)
{
    static const struct {
        const char *what;
        struct roll_entry record;
        struct estate_device now;
        enum plan_kind kind;
        const char *from, *to, *server, *from_server, *to_server;
        bool is_changed, is_gone, is_on_server;
    } rows[] = {
        { "a change, back",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .tells_from_server = true },
          NOW("b", NULL),
          PLAN_CHANGE,
          "b",
          "a",
          NULL,
          NULL,
          NULL,
          false,
          false,
          false },
        { "an addition, removed",
          { ASSIGNED, .blueprint_id = "b", .mdm_server_id = "m", .tells_from_server = true },
          NOW("b", "m"),
          PLAN_REMOVE,
          "b",
          NULL,
          NULL,
          "m",
          NULL,
          false,
          false,
          false },
        { "a removal, added again",
          { REMOVED, .from_blueprint_id = "a", .from_mdm_server_id = "m", .tells_from_server = true },
          NOTHING_NOW,
          PLAN_ADD,
          NULL,
          "a",
          "m",
          NULL,
          "m",
          false,
          false,
          false },
        { "a server, back",
          { ASSIGNED, .blueprint_id = "a", .from_blueprint_id = "a", .mdm_server_id = "n",
            .from_mdm_server_id = "m", .tells_from_server = true },
          NOW("a", "n"),
          PLAN_CHANGE,
          "a",
          "a",
          "m",
          "n",
          "m",
          false,
          false,
          false },
        { "a server that it was not on before",
          { ASSIGNED, .blueprint_id = "a", .from_blueprint_id = "a", .mdm_server_id = "n",
            .tells_from_server = true },
          NOW("a", "n"),
          PLAN_SAME,
          NULL,
          "a",
          NULL,
          NULL,
          NULL,
          false,
          false,
          true },
        { "a blueprint, and a server that it was not on before",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .mdm_server_id = "n",
            .tells_from_server = true },
          NOW("b", "n"),
          PLAN_CHANGE,
          "b",
          "a",
          NULL,
          NULL,
          NULL,
          false,
          false,
          true },
        { "a server that the run left as it was",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .from_mdm_server_id = "m",
            .tells_from_server = true },
          NOW("b", "m"),
          PLAN_CHANGE,
          "b",
          "a",
          "m",
          NULL,
          NULL,
          false,
          false,
          false },
        { "an old record says nothing of the server",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .mdm_server_id = "n" },
          NOW("b", "n"),
          PLAN_CHANGE,
          "b",
          "a",
          NULL,
          NULL,
          NULL,
          false,
          false,
          false },
        { "back already",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .tells_from_server = true },
          NOW("a", NULL),
          PLAN_SAME,
          NULL,
          "a",
          NULL,
          NULL,
          NULL,
          false,
          false,
          false },
        { "removed already",
          { ASSIGNED, .blueprint_id = "b", .tells_from_server = true },
          NOTHING_NOW,
          PLAN_SAME,
          NULL,
          NULL,
          NULL,
          NULL,
          NULL,
          false,
          false,
          false },
        { "another blueprint since",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .tells_from_server = true },
          NOW("c", NULL),
          PLAN_CHANGE,
          "b",
          "a",
          NULL,
          NULL,
          NULL,
          true,
          false,
          false },
        { "another server since",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .mdm_server_id = "m",
            .from_mdm_server_id = "m", .tells_from_server = true },
          NOW("b", "n"),
          PLAN_CHANGE,
          "b",
          "a",
          "m",
          NULL,
          NULL,
          true,
          false,
          false },
        { "nothing since",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .tells_from_server = true },
          NOTHING_NOW,
          PLAN_CHANGE,
          "b",
          "a",
          NULL,
          NULL,
          NULL,
          true,
          false,
          false },
        { "assigned again since",
          { REMOVED, .from_blueprint_id = "a", .tells_from_server = true },
          NOW("c", NULL),
          PLAN_ADD,
          NULL,
          "a",
          NULL,
          NULL,
          NULL,
          true,
          false,
          false },
        { "gone from ABM",
          { ASSIGNED, .blueprint_id = "b", .from_blueprint_id = "a", .tells_from_server = true },
          { .is_known = false },
          PLAN_SAME,
          NULL,
          "a",
          NULL,
          NULL,
          NULL,
          false,
          true,
          false },
        { "gone, and was unassigned before",
          { ASSIGNED, .blueprint_id = "b", .tells_from_server = true },
          { .is_known = false },
          PLAN_SAME,
          NULL,
          NULL,
          NULL,
          NULL,
          NULL,
          false,
          false,
          false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reverted got;

        revert_judge(&rows[i].record, &rows[i].now, &got);
        if (got.kind != rows[i].kind || !str_eq(got.entry.from_blueprint_id, rows[i].from) ||
            !str_eq(got.entry.to_blueprint_id, rows[i].to))
            fail_msg("%s: %s %s -> %s", rows[i].what, plan_kind_name(got.kind), got.entry.from_blueprint_id,
                     got.entry.to_blueprint_id);
        if (!str_eq(got.entry.mdm_server_id, rows[i].server) ||
            !str_eq(got.entry.from_mdm_server_id, rows[i].from_server) ||
            !str_eq(got.entry.to_mdm_server_id, rows[i].to_server))
            fail_msg("%s: on %s, %s -> %s", rows[i].what, got.entry.mdm_server_id,
                     got.entry.from_mdm_server_id, got.entry.to_mdm_server_id);
        if (got.is_changed != rows[i].is_changed || got.is_gone != rows[i].is_gone ||
            got.is_on_server != rows[i].is_on_server)
            fail_msg("%s: changed %d, gone %d, on server %d", rows[i].what, got.is_changed, got.is_gone,
                     got.is_on_server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(judges) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

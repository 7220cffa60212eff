/* A plan for people: grouped by blueprint, counted, cut where it is long, and never a command to the
 * terminal. */
#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "plan_out.h"
#include "plan_show.h"

static void add(struct plan_show *show, enum plan_kind kind, struct plan_entry entry)
{
    struct err err = ERR_INIT;

    if (plan_show_add(show, kind, &entry, &err) != 0)
        fail_msg("%s", err.text);
}

static void assert_shown(struct plan_show *show, bool is_coloured, const char *want)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    plan_show_print(show, is_coloured, &out);
    assert_false(out.is_failed);
    assert_string_equal(out.len > 0 ? out.data : "", want);
    buf_release(&out);
}

static void groups_by_blueprint(void **state)
{
    struct plan_show *show = plan_show_new(0);

    (void)state;
    add(show, PLAN_SAME, (struct plan_entry){ .serial = "S1", .to_blueprint_id = "bp-b" });
    add(show, PLAN_ADD, (struct plan_entry){ .serial = "S2", .to_blueprint_id = "bp-b" });
    add(show, PLAN_ADD,
        (struct plan_entry){ .serial = "S3", .to_blueprint_id = "bp-a", .mdm_server_id = "mdm-1" });
    add(show, PLAN_CHANGE,
        (struct plan_entry){ .serial = "S4", .from_blueprint_id = "bp-b", .to_blueprint_id = "bp-a" });
    add(show, PLAN_CHANGE,
        (struct plan_entry){ .serial = "S5",
                             .from_blueprint_id = "bp-b",
                             .to_blueprint_id = "bp-a",
                             .mdm_server_id = "mdm-1",
                             .has_servers = true,
                             .to_mdm_server_id = "mdm-1" });
    add(show, PLAN_CHANGE,
        (struct plan_entry){ .serial = "S6",
                             .from_blueprint_id = "bp-a",
                             .to_blueprint_id = "bp-a",
                             .mdm_server_id = "mdm-1",
                             .has_servers = true,
                             .from_mdm_server_id = "mdm-2",
                             .to_mdm_server_id = "mdm-1" });
    add(show, PLAN_REMOVE, (struct plan_entry){ .serial = "S7", .from_blueprint_id = "bp-a" });
    add(show, PLAN_SAME, (struct plan_entry){ .serial = "S8", .to_blueprint_id = "bp-b" });
    add(show, PLAN_ADD, (struct plan_entry){ .serial = "S9", .to_blueprint_id = "bp-b" });
    assert_shown(show, false,
                 "bp-a\n"
                 "  + add 1 on mdm-1\n"
                 "      S3\n"
                 "  ~ change 1: server mdm-2 -> mdm-1\n"
                 "      S6\n"
                 "  ~ change 1: bp-b -> bp-a\n"
                 "      S4\n"
                 "  ~ change 1: bp-b -> bp-a, server (none) -> mdm-1\n"
                 "      S5\n"
                 "  - remove 1\n"
                 "      S7\n"
                 "bp-b\n"
                 "  + add 2\n"
                 "      S2\n"
                 "      S9\n"
                 "  = unchanged 2\n");
    /* Once more after it was printed: the groups are found where they stand now. */
    add(show, PLAN_ADD, (struct plan_entry){ .serial = "SA", .to_blueprint_id = "bp-a" });
    add(show, PLAN_SAME, (struct plan_entry){ .serial = "SB", .to_blueprint_id = "bp-b" });
    assert_shown(show, false,
                 "bp-a\n"
                 "  + add 1\n"
                 "      SA\n"
                 "  + add 1 on mdm-1\n"
                 "      S3\n"
                 "  ~ change 1: server mdm-2 -> mdm-1\n"
                 "      S6\n"
                 "  ~ change 1: bp-b -> bp-a\n"
                 "      S4\n"
                 "  ~ change 1: bp-b -> bp-a, server (none) -> mdm-1\n"
                 "      S5\n"
                 "  - remove 1\n"
                 "      S7\n"
                 "bp-b\n"
                 "  + add 2\n"
                 "      S2\n"
                 "      S9\n"
                 "  = unchanged 3\n");
    plan_show_free(show);
}

static void names_at_most_so_many(void **state)
{
    static const char *const serials[] = { "S1", "S2", "S3" };
    struct plan_show *show = plan_show_new(2);

    (void)state;
    for (int i = 0; i < 3; i++)
        add(show, PLAN_ADD, (struct plan_entry){ .serial = serials[i], .to_blueprint_id = "bp-a" });
    assert_shown(show, true,
                 "\033[1mbp-a\033[0m\n"
                 "\033[32m  + add 3\033[0m\n"
                 "      S1\n"
                 "      S2\n"
                 "      ... and 1 more: -v names all\n");
    plan_show_free(show);
}

static void escapes_what_others_named(void **state)
{
    struct plan_show *show = plan_show_new(0);

    (void)state;
    add(show, PLAN_REMOVE,
        (struct plan_entry){ .serial = "S\033[2J", .from_blueprint_id = "bp\n- remove 9" });
    assert_shown(show, false, "bp\\x0a- remove 9\n  - remove 1\n      S\\x1b[2J\n");
    plan_show_free(show);
}

static void shows_nothing_of_nothing(void **state)
{
    struct plan_show *show = plan_show_new(0);

    (void)state;
    assert_shown(show, true, "");
    plan_show_free(show);
}

/* More groups than the first table has slots. */
static void keeps_many_groups_apart(void **state)
{
    struct plan_show *show = plan_show_new(1);
    struct buf out;
    size_t groups = 0;

    (void)state;
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 5000; i++) {
            char from[16], to[16];

            snprintf(from, sizeof(from), "bp-%d", i % 70);
            snprintf(to, sizeof(to), "bp-%d", 100 + i / 70);
            add(show, PLAN_CHANGE,
                (struct plan_entry){ .serial = "S", .from_blueprint_id = from, .to_blueprint_id = to });
        }
    buf_init(&out, 8 << 20);
    plan_show_print(show, false, &out);
    assert_false(out.is_failed);
    for (const char *at = out.data; (at = strstr(at, "~ change 3: bp-")) != NULL; at++)
        groups++;
    assert_int_equal(groups, 5000);
    buf_release(&out);
    plan_show_free(show);
}

static void tells_a_share(void **state)
{
    static const struct {
        int64_t part, whole;
        const char *want;
    } rows[] = {
        { 95, 100, "95" }, { 1, 10, "10" },   { 104, 1000, "10.4" }, { 1001, 10000, "10.1" },
        { 0, 10, "0" },    { 10, 10, "100" }, { 1, 3, "33.4" },      { 0, 0, "0" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[24];

        assert_string_equal(plan_out_share(rows[i].part, rows[i].whole, text), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_by_blueprint),       cmocka_unit_test(names_at_most_so_many),
        cmocka_unit_test(escapes_what_others_named), cmocka_unit_test(shows_nothing_of_nothing),
        cmocka_unit_test(keeps_many_groups_apart),   cmocka_unit_test(tells_a_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How a run's end is told: the object that programs rely on, and the exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "domain/outcome.h"
#include "results.h"

static void ends_with(void **state)
{
    static const struct {
        const char *what, *state;
        enum outcome outcome;
        int want;
        bool is_over;
    } rows[] = {
        { "all assigned", "closed", OUTCOME_ASSIGNED, 0, true },
        { "all unchanged", "closed", OUTCOME_UNCHANGED, 0, true },
        { "all removed", "closed", OUTCOME_REMOVED, 0, true },
        { "duplicates", "closed", OUTCOME_DUPLICATE, 0, true },
        { "one rejected", "closed", OUTCOME_REJECTED, 1, true },
        { "one in conflict", "closed", OUTCOME_CONFLICT, 1, true },
        { "one failed", "closed", OUTCOME_FAILED, 1, true },
        { "one cancelled", "closed", OUTCOME_CANCELLED, 1, true },
        { "incomplete", "incomplete", OUTCOME_ASSIGNED, 1, true },
        { "cancelled", "cancelled", OUTCOME_ASSIGNED, 1, true },
        { "open", "open", OUTCOME_ASSIGNED, 1, false },
        { "closing", "closing", OUTCOME_ASSIGNED, 1, false },
        { "no state", NULL, OUTCOME_ASSIGNED, 1, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct run_view view = { .id = "r", .state = rows[i].state };

        view.outcomes[OUTCOME_ASSIGNED] = 3;
        view.outcomes[rows[i].outcome] += 1;
        if (results_exit(&view) != rows[i].want || results_is_over(&view) != rows[i].is_over)
            fail_msg("%s: %d", rows[i].what, results_exit(&view));
    }
}

static void prints_every_member(void **state)
{
    struct run_view view = { .id = "2026-11-24-acme-7f3a",
                             .state = "closed",
                             .expected = 36,
                             .dead = 7,
                             .manifest_path = "/e/acme/r/manifest-1.dsse.json" };
    struct buf out;

    (void)state;
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        view.outcomes[outcome] = outcome;
    buf_init(&out, 4096);
    results_print(&view, 61002, &out);
    assert_string_equal(
        out.data,
        "{\"run\":\"2026-11-24-acme-7f3a\",\"total\":36,\"assigned\":1,\"unchanged\":2,\"removed\":3,"
        "\"rejected\":4,\"duplicate\":5,\"conflict\":6,\"failed\":7,\"cancelled\":8,\"dead\":7,"
        "\"state\":\"closed\",\"manifest\":\"/e/acme/r/manifest-1.dsse.json\",\"seconds\":61.002}");
    buf_release(&out);
}

static void prints_absence(void **state)
{
    struct run_view view = { .id = "r", .state = "cancelled" };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    results_print(&view, 5, &out);
    assert_non_null(strstr(out.data, "\"manifest\":null,\"seconds\":0.005}"));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_with),
        cmocka_unit_test(prints_every_member),
        cmocka_unit_test(prints_absence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

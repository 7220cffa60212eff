/* One reason for each stage, from what stands in Redis. */
#include "harness/check.h"

#include <string.h>

#include "queue/status.h"

static const int64_t limits[STATUS_STAGES] = { 10000, 10000, 10000, 10000, 10000 };

/* Five stages with a worker each and nothing to do. */
static struct status_view idle_view(void)
{
    struct status_view view = { .now_ms = 1764000000000 };

    for (int i = 0; i < STATUS_STAGES; i++) {
        view.stages[i].name = status_stage_name(i);
        view.stages[i].workers = 1;
    }
    return view;
}

static void judges(void **state)
{
    static const struct {
        const char *what;
        int stage;
        struct status_stage set; /* what is different of the stage; workers is added */
        int64_t next_backlog, breaker_ms, limited_ms;
        const char *want;
    } rows[] = {
        { "nothing to do", 1, { .workers = 1 }, 0, 0, 0, "idle" },
        { "work", 1, { .workers = 1, .messages = 2 }, 0, 0, 0, "working" },
        { "in hand alone", 1, { .workers = 1, .messages = 2, .in_hand = 2 }, 99999, 0, 0, "working" },
        { "parked alone",
          1,
          { .workers = 1, .parked = 5, .due_ms = 1764000060000 },
          0,
          0,
          0,
          "looks again at 2025-11-24T16:01:00.000Z" },
        { "the next is full", 1, { .workers = 1, .messages = 2 }, 10000, 0, 0, "waits for assign" },
        { "the next is nearly full", 1, { .workers = 1, .messages = 2 }, 9999, 0, 0, "working" },
        { "the next is full, but there is nothing to do", 1, { .workers = 1 }, 10000, 0, 0, "idle" },
        { "audit waits for nobody", 4, { .workers = 1, .messages = 2 }, 0, 0, 0, "working" },
        { "no worker", 1, { .messages = 2 }, 0, 0, 0, "no worker" },
        { "a pause before all else",
          1,
          { .messages = 2, .paused_ms = 5, .paused_by = "jane", .paused_why = "why" },
          0,
          7,
          0,
          "paused by jane: why" },
        { "a pause without words", 1, { .workers = 1, .paused_ms = 5 }, 0, 0, 0, "paused by -: -" },
        { "fatal", 1, { .workers = 1, .messages = 2, .fatal = "no key" }, 0, 5, 0, "fatal: no key" },
        { "the breaker",
          1,
          { .workers = 1, .messages = 2 },
          0,
          1764000000000,
          0,
          "breaker: 503 since 2025-11-24T16:00:00.000Z" },
        { "the breaker without work",
          2,
          { .workers = 1 },
          0,
          1764000000000,
          0,
          "breaker: 503 since 2025-11-24T16:00:00.000Z" },
        { "the breaker is nothing to validate",
          0,
          { .workers = 1, .messages = 2 },
          0,
          1764000000000,
          0,
          "working" },
        { "the breaker is nothing to audit",
          4,
          { .workers = 1, .messages = 2 },
          0,
          1764000000000,
          0,
          "working" },
        { "the rate limit",
          3,
          { .workers = 1, .messages = 2 },
          0,
          0,
          1764000060000,
          "rate limit until 2025-11-24T16:01:00.000Z" },
        { "a pause of the limit that is over",
          3,
          { .workers = 1, .messages = 2 },
          0,
          0,
          1764000000000,
          "working" },
        { "the rate limit without work", 3, { .workers = 1 }, 0, 0, 1764000060000, "idle" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct status_view view = idle_view();
        struct status_stage *stage = &view.stages[rows[i].stage];

        *stage = rows[i].set;
        stage->name = status_stage_name(rows[i].stage);
        if (rows[i].stage + 1 < STATUS_STAGES)
            view.stages[rows[i].stage + 1].backlog = rows[i].next_backlog;
        view.breaker_ms = rows[i].breaker_ms;
        view.breaker_text = "503";
        view.limited_ms = rows[i].limited_ms;
        status_judge(&view, limits);
        if (strcmp(stage->reason, rows[i].want) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].what, stage->reason, rows[i].want);
    }
}

static void knows_the_stages(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_STAGES; i++)
        assert_int_equal(status_stage_of(status_stage_name(i)), i);
    assert_int_equal(status_stage_of("ingest"), -1);
    assert_int_equal(status_stage_of(NULL), -1);
    assert_string_equal(status_stage_name(STATUS_STAGES), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(knows_the_stages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

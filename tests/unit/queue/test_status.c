/* One reason for each stage, from what stands in Redis. */
#include "harness/check.h"

#include <string.h>

#include "queue/status.h"

static const struct status_limit limits[STATUS_STAGES] = {
    { 10000, 500 }, { 10000, 500 }, { 10000, 500 }, { 10000, 500 }, { 10000, 500 },
};

/* Five stages with a worker each and nothing to do. */
static struct status_view idle_view(void)
{
    struct status_view view = { .now_ms = INT64_C(1764000000000) };

    for (int i = 0; i < STATUS_STAGES; i++) {
        view.stages[i].name = status_stage_name(i);
        view.stages[i].workers = 1;
    }
    return view;
}

#define NOW INT64_C(1764000000000) /* 2025-11-24T16:00:00Z */

/* What is different from an idle pipeline. */
struct row {
    const char *what;
    int stage;
    struct status_stage set; /* in place of the stage's own: without .workers it has none */
    int64_t next_backlog, next_parked, breaker_ms, limited_ms;
    const char *want;
};

#define WORK .set = { .workers = 1, .messages = 2 }

static const struct row rows[] = {
    { "nothing to do", 1, .set = { .workers = 1 }, .want = "idle" },
    { "work", 1, WORK, .want = "working" },
    { "all in hand", 1, .set = { .workers = 1, .messages = 2, .in_hand = 2 }, .next_backlog = 99999,
      .want = "working" },
    { "parked alone", 1, .set = { .workers = 1, .parked = 5, .due_ms = NOW + 60000 },
      .want = "looks again at 2025-11-24T16:01:00.000Z" },
    { "the next is full", 1, WORK, .next_backlog = 10000, .want = "waits for assign" },
    { "the next is nearly full", 1, WORK, .next_backlog = 9999, .want = "working" },
    { "the next has too much parked", 1, WORK, .next_parked = 500, .want = "waits for assign" },
    { "the next is full, but nothing is to do", 1, .set = { .workers = 1 }, .next_backlog = 10000,
      .want = "idle" },
    { "audit waits for nobody", 4, WORK, .want = "working" },
    { "no worker", 1, .set = { .messages = 2 }, .want = "no worker" },
    { "a pause before all else", 1,
      .set = { .messages = 2, .paused_ms = 5, .paused_by = "jane", .paused_why = "why" }, .breaker_ms = NOW,
      .want = "paused by jane: why" },
    { "a pause without words", 1, .set = { .workers = 1, .paused_ms = 5 }, .want = "paused by -: -" },
    { "fatal", 1, .set = { .workers = 1, .messages = 2, .fatal = "no key" }, .breaker_ms = NOW,
      .want = "fatal: no key" },
    { "replicas are missing", 1,
      .set = { .workers = 2, .messages = 2, .replicas = "waits for replicas: 0 of 1" }, .breaker_ms = NOW,
      .want = "waits for replicas: 0 of 1" },
    { "the breaker", 1, WORK, .breaker_ms = NOW, .want = "breaker: 503 since 2025-11-24T16:00:00.000Z" },
    { "the breaker, without work", 2, .set = { .workers = 1 }, .breaker_ms = NOW,
      .want = "breaker: 503 since 2025-11-24T16:00:00.000Z" },
    { "validate needs the catalog", 0, WORK, .breaker_ms = NOW,
      .want = "breaker: 503 since 2025-11-24T16:00:00.000Z" },
    { "audit needs no API", 4, WORK, .breaker_ms = NOW, .want = "working" },
    { "the rate limit", 3, WORK, .limited_ms = NOW + 60000,
      .want = "rate limit until 2025-11-24T16:01:00.000Z" },
    { "a pause of the limit that is over", 3, WORK, .limited_ms = NOW, .want = "working" },
    { "the rate limit, without work", 3, .set = { .workers = 1 }, .limited_ms = NOW + 60000, .want = "idle" },
    { "the rate limit is little to validate", 0, WORK, .limited_ms = NOW + 60000, .want = "working" },
};

static void judges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct status_view view = idle_view();
        struct status_stage *stage = &view.stages[row->stage];

        *stage = row->set;
        stage->name = status_stage_name(row->stage);
        if (row->stage + 1 < STATUS_STAGES) {
            stage[1].backlog = row->next_backlog;
            stage[1].parked = row->next_parked;
        }
        view.breaker_ms = row->breaker_ms;
        view.breaker_text = "503";
        view.limited_ms = row->limited_ms;
        status_judge(&view, limits);
        if (strcmp(stage->reason, row->want) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", row->what, stage->reason, row->want);
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

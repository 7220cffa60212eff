/* What holds a run up, and when it will have ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "look.h"

static void reckons_the_end(void **state)
{
    static const struct {
        const char *what;
        struct run_view run;
        int64_t now_ms, want;
    } rows[] = {
        { "half in ten seconds",
          { .created_ms = 1000, .batches = 1, .come = 1, .expected = 100, .ended = 50 },
          11000,
          10000 },
        { "half of the batches came",
          { .created_ms = 1000, .batches = 2, .come = 1, .expected = 100, .ended = 100 },
          11000,
          10000 },
        { "all ended",
          { .created_ms = 1000, .batches = 1, .come = 1, .expected = 100, .ended = 100 },
          11000,
          0 },
        { "nothing ended yet", { .created_ms = 1000, .batches = 1, .come = 1, .expected = 100 }, 11000, -1 },
        { "a clock that stepped back",
          { .created_ms = 1000, .batches = 1, .come = 1, .expected = 100, .ended = 5 },
          900,
          -1 },
        { "numbers beyond reason",
          { .created_ms = 1,
            .batches = INT64_C(1) << 53,
            .come = 1,
            .expected = INT64_C(1) << 53,
            .ended = 1 },
          INT64_C(1) << 53,
          INT64_C(1) << 53 },
        { "no time of creation", { .batches = 1, .come = 1, .expected = 100, .ended = 5 }, 900, -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = look_eta_ms(&rows[i].run, rows[i].now_ms);

        if (got != rows[i].want)
            fail_msg("%s: %lld instead of %lld", rows[i].what, (long long)got, (long long)rows[i].want);
    }
}

static void names_the_obstacle(void **state)
{
    static const struct {
        const char *what;
        enum status_why why;
        int64_t messages, parked;
        bool want;
    } rows[] = {
        { "no worker, but nothing to do", STATUS_NO_WORKER, 0, 0, false },
        { "no worker", STATUS_NO_WORKER, 1, 0, true },
        { "a pause with work that looks again later", STATUS_PAUSED, 0, 9, true },
        { "the breaker", STATUS_BREAKER, 2, 0, true },
        { "the rate limit", STATUS_LIMITED, 2, 0, true },
        { "fatal", STATUS_FATAL, 2, 0, true },
        { "it works", STATUS_WORKING, 2, 0, false },
        { "it waits for the next, which is the one to name", STATUS_NEXT_FULL, 2, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct status_view view = { 0 };
        struct status_stage *stage = &view.stages[2];

        stage->why = rows[i].why;
        stage->messages = rows[i].messages;
        stage->parked = rows[i].parked;
        if ((look_obstacle(&view) == stage) != rows[i].want)
            fail_msg("%s: %s", rows[i].what, rows[i].want ? "not named" : "named");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reckons_the_end),
        cmocka_unit_test(names_the_obstacle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

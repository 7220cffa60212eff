/*
 * The clock of the workers' host steps to and fro by hours while they work: nothing is measured by it. Redis'
 * clock stays as it is; libfaketime acts on our executables only, on their real-time clock
 * (FAKETIME_DONT_FAKE_MONOTONIC: an operator who sets a clock steps that one alone).
 */
#include "harness/check.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/json.h"
#include "harness/toll.h"

#define PREFIX  "C02"
#define DEVICES 400
#define HOUR_MS INT64_C(3600000)

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* LD_PRELOAD=... of libfaketime; NULL: it is not there. */
static const char *find_faketime(void)
{
    static char text[256];
    glob_t found;
    bool is_there = glob("/usr/lib/*/faketime/libfaketimeMT.so.1", 0, NULL, &found) == 0;

    if (is_there) {
        snprintf(text, sizeof(text), "LD_PRELOAD=%s", found.gl_pathv[0]);
        globfree(&found);
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    is_there = false; /* the sanitizer's own library must be the first */
#endif
    return is_there ? text : NULL;
}

/* "+5h": the clock of every worker is ahead by that, from now on. */
static void step_to(struct pipeline *pipeline, const char *offset)
{
    struct err err = ERR_INIT;

    /* In one write(2), so that nobody reads half of it. */
    must(fsio_write(desk_path(&pipeline->desk, "clock"), offset, strlen(offset), 0600, &err), &err);
}

struct times {
    int64_t from_ms, to_ms; /* of the run */
    int wrong;
};

static void see_times(void *user, const struct device *record)
{
    struct times *times = user;

    for (int step = 0; step < STEP_COUNT; step++) {
        int64_t at = record->times_ms[step];

        if (at == 0 || (at >= times->from_ms && at <= times->to_ms))
            continue;
        if (times->wrong++ == 0)
            print_message("%s: step %d at %lld, the run was %lld to %lld\n", record->serial, step,
                          (long long)at, (long long)times->from_ms, (long long)times->to_ms);
    }
}

/* The hours of log lines tell whether the steps reached the workers at all. */
static bool logs_stepped(struct pipeline *pipeline, int64_t now_ms, int64_t by_ms)
{
    char iso[CLOCK_ISO_BYTES], hour[48];

    clock_iso(now_ms + by_ms, iso);
    snprintf(hour, sizeof(hour), "\"time\":\"%.13s", iso);
    return pipeline_log_count(pipeline, hour) > 0;
}

static const struct {
    const char *offset;
    int64_t ms;
} steps[] = {
    { "+49h", 49 * HOUR_MS },    { "-7h", -7 * HOUR_MS },  { "+3h", 3 * HOUR_MS },
    { "-100h", -100 * HOUR_MS }, { "+25h", 25 * HOUR_MS }, { "+0", 0 },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

struct progress {
    struct pipeline *pipeline;
    int64_t puts;
};

static bool has_come_to(void *user)
{
    struct progress *progress = user;

    return pipeline_stat(progress->pipeline, "puts_received") >= progress->puts;
}

static void steps_of_the_clock_change_nothing(void **state)
{
    static char clock_file[256];
    static const char *env[] = { NULL, clock_file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                                 NULL };
    /* More burst than the workers know of: a second's hitch of the machine is not what is looked for. */
    static const char *const sim[] = { "--rate", "100/1", "--burst", "100", "--propagation", "300", NULL };
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .rate_limit = "{ requests: 100, per: 1s, burst: 20 }",
        /* A lease, a deadline and a back-off that any step would run over. */
        .stages = "  import: { lease: 5s, deadline: 1h }\n  assign: { lease: 5s, deadline: 1h }\n"
                  "  verify: { lease: 5s, deadline: 1h }\n",
        .sim_options = sim,
        .copies = { [PIPELINE_ASSIGN] = 3, [PIPELINE_VERIFY] = 2 },
    };
    struct pipeline_result result;
    struct pipeline_push push;
    struct times times = { 0 };
    static struct pipeline pipeline;
    struct toll_mark mark;
    struct toll toll = { 0 };

    (void)state;
    env[0] = find_faketime();
    pipeline_start(&pipeline, &options);
    snprintf(clock_file, sizeof(clock_file), "FAKETIME_TIMESTAMP_FILE=%s",
             desk_path(&pipeline.desk, "clock"));
    step_to(&pipeline, "-30h");
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < pipeline.copies[stage]; copy++)
            pipeline.env[stage][copy] = env;
    pipeline_start_workers(&pipeline);
    toll_mark(&pipeline, &mark);
    times.from_ms = clock_real_ms();
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", PREFIX, DEVICES), NULL);
    for (size_t i = 0; i < STEPS; i++) {
        struct progress progress = { &pipeline, (int64_t)(DEVICES * (i + 1) / (STEPS + 1)) };

        if (!proc_until(has_come_to, &progress, 60000))
            fail_msg("the work stands still after the step to %s", i > 0 ? steps[i - 1].offset : "-30h");
        step_to(&pipeline, steps[i].offset);
        if (i == 2) { /* one that starts in another time than the others did */
            pipeline_kill_worker(&pipeline, PIPELINE_ASSIGN, 1);
            pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 1);
        }
    }
    pipeline_push_end(&pipeline, &push, 60000, &result);
    times.to_ms = clock_real_ms();
    assert_true(logs_stepped(&pipeline, times.from_ms, -30 * HOUR_MS) ||
                logs_stepped(&pipeline, times.to_ms, -30 * HOUR_MS));
    (void)pipeline_records(&pipeline, result.run, see_times, &times);
    toll_take(&pipeline, &mark, result.run, PREFIX, DEVICES, &toll);
    print_message(
        "%d devices over %zu steps of the clock: %lld lost, %lld doubled, %d times in evidence wrong, "
        "%lld answers 429\n",
        DEVICES, STEPS, (long long)toll.lost, (long long)toll.doubled, times.wrong,
        (long long)pipeline_stat(&pipeline, "limited"));
    assert_int_equal(toll.lost + toll.doubled, 0);
    assert_int_equal(times.wrong, 0);
    assert_int_equal(pipeline_stat(&pipeline, "limited"), 0);
    assert_int_equal(result.assigned, DEVICES);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_workers_run(&pipeline);
    pipeline_stop_workers(&pipeline, 10000);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(steps_of_the_clock_change_nothing) };

    if (find_faketime() == NULL) {
        printf("SKIP: faketime: libfaketime is not there, or cannot be put before a sanitizer's library\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

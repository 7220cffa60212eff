#include "harness/chaos.h"

#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/rand.h"
#include "harness/pipeline.h"

#define PREFIX "C02"

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void set_scenario(struct pipeline *pipeline, const char *path)
{
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 20);
    must(fsio_read(path, &text, &err), &err);
    must(abmsim_set(&pipeline->sim, text.data, &err), &err);
    buf_release(&text);
}

/* A worker that ended by itself is a crash, which no storm excuses; but that it found no Redis at its start.
 */
static void raise_workers(struct pipeline *pipeline, const struct chaos *chaos)
{
    for (int stage = 0; stage < PIPELINE_STAGES && chaos->redis_every > 0; stage++)
        for (int copy = 0; copy < pipeline->copies[stage]; copy++)
            if (proc_wait(&pipeline->workers[stage][copy], 0) == 1 &&
                proc_status(&pipeline->workers[stage][copy]) == 69)
                pipeline_start_worker(pipeline, (enum pipeline_stage)stage, copy);
    pipeline_assert_workers_run(pipeline);
}

static void kill_redis(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;

    redis_disconnect(pipeline->desk.redis);
    redis_server_kill(&pipeline->desk.server);
    must(redis_server_restart(&pipeline->desk.server, &err), &err);
    pipeline->kills++;
}

/* One victim at a time, of any stage; it is started again at once. */
static void kill_one(struct pipeline *pipeline, const struct chaos *chaos)
{
    enum pipeline_stage stage = (enum pipeline_stage)(rand_u32() % PIPELINE_STAGES);
    int copy = (int)(rand_u32() % (unsigned)pipeline->copies[stage]);

    raise_workers(pipeline, chaos);
    if (chaos->redis_every > 0 && pipeline->kills % chaos->redis_every == chaos->redis_every - 1) {
        kill_redis(pipeline);
        return;
    }
    pipeline_kill_worker(pipeline, stage, copy);
    pipeline_start_worker(pipeline, stage, copy);
}

struct sums {
    int64_t attempts, most_attempts;
    int64_t puts_received, puts_changed;
    int from, changed_often;
};

static void sum_record(void *user, const struct device *record)
{
    struct sums *sums = user;

    sums->attempts += record->attempts_all;
    if (record->attempts_all > sums->most_attempts)
        sums->most_attempts = record->attempts_all;
    sums->from += record->from_blueprint_id != NULL;
}

static void sum_device(void *user, const char *serial, const struct abmsim_device *device)
{
    struct sums *sums = user;

    (void)serial;
    sums->puts_received += device->puts_received;
    sums->puts_changed += device->puts_changed;
    sums->changed_often += device->puts_changed != 1;
}

static int64_t stat_of(struct pipeline *pipeline, const char *name)
{
    struct err err = ERR_INIT;
    int64_t number = abmsim_stat(&pipeline->sim, name, &err);

    if (number < 0)
        fail_msg("%s: %s", name, err.text);
    return number;
}

static void print_figures(struct pipeline *pipeline, const struct pipeline_result *result,
                          const struct sums *sums)
{
    print_message("%lld devices in %.1f s, %d kills, %lld messages reclaimed, breaker opened %lld times\n",
                  (long long)result->total, (double)result->ms / 1000, pipeline->kills,
                  (long long)pipeline_log_count(pipeline, "\"reclaimed\""),
                  (long long)pipeline_log_count(pipeline, "\"breaker_opened\""));
    print_message(
        "%lld requests: %lld import, %lld list, %lld PUT, of which %lld reached a device; %lld early "
        "after a 429\n",
        (long long)stat_of(pipeline, "requests"), (long long)stat_of(pipeline, "by_operation.importDevices"),
        (long long)stat_of(pipeline, "by_operation.listAssignments"),
        (long long)stat_of(pipeline, "by_operation.putAssignment"), (long long)sums->puts_received,
        (long long)stat_of(pipeline, "early_after_429"));
    print_message("attempts charged: %lld, at most %lld for one; logs: %lld KB\n", (long long)sums->attempts,
                  (long long)sums->most_attempts, (long long)pipeline_log_bytes(pipeline) / 1024);
}

static void assert_guarantee(struct pipeline *pipeline, const struct chaos *chaos,
                             const struct pipeline_result *result)
{
    struct err err = ERR_INIT;
    struct sums sums = { 0 };

    (void)pipeline_records(pipeline, result->run, sum_record, &sums);
    must(abmsim_each_device(&pipeline->sim, sum_device, &sums, &err), &err);
    print_figures(pipeline, result, &sums);
    pipeline_assert_no_letters(pipeline);
    assert_string_equal(result->state, "closed");
    assert_int_equal(result->total, chaos->devices);
    assert_int_equal(result->assigned, chaos->devices);
    assert_int_equal(result->status, 0);
    pipeline_assert_all(pipeline, result->run, PREFIX, chaos->devices, OUTCOME_ASSIGNED);
    assert_int_equal(sums.from, 0);
    /* A PUT may be repeated; it asks for the same. */
    assert_int_equal(sums.changed_often, 0);
    pipeline_assert_no_violations(pipeline);
    /* Not asserted: requests early after a 429. A worker killed before it could tell of a 429 tells nobody.
     */
    pipeline_assert_evidence_whole(pipeline);
    pipeline_assert_clean(pipeline);
}

void chaos_run(const struct chaos *chaos)
{
    static const char *const sim[] = { "--propagation", "200", NULL };
    struct pipeline_options options = {
        .bin = chaos->bin,
        .stages = "  validate: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  import: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  assign: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  verify: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  audit: { lease: 2s, retry: { attempts: 30 } }\n",
        .api = "timeout: 900ms",
        .sim_options = sim,
        .copies = { [PIPELINE_VALIDATE] = 2,
                    [PIPELINE_IMPORT] = 2,
                    [PIPELINE_ASSIGN] = 3,
                    [PIPELINE_VERIFY] = 2,
                    [PIPELINE_AUDIT] = 2 },
    };
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    int64_t until, left_ms;

    pipeline_start(&pipeline, &options);
    set_scenario(&pipeline, chaos->scenario);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "storm.csv", PREFIX, chaos->devices), NULL);
    until = clock_boot_ms() + chaos->timeout_ms;
    while (chaos->kill_every_ms > 0 && !pipeline_push_ends(&push, chaos->kill_every_ms) &&
           clock_boot_ms() < until)
        kill_one(&pipeline, chaos);
    left_ms = until - clock_boot_ms();
    pipeline_push_end(&pipeline, &push, left_ms > 0 ? left_ms : 0, &result);
    raise_workers(&pipeline, chaos);
    assert_guarantee(&pipeline, chaos, &result);
    pipeline_stop_workers(&pipeline, 10000);
    pipeline_stop(&pipeline);
}

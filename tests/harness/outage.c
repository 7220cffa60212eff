#include "harness/outage.h"

#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/pipeline.h"

#define PREFIX     "C02"
#define PROBE_MS   30000 /* the longest time between two probes of a breaker that stays open */
#define NAMED_MS   (PROBE_MS + 5000)
#define IDLE_SHARE 4 /* all workers together take less than 1/4 of one processor while they wait */

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int64_t stat_of(struct pipeline *pipeline, const char *name)
{
    struct err err = ERR_INIT;
    int64_t number = abmsim_stat(&pipeline->sim, name, &err);

    if (number < 0)
        fail_msg("%s: %s", name, err.text);
    return number;
}

struct phase {
    struct pipeline *pipeline;
    struct pipeline_push *push;
    const char *code; /* wire name that status is to give as the breaker's */
    int64_t until_boot_ms;
    int looks, named;
    bool is_named; /* at the last look: by the breaker, and as assign's reason */
};

static bool names_it(const struct json *status, const char *code)
{
    const char *its_code = json_string(json_get(json_get(status, "breaker"), "code"));

    if (!str_eq(its_code, code))
        return false;
    for (const struct json *stage = json_first(json_get(status, "stages")); stage != NULL;
         stage = json_next(stage)) {
        const char *reason = json_string(json_get(stage, "reason"));

        if (str_eq(json_string(json_get(stage, "stage")), "assign"))
            return reason != NULL && strncmp(reason, "breaker: ", 9) == 0;
    }
    return false;
}

/* True once the phase has lasted its time and was named by every look since the first that named it. */
static bool is_over(void *user)
{
    struct phase *phase = user;
    struct desk *desk = &phase->pipeline->desk;
    struct err err = ERR_INIT;
    struct json *status;

    if (pipeline_push_ends(phase->push, 200))
        fail_msg("the run ended while the API did not serve");
    desk_expect(desk, desk_ctl(desk, "status", "--json", NULL), 0, NULL, NULL);
    must(json_parse(desk->out.data, desk->out.len, &status, &err), &err);
    phase->looks++;
    phase->is_named = names_it(status, phase->code);
    phase->named += phase->is_named;
    json_free(status);
    if (phase->named > 0 && !phase->is_named)
        fail_msg("status no longer names %s:\n%s", phase->code, desk->out.data);
    return phase->is_named && clock_boot_ms() >= phase->until_boot_ms;
}

static void last(struct pipeline *pipeline, struct pipeline_push *push, int status, const char *code,
                 int64_t ms)
{
    int64_t began = clock_boot_ms(), requests = stat_of(pipeline, "requests"), took, cpu, logged;
    struct phase phase = { pipeline, push, code, began + ms, 0, 0, false };
    struct err err = ERR_INIT;
    char faults[128];

    cpu = pipeline_cpu_ms(pipeline);
    logged = pipeline_log_bytes(pipeline);
    snprintf(faults, sizeof(faults), "[{\"op\":\"*\",\"kind\":\"status\",\"status\":%d}]", status);
    must(abmsim_set_faults(&pipeline->sim, faults, &err), &err);
    if (!proc_until(is_over, &phase, ms + NAMED_MS))
        fail_msg("status never named %s; it says:\n%s", code, pipeline->desk.out.data);
    took = clock_boot_ms() - began;
    requests = stat_of(pipeline, "requests") - requests;
    cpu = pipeline_cpu_ms(pipeline) - cpu;
    logged = pipeline_log_bytes(pipeline) - logged;
    print_message("%d for %.1f s: named by %d of %d looks, %lld requests, %lld ms of processor, %lld bytes "
                  "logged\n",
                  status, (double)took / 1000, phase.named, phase.looks, (long long)requests, (long long)cpu,
                  (long long)logged);
    assert_true(cpu < took / IDLE_SHARE);
    assert_true(logged < 64 * 1024);
}

struct sums {
    int64_t attempts, most;
};

static void sum_record(void *user, const struct device *record)
{
    struct sums *sums = user;

    sums->attempts += record->attempts_all;
    if (record->attempts_all > sums->most)
        sums->most = record->attempts_all;
}

static bool is_under_load(void *user)
{
    return stat_of(user, "puts_changed") >= 200;
}

void outage_run(const struct outage *outage)
{
    struct pipeline_options options = {
        .bin = outage->bin,
        .stages = "  import: { retry: { attempts: 3, base: 200ms } }\n"
                  "  assign: { retry: { attempts: 3, base: 200ms } }\n"
                  "  verify: { retry: { attempts: 3, base: 200ms } }\n",
        .rate_limit = "{ requests: 200, per: 1s, burst: 20 }",
        .api = "timeout: 2s",
        .copies = { [PIPELINE_IMPORT] = 2, [PIPELINE_ASSIGN] = 3, [PIPELINE_VERIFY] = 2 },
    };
    struct pipeline_result result;
    struct sums sums = { 0, 0 };
    struct pipeline_push push;
    struct pipeline pipeline;
    struct err err = ERR_INIT;

    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", PREFIX, outage->devices),
                        NULL);
    if (!proc_until(is_under_load, &pipeline, 20000))
        fail_msg("no load within 20 s");
    last(&pipeline, &push, 503, "abm_server_error", outage->unavailable_ms);
    last(&pipeline, &push, 403, "abm_forbidden", outage->forbidden_ms);
    must(abmsim_set_faults(&pipeline.sim, "[]", &err), &err);
    pipeline_push_end(&pipeline, &push, 120000, &result);
    (void)pipeline_records(&pipeline, result.run, sum_record, &sums);
    print_message("%lld devices in %.1f s, %lld requests; attempts charged: %lld, at most %lld for one\n",
                  (long long)result.total, (double)result.ms / 1000,
                  (long long)stat_of(&pipeline, "requests"), (long long)sums.attempts, (long long)sums.most);
    pipeline_assert_no_letters(&pipeline);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, outage->devices);
    assert_int_equal(result.status, 0);
    pipeline_assert_all(&pipeline, result.run, PREFIX, outage->devices, OUTCOME_ASSIGNED);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_workers_run(&pipeline);
    pipeline_stop(&pipeline);
}

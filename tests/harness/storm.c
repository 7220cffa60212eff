#include "harness/storm.h"

#include "harness/check.h"

#include <string.h>

#define RUN_MS 120000

static int64_t stat_of(struct pipeline *pipeline, const char *name)
{
    struct err err = ERR_INIT;
    int64_t number = abmsim_stat(&pipeline->sim, name, &err);

    if (number < 0)
        fail_msg("%s: %s", name, err.text);
    return number;
}

void storm_begin(struct storm *storm, const char *bin)
{
    static const char *const sim[] = { "--propagation", "100", NULL };
    struct pipeline_options options = {
        .bin = bin,
        .stages = "  validate: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  import: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  assign: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  verify: { lease: 2s, retry: { attempts: 30 } }\n"
                  "  audit: { lease: 2s, retry: { attempts: 30 } }\n",
        .rate_limit = "{ requests: 300, per: 1s, burst: 30 }",
        .api = "timeout: 900ms",
        .sim_options = sim,
        .copies = { [PIPELINE_IMPORT] = 2, [PIPELINE_ASSIGN] = 2, [PIPELINE_VERIFY] = 2 },
    };

    pipeline_start(&storm->pipeline, &options);
    wires_lay(&storm->wires, &storm->pipeline, NULL);
    pipeline_start_workers(&storm->pipeline);
}

void storm_push(struct storm *storm, const char *prefix, int devices)
{
    storm->devices = devices;
    toll_mark(&storm->pipeline, &storm->mark);
    storm->puts = stat_of(&storm->pipeline, "puts_received");
    pipeline_push_begin(&storm->pipeline, &storm->push,
                        pipeline_csv(&storm->pipeline, "devices.csv", prefix, devices), NULL);
}

static bool is_under_load(void *user)
{
    struct storm *storm = user;

    return stat_of(&storm->pipeline, "puts_received") - storm->puts >= 50;
}

void storm_await_load(struct storm *storm)
{
    if (!proc_until(is_under_load, storm, 30000))
        fail_msg("no load within 30 s");
}

void storm_settle(struct storm *storm, const char *what, const char *prefix)
{
    struct pipeline_result result;
    struct toll toll = { 0 };

    pipeline_push_end(&storm->pipeline, &storm->push, RUN_MS, &result);
    toll_take(&storm->pipeline, &storm->mark, result.run, prefix, storm->devices, &toll);
    print_message("%-32s %5lld devices in %5.1f s: %lld lost, %lld doubled, %lld PUTs repeated\n", what,
                  (long long)toll.devices, (double)result.ms / 1000, (long long)toll.lost,
                  (long long)toll.doubled, (long long)toll.repeated);
    if (toll.lost != 0 || toll.doubled != 0 || result.assigned != storm->devices ||
        strcmp(result.state, "closed") != 0)
        fail_msg("%s: %lld lost, %lld doubled, %lld assigned, %s", what, (long long)toll.lost,
                 (long long)toll.doubled, (long long)result.assigned, result.state);
}

void storm_end(struct storm *storm)
{
    pipeline_assert_no_letters(&storm->pipeline);
    pipeline_assert_no_violations(&storm->pipeline);
    pipeline_assert_evidence_whole(&storm->pipeline);
    pipeline_assert_clean(&storm->pipeline);
    pipeline_assert_workers_run(&storm->pipeline);
    pipeline_stop_workers(&storm->pipeline, 20000);
    pipeline_stop(&storm->pipeline);
    wires_take_down(&storm->wires);
}

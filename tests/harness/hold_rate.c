#include "harness/hold_rate.h"

#include "harness/check.h"
#include "harness/pipeline.h"

#define RATE 50 /* requests a second */

static int64_t stat(struct pipeline *pipeline, const char *name)
{
    struct err err = ERR_INIT;
    int64_t number = abmsim_stat(&pipeline->sim, name, &err);

    if (number < 0)
        fail_msg("%s: %s", name, err.text);
    return number;
}

void hold_rate_run(const char *bin, int devices)
{
    static const char *const sim[] = { "--rate", "50/1", "--burst", "10", NULL };
    static struct pipeline pipeline;
    struct pipeline_options options = {
        .bin = bin,
        .rate_limit = "{ requests: 50, per: 1s, burst: 10 }",
        .sim_options = sim,
        .copies = { [PIPELINE_IMPORT] = 2, [PIPELINE_ASSIGN] = 8, [PIPELINE_VERIFY] = 2 },
    };
    struct pipeline_result result;
    int64_t calls, ideal, catalog;

    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "C", devices), 300000, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, devices);
    if (stat(&pipeline, "limited") != 0)
        fail_msg("%lld of %lld requests were answered 429; the fullest second held %lld",
                 (long long)stat(&pipeline, "limited"), (long long)stat(&pipeline, "requests"),
                 (long long)stat(&pipeline, "max_in_second"));
    calls = stat(&pipeline, "requests");
    catalog = 2 * (1 + result.ms / 300000);
    ideal = devices + 3 * ((devices + 199) / 200) + catalog;
    print_message("%d devices: %lld calls (ideal %lld), %lld ms for %lld ms at the rate: %.3f; span of the "
                  "calls %lld ms\n",
                  devices, (long long)calls, (long long)ideal, (long long)result.ms,
                  (long long)calls * 1000 / RATE, (double)result.ms * RATE / 1000.0 / (double)calls,
                  (long long)stat(&pipeline, "span_ms"));
    if (calls * 100 > ideal * 102)
        fail_msg("%lld calls where %lld suffice", (long long)calls, (long long)ideal);
    assert_int_equal(stat(&pipeline, "by_operation.listBlueprints"), 1);
    pipeline_assert_no_violations(&pipeline);
    pipeline_assert_no_letters(&pipeline);
    pipeline_stop(&pipeline);
}

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "harness/pipeline.h"

#define RATE 100 /* requests a second */

void bench_limit(int workers, int devices, struct bench_limit *limit_r)
{
    static const char *const sim[] = { "--rate", "100/1", "--burst", "20", NULL };
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .rate_limit = "{ requests: 100, per: 1s, burst: 20 }",
                                        .sim_options = sim,
                                        .copies = { [PIPELINE_ASSIGN] = workers } };
    double ideal = devices + 3.0 * ((devices + 199) / 200);
    struct pipeline_result result;
    struct err err = ERR_INIT;
    int64_t calls, limited;

    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "C", devices), 600000, &result);
    calls = abmsim_stat(&pipeline.sim, "requests", &err);
    limited = abmsim_stat(&pipeline.sim, "limited", &err);
    pipeline_stop(&pipeline);
    if (result.status != 0 || result.assigned != devices) {
        fprintf(stderr, "bench: %d workers: import ended with %d, %lld assigned\n", workers, result.status,
                (long long)result.assigned);
        exit(70);
    }
    *limit_r = (struct bench_limit){ .workers = workers,
                                     .devices = devices,
                                     .calls = calls,
                                     .limited = limited,
                                     .seconds = (double)result.ms / 1000.0 };
    limit_r->utilisation = (double)calls / RATE / limit_r->seconds;
    limit_r->ideal = ideal / RATE / limit_r->seconds;
}

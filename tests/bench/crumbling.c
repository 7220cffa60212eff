/* A long run of which each stage retries a share of the devices: do the messages stay large? */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "measure.h"
#include "stubs.h"

#define PART        "crumbling"
#define BATCH       1000 /* as abmctl push */
#define MAX_BACKLOG 20   /* batches */

void bench_crumbling(struct bench *bench)
{
    static const char *const stages[] = { "import", "assign", "verify", "audit" };
    static struct stubs stubs;
    int devices = bench->crumbling_devices;
    int64_t began_us, retried = 0;
    double seconds;

    stubs_start(&stubs, "");
    stubs.engine.extra_env[1] = "STUB_RETRY=5";
    stubs_start_stages(&stubs);
    began_us = measure_now_us();
    stubs_push(&stubs, "long", devices, BATCH, MAX_BACKLOG);
    stubs_await_closed(&stubs, "long");
    seconds = (double)(measure_now_us() - began_us) / 1e6;
    for (int i = 0; i < 4; i++) {
        char name[48];
        struct figure *figure;

        snprintf(name, sizeof(name), "devices_a_message_%s", stages[i]);
        figure = figures_add(bench->figures, PART, name, "devices", 1,
                             stubs_devices_a_message(&stubs, stages[i], devices));
        if (i == 3)
            figure_want(figure, WANTED_AT_LEAST, 100);
    }
    for (int i = 0; i < 3; i++) {
        char command[64];

        snprintf(command, sizeof(command), "HGET @count:%s retried", stages[i]);
        retried += engine_number(&stubs.engine, command);
    }
    figures_add(bench->figures, PART, "devices", "devices", 0, devices);
    figures_add(bench->figures, PART, "retried_a_stage", "% of the devices", 2,
                100.0 * (double)retried / 3 / devices);
    figures_add(bench->figures, PART, "devices_a_second", "devices/s", 0, devices / seconds);
    stubs_stop(&stubs);
}

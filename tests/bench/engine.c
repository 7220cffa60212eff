/* Five stub stages against two floors, in turns on one Redis. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "floor.h"
#include "measure.h"
#include "stubs.h"

#define PART          "engine"
#define BYTES_DEVICES 5000
#define SINGLE_SHARE                                                                                         \
    4 /* the floor of an entry a device gets so many devices fewer: it takes as much longer */

enum way { WAY_ENGINE, WAY_FLOOR, WAY_SINGLE, WAYS };

/* What each run of a way found. */
struct way_runs {
    double rate[BENCH_RUNS_MAX];     /* devices a second */
    double commands[BENCH_RUNS_MAX]; /* of Redis, a device */
    double cpu_us[BENCH_RUNS_MAX];   /* of Redis, a device */
    double cpu_share[BENCH_RUNS_MAX];
    double workers_us[BENCH_RUNS_MAX]; /* processor time of the five, a device */
};

static const char *const handed_on[] = { "import", "assign", "verify", "audit" };

/* Redis's part of a run, from `before` until now. */
static void note(struct stubs *stubs, struct way_runs *runs, int round, const struct redis_load *before,
                 int devices, double rate, double workers_cpu_s)
{
    struct redis_load after;
    double cpu_s;

    measure_redis(&stubs->engine.redis, &after);
    cpu_s = after.cpu_s - before->cpu_s;
    runs->rate[round] = rate;
    runs->commands[round] = (double)(after.commands - before->commands) / devices;
    runs->cpu_us[round] = cpu_s * 1e6 / devices;
    runs->cpu_share[round] = 100.0 * cpu_s * rate / devices;
    runs->workers_us[round] = workers_cpu_s * 1e6 / devices;
}

static void run_floor(struct stubs *stubs, const struct floor_kind *kind, struct way_runs *runs, int round,
                      int devices)
{
    struct floor_result result;

    floor_run(kind, &stubs->engine.redis, devices, &result);
    note(stubs, runs, round, &result.before, devices, result.rate, result.workers_cpu_s);
}

static int64_t workers_cpu_ms(const struct stubs *stubs)
{
    int64_t sum = 0;

    for (int i = 0; i < ENGINE_STAGES; i++)
        sum += proc_cpu_ms(stubs->engine.workers[i].pid);
    return sum;
}

/* The run is pushed while validate is paused, so that only the five stages are timed. */
static void run_engine(struct stubs *stubs, struct way_runs *runs, int round, int devices)
{
    int64_t began_us, took_us, cpu_ms;
    struct redis_load before;
    char run[32];

    snprintf(run, sizeof(run), "round-%d", round);
    stubs_start_stages(stubs);
    stubs_pause(stubs);
    stubs_push(stubs, run, devices, STUBS_MESSAGE, 0);
    measure_redis(&stubs->engine.redis, &before);
    cpu_ms = workers_cpu_ms(stubs);
    stubs_resume(stubs);
    began_us = measure_now_us();
    stubs_await_closed(stubs, run);
    took_us = measure_now_us() - began_us;
    note(stubs, runs, round, &before, devices, devices * 1e6 / (double)took_us,
         (double)(workers_cpu_ms(stubs) - cpu_ms) / 1000.0);
    stubs_stop_stages(stubs);
    measure_ask(&stubs->engine.redis, "FLUSHALL");
}

struct arrival {
    struct engine *engine;
    const char *stage;
    int devices;
};

static bool have_arrived(void *user)
{
    struct arrival *arrival = user;
    char command[64];

    snprintf(command, sizeof(command), "HGET @count:%s stream", arrival->stage);
    return engine_number(arrival->engine, command) == arrival->devices;
}

/* The stages work one after another, so that all devices stand in one stream at a time. */
static double most_bytes(struct stubs *stubs, int devices)
{
    double most = 0;

    stubs_push(stubs, "bytes", devices, STUBS_MESSAGE, 0);
    for (int i = 0; i < 4; i++) {
        struct arrival arrival = { &stubs->engine, handed_on[i], devices };
        char command[64];
        double bytes;

        engine_start_worker(&stubs->engine, i);
        if (!proc_until(have_arrived, &arrival, 60000)) {
            fprintf(stderr, "bench: the devices do not come to %s: see %s\n", handed_on[i],
                    stubs->engine.dir);
            exit(70);
        }
        proc_stop(&stubs->engine.workers[i], 20000);
        snprintf(command, sizeof(command), "MEMORY USAGE @%s SAMPLES 0", handed_on[i]);
        bytes = (double)engine_number(&stubs->engine, command) / devices;
        most = bytes > most ? bytes : most;
    }
    measure_ask(&stubs->engine.redis, "FLUSHALL");
    return most;
}

static void add_ways(struct bench *bench, struct way_runs *ways)
{
    static const char *const names[WAYS] = { "", "floor_", "entry_floor_" };
    char name[48];

    for (int way = 0; way < WAYS; way++) {
        snprintf(name, sizeof(name), "%sdevices_a_second", names[way]);
        figures_add_runs(bench->figures, PART, name, "devices/s", 0, ways[way].rate, bench->rounds,
                         BETTER_MORE);
        snprintf(name, sizeof(name), "%scommands_a_device", names[way]);
        figures_add_runs(bench->figures, PART, name, "commands", 3, ways[way].commands, bench->rounds,
                         BETTER_LESS);
        snprintf(name, sizeof(name), "%sredis_cpu_a_device", names[way]);
        figures_add_runs(bench->figures, PART, name, "us", 2, ways[way].cpu_us, bench->rounds, BETTER_LESS);
        snprintf(name, sizeof(name), "%sworkers_cpu_a_device", names[way]);
        figures_add_runs(bench->figures, PART, name, "us", 2, ways[way].workers_us, bench->rounds,
                         BETTER_LESS);
        snprintf(name, sizeof(name), "%sredis_cpu", names[way]);
        figures_add_runs(bench->figures, PART, name, "% of a core", 0, ways[way].cpu_share, bench->rounds,
                         BETTER_LESS); /* of the time from the first read to the last outcome */
    }
}

static void add_ratios(struct bench *bench, const struct way_runs *ways)
{
    double of_floor[BENCH_RUNS_MAX], of_single[BENCH_RUNS_MAX];

    for (int i = 0; i < bench->rounds; i++) { /* before they are sorted: pair by pair */
        of_floor[i] = 100.0 * ways[WAY_ENGINE].rate[i] / ways[WAY_FLOOR].rate[i];
        of_single[i] = 100.0 * ways[WAY_ENGINE].rate[i] / ways[WAY_SINGLE].rate[i];
    }
    figure_want(figures_add_runs(bench->figures, PART, "of_floor", "% of the floor", 1, of_floor,
                                 bench->rounds, BETTER_MORE),
                WANTED_AT_LEAST, 60);
    figures_add_runs(bench->figures, PART, "of_entry_floor", "% of that floor", 0, of_single, bench->rounds,
                     BETTER_MORE);
}

static void add_memory(struct bench *bench, const struct stubs *stubs, double bytes)
{
    int64_t peak_kib = 0;

    for (int i = 0; i < ENGINE_STAGES; i++)
        peak_kib = stubs->peak_kib[i] > peak_kib ? stubs->peak_kib[i] : peak_kib;
    figure_want(
        figures_add(bench->figures, PART, "worker_anonymous_peak", "MB", 1, (double)peak_kib * 1024 / 1e6),
        WANTED_AT_MOST, 12);
    figure_want(figures_add(bench->figures, PART, "bytes_a_device_in_redis", "bytes", 0, bytes),
                WANTED_AT_MOST, 255);
}

void bench_engine(struct bench *bench)
{
    static struct stubs stubs;
    static struct way_runs ways[WAYS];
    int single = bench->devices / SINGLE_SHARE > 0 ? bench->devices / SINGLE_SHARE : 1;
    double bytes;

    stubs_start(&stubs, "");
    bytes = most_bytes(&stubs, bench->devices < BYTES_DEVICES ? bench->devices : BYTES_DEVICES);
    for (int i = 0; i < bench->rounds; i++) {
        run_floor(&stubs, &floor_by_message, &ways[WAY_FLOOR], i, bench->devices);
        run_floor(&stubs, &floor_by_device, &ways[WAY_SINGLE], i, single);
        run_engine(&stubs, &ways[WAY_ENGINE], i, bench->devices);
        fprintf(stderr, "engine %d of %d: %.0f devices/s, floor %.0f, an entry a device %.0f\n", i + 1,
                bench->rounds, ways[WAY_ENGINE].rate[i], ways[WAY_FLOOR].rate[i], ways[WAY_SINGLE].rate[i]);
    }
    add_ratios(bench, ways);
    add_ways(bench, ways);
    add_memory(bench, &stubs, bytes);
    stubs_stop(&stubs);
}

/*
 * bench - what the pipeline costs on this machine (README.md, DESIGN.md 11). scripts/bench runs it.
 *
 *   bench [--json] [--devices N] [--rounds N] [--only engine|latency|limit]
 *
 * Progress goes to stderr, the result to stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "bench.h"

#define LIMITS 3

struct bench {
    bool is_json;
    const char *only;
    int devices, rounds;
    struct bench_rate rate;
    struct bench_latency latency;
    struct bench_limit limits[LIMITS];
};

int64_t bench_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts the values. */
double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2.0;
}

static bool is_wanted(const struct bench *bench, const char *name)
{
    return bench->only == NULL || strcmp(bench->only, name) == 0;
}

static void measure(struct bench *bench)
{
    static const int workers[LIMITS] = { 1, 4, 20 };

    if (is_wanted(bench, "engine"))
        bench_engine(bench->devices, bench->rounds, &bench->rate);
    if (is_wanted(bench, "latency"))
        bench_latency(20, &bench->latency);
    for (int i = 0; i < LIMITS && is_wanted(bench, "limit"); i++) {
        bench_limit(workers[i], 2000, &bench->limits[i]);
        fprintf(stderr, "limit %d of %d: %.2f s, %.1f %% of the rate\n", i + 1, LIMITS,
                bench->limits[i].seconds, 100.0 * bench->limits[i].utilisation);
    }
}

static void add_number(struct json_out *out, const char *name, double number, int decimals)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%.*f", decimals, number);

    json_add_raw(out, name, text, (size_t)len);
}

static void print_json(const struct bench *bench)
{
    struct json_out out;
    struct buf text;

    buf_init(&text, 65536);
    json_out_init(&out, &text);
    json_begin(&out, NULL, '{');
    json_add_int(&out, "cores", sysconf(_SC_NPROCESSORS_ONLN));
    if (bench->rate.rounds > 0) {
        json_begin(&out, "engine", '{');
        json_add_int(&out, "devices", bench->rate.devices);
        add_number(&out, "devices_a_second", bench->rate.engine, 0);
        add_number(&out, "floor_a_second", bench->rate.floor, 0);
        add_number(&out, "ratio", bench->rate.engine / bench->rate.floor, 3);
        json_end(&out, '}');
    }
    if (bench->latency.times > 0) {
        json_begin(&out, "latency", '{');
        add_number(&out, "ended_ms", bench->latency.ended_ms, 2);
        add_number(&out, "closed_ms", bench->latency.closed_ms, 2);
        add_number(&out, "worst_ms", bench->latency.worst_ms, 2);
        json_end(&out, '}');
    }
    json_begin(&out, "limit", '[');
    for (int i = 0; i < LIMITS && bench->limits[i].workers > 0; i++) {
        const struct bench_limit *limit = &bench->limits[i];

        json_begin(&out, NULL, '{');
        json_add_int(&out, "workers", limit->workers);
        json_add_int(&out, "devices", limit->devices);
        json_add_int(&out, "calls", limit->calls);
        json_add_int(&out, "limited", limit->limited);
        add_number(&out, "seconds", limit->seconds, 2);
        add_number(&out, "utilisation", limit->utilisation, 3);
        add_number(&out, "ideal", limit->ideal, 3);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_end(&out, '}');
    puts(text.data);
    buf_release(&text);
}

static void print_words(const struct bench *bench)
{
    const struct bench_latency *latency = &bench->latency;

    printf("%ld cores\n", sysconf(_SC_NPROCESSORS_ONLN));
    if (bench->rate.rounds > 0)
        printf("engine   %8.0f devices a second (%d devices, five stub stages)\n"
               "floor    %8.0f devices a second; the engine has %.0f %% of it\n",
               bench->rate.engine, bench->rate.devices, bench->rate.floor,
               100.0 * bench->rate.engine / bench->rate.floor);
    if (latency->times > 0)
        printf("latency  %8.2f ms for one device through five idle stages (median of %d; worst %.2f), %.2f "
               "until "
               "its run is closed\n",
               latency->ended_ms, latency->times, latency->worst_ms, latency->closed_ms);
    for (int i = 0; i < LIMITS && bench->limits[i].workers > 0; i++) {
        const struct bench_limit *limit = &bench->limits[i];

        printf("limit    %2d workers: %d devices in %.2f s, %lld calls, %lld answered 429, %.1f %% of the "
               "rate\n",
               limit->workers, limit->devices, limit->seconds, (long long)limit->calls,
               (long long)limit->limited, 100.0 * limit->utilisation);
    }
}

static int wrong(const char *what)
{
    fprintf(stderr, "bench: %s\nbench [--json] [--devices N] [--rounds N] [--only engine|latency|limit]\n",
            what);
    return 64;
}

int main(int argc, char **argv)
{
    static struct bench bench = { .devices = 200000, .rounds = 3 };

    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;

        if (strcmp(argv[i], "--json") == 0)
            bench.is_json = true;
        else if (strcmp(argv[i], "--devices") == 0 && has_value)
            bench.devices = atoi(argv[++i]);
        else if (strcmp(argv[i], "--rounds") == 0 && has_value)
            bench.rounds = atoi(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && has_value)
            bench.only = argv[++i];
        else
            return wrong(argv[i]);
    }
    if (bench.devices < 1 || bench.rounds < 1)
        return wrong("a number from 1 is wanted");
    measure(&bench);
    if (bench.is_json)
        print_json(&bench);
    else
        print_words(&bench);
    return 0;
}

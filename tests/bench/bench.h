/**
 * bench.h - what is measured, each with its floor or its ideal (README.md). A fault on the way ends the
 * program.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "harness/engine.h"

#define BENCH_MESSAGE 200 /* devices a message, as the pipeline's own */

struct bench_rate {
    int devices;
    int rounds;
    double floor, engine; /* devices a second, the median of the rounds */
};

/** Five stub stages against the floor, in turns on one Redis (AOF everysec). */
void bench_engine(int devices, int rounds, struct bench_rate *rate_r);

/**
 * The floor: five processes, each reading messages of BENCH_MESSAGE devices with bare hiredis, parsing and
 * printing every one with cJSON, and handing it on by one fenced script. Devices a second. socket: of the
 * Redis.
 */
double bench_floor(const char *socket, int devices);

/** A device of about 150 bytes as JSON, its row from 1. */
void bench_device(struct buf *out, int row);

struct bench_latency {
    int times;
    double ended_ms, closed_ms; /* medians: until its outcome is counted; until its run is closed */
    double worst_ms;            /* of the first */
};

/** One device at a time through five waiting stub stages with linger 0. */
void bench_latency(int times, struct bench_latency *latency_r);

struct bench_limit {
    int workers, devices;
    int64_t calls, limited; /* requests that the API saw, and 429s among them */
    double seconds;
    double utilisation; /* calls / rate / seconds */
    double ideal;       /* (N + 3 * ceil(N / 200)) / rate / seconds */
};

/** The real stages, `workers` of them assign, against the simulator at 100 requests a second, burst 20. */
void bench_limit(int workers, int devices, struct bench_limit *limit_r);

/** Microseconds of CLOCK_MONOTONIC. */
int64_t bench_now_us(void);
double bench_median(double *values, int count);

#endif

/**
 * measure.h - what processes and Redis say of themselves. Linux: proc(5).
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>
#include <sys/types.h>

#include "harness/redis_server.h"

/** Microseconds of CLOCK_MONOTONIC. */
int64_t measure_now_us(void);

struct redis_load {
    double cpu_s;                /* used by the server itself: not by its children that rewrite the log */
    int64_t commands;            /* as INFO commandstats counts them: those that scripts call too */
    int64_t scripts;             /* EVALSHA among them */
    int64_t memory, memory_peak; /* used_memory, bytes */
};

/** Reads INFO. Ends the program where nobody answers. */
void measure_redis(const struct redis_server *server, struct redis_load *load_r);

/** Sets a setting of the server while it runs, or any other command whose answer does not matter. */
void measure_ask(const struct redis_server *server, const char *command);

#endif

/**
 * bench.h - the parts of the bench: what is measured, each with its floor or its target (README.md). Each
 * runs in a process of its own (guard.h), adds its figures, and ends that process where it cannot go on.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "figures.h"

#define BENCH_RUNS_MAX 101
#define BENCH_GROWTH   3

struct bench {
    struct figures *figures;
    int rounds;           /* of what is repeated */
    int devices;          /* of the engine and its floors */
    int pipeline_devices; /* a run through the real stages */
    int crumbling_devices;
    int growth_devices[BENCH_GROWTH];
    int limit_devices;
    int idle_devices; /* one after another */
};

void bench_engine(struct bench *bench);
void bench_pipeline(struct bench *bench);
void bench_crumbling(struct bench *bench);
void bench_growth(struct bench *bench);
void bench_limit(struct bench *bench);
void bench_start(struct bench *bench);
void bench_idle(struct bench *bench);

#endif

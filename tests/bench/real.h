/**
 * real.h - the five real stages as the bench drives them: against abmsim without a limit, on a Redis with AOF
 * everysec, and what was seen of them meanwhile.
 */
#ifndef BENCH_REAL_H
#define BENCH_REAL_H

#include "harness/pipeline.h"

/** Starts all but the stages. options: bin is filled in. */
void real_start(struct pipeline *pipeline, struct pipeline_options *options);

/**
 * One `abmctl import` of that many devices that nobody knows yet, with serials of that prefix; ends the
 * program unless all of them end assigned. peak_kib: the most anonymous memory of each stage's first copy,
 * and of the command (at PIPELINE_STAGES); NULL: nobody looks. Devices a second, the push and the closing
 * included.
 */
double real_import(struct pipeline *pipeline, const char *prefix, int devices,
                   int64_t peak_kib[PIPELINE_STAGES + 1]);

#endif

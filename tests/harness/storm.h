/**
 * storm.h - runs through a pipeline of eight workers whose lines a test spoils as it likes, and what they
 * cost.
 */
#ifndef HARNESS_STORM_H
#define HARNESS_STORM_H

#include "harness/toll.h"
#include "harness/wires.h"

struct storm {
    struct pipeline pipeline;
    struct wires wires;
    struct pipeline_push push;
    struct toll_mark mark;
    int devices;
    int64_t puts; /* before the run */
};

void storm_begin(struct storm *storm, const char *bin);
/** Begins a run of that many devices, whose serials begin with prefix (another one each time). */
void storm_push(struct storm *storm, const char *prefix, int devices);
/** Until the API has seen 50 devices of the run. */
void storm_await_load(struct storm *storm);
/** Waits for the run's end, prints what it cost, and fails unless nothing was lost or doubled. */
void storm_settle(struct storm *storm, const char *what, const char *prefix);
/** Nothing is left over, and every worker lives and stops in order. */
void storm_end(struct storm *storm);

#endif

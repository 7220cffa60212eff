/**
 * toll.h - what a storm cost, counted: of the devices of one run, those that are lost and those of which
 * something was done twice. Both are 0, or a guarantee is broken.
 */
#ifndef HARNESS_TOLL_H
#define HARNESS_TOLL_H

#include "harness/pipeline.h"

struct toll {
    int64_t devices;
    int64_t lost;     /* without a record `assigned`, or the API has not what the rules want in effect */
    int64_t doubled;  /* with two records, changed twice in the API, or handed on twice by a stage */
    int64_t repeated; /* PUTs beyond one a device: allowed, they asked for the same */
};

/* Devices that have come through each stage so far: handed on by it, or ended there or before (count:S). */
struct toll_mark {
    int64_t through[PIPELINE_STAGES];
};

void toll_mark(struct pipeline *pipeline, struct toll_mark *mark);
/** Adds what run (of pipeline_csv: prefix, count) cost; mark: as of its begin, with no other run since. */
void toll_take(struct pipeline *pipeline, const struct toll_mark *mark, const char *run, const char *prefix,
               int count, struct toll *toll);

#endif

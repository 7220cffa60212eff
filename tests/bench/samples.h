/** samples.h - the file between sampler.c, which is loaded into a worker, and profile.c, which reads it. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdint.h>

#define SAMPLES_EVERY_US 5000
#define SAMPLES_DEPTH    28
#define SAMPLES_MAX      60000 /* five minutes */

struct sample {
    int64_t depth;
    uint64_t frames[SAMPLES_DEPTH]; /* return addresses, the innermost first */
};

struct samples {
    int64_t count;
    struct sample at[SAMPLES_MAX];
};

#endif

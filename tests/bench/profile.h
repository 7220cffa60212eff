/**
 * profile.h - what a sampled worker did with its time (sampler.c), told by whose code it was in.
 */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include <sys/types.h>

enum area {
    AREA_REDIS, /* hiredis and common/queue, with the wait for the answer */
    AREA_HTTP,  /* curl and common/http, with the wait for the API's answer */
    AREA_JSON,  /* cJSON and common/base/json */
    AREA_REST,  /* the rules, the skeleton, hashing, files */
    AREA_IDLE,  /* waits for messages, or for the next stage to take some */
    AREAS
};

struct profile {
    double shares[AREAS]; /* of the samples, 0 to 1 */
    long samples;         /* 0: there are none */
};

/** Workers started from now on note their samples in that folder. The library lies beside the program. */
void profile_begin(const char *folder);
void profile_end(void);

/** Reads what a worker noted so far. It must still run: its mappings tell what its addresses are. */
void profile_read(const char *folder, pid_t pid, struct profile *profile_r);

#endif

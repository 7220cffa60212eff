/**
 * claims.h - in which of the hashes claims:N the claim of a serial stands (README.md). What lua/claims.lua
 * computes, done by the caller of a script: there it would cost as much as the command that it is for. A
 * caller that knows an older number of hashes, or another seed, does no harm: the script compares them, and
 * computes for itself.
 */
#ifndef QUEUE_CLAIMS_H
#define QUEUE_CLAIMS_H

#include <stdint.h>

/* As the last script told it; all 0: not known yet. */
struct claims_layout {
    int64_t hashes, seed;
};

#define CLAIMS_MAX_HASHES 1048576
#define CLAIMS_MAX_SEED   1048575

/** The N of claims:N, 0 .. hashes - 1; 0 where the layout is not known, or says what no script says. */
int64_t claims_slot(const struct claims_layout *layout, const char *serial);

#endif

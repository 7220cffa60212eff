/**
 * soak.h - steady load with faults for a long time: what a worker holds may not grow with what it has done.
 * One place for the short and the long test.
 */
#ifndef HARNESS_SOAK_H
#define HARNESS_SOAK_H

struct soak {
    const char *bin;      /* TEST_BIN */
    const char *scenario; /* path of transient.json */
    int seconds;          /* $ABM_SOAK_SECONDS overrides it */
    int devices;          /* of a run; one run after another */
};

/**
 * Runs it and asserts that the medians of the last third of its samples are those of the first third:
 * anonymous memory and descriptors of each worker; that no keys are left at the end but those of the runs
 * kept; and that every device of every run has ended. Prints its figures.
 */
void soak_run(const struct soak *soak);

#endif

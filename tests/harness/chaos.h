/**
 * chaos.h - Guarantee 1 under a storm: a run of many devices, while one worker after another is killed and
 * one request in seven goes wrong (tests/sim/scenarios/transient.json). One place for the short and the long
 * test.
 */
#ifndef HARNESS_CHAOS_H
#define HARNESS_CHAOS_H

struct chaos {
    const char *bin;      /* TEST_BIN */
    const char *scenario; /* path of transient.json */
    int devices;
    int kill_every_ms; /* 0: nobody is killed, requests alone go wrong */
    int redis_every;   /* each so-many-th victim is Redis; 0: never */
    int timeout_ms;    /* for the run to close; fails the test after it */
};

/**
 * Runs it and asserts all that the guarantee says: the wanted blueprint in effect for each device, exactly
 * one record and one outcome each, no dead letter, nothing left over, the evidence whole. Prints its figures.
 */
void chaos_run(const struct chaos *chaos);

#endif

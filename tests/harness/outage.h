/**
 * outage.h - Guarantee 6 under load: the API answers 503 to everything, then 403 to everything, and serves
 * again. One place for the short and the long test.
 */
#ifndef HARNESS_OUTAGE_H
#define HARNESS_OUTAGE_H

struct outage {
    const char *bin; /* TEST_BIN */
    int devices;
    int unavailable_ms; /* 503 for so long at least, and until status names it */
    int forbidden_ms;   /* then 403 for so long, likewise */
};

/**
 * Runs it with 3 attempts a device, and asserts that every device ends assigned, that there is no dead
 * letter, that `abmctl status --json` named each reason while it lasted, and that nobody was busy meanwhile.
 * Prints its figures.
 */
void outage_run(const struct outage *outage);

#endif

/**
 * overload.h - a push against a stage that stands still: Redis stays at the backlog limit, push waits and
 * says for whom, and what was stopped goes on where it was. One place for the short and the long test.
 */
#ifndef HARNESS_OVERLOAD_H
#define HARNESS_OVERLOAD_H

struct overload {
    const char *bin; /* TEST_BIN */
    int devices;     /* in batches of 1,000 */
    int backlog;     /* max_backlog of validate and of import */
    int looks;       /* at what stands in Redis, while push waits */
    int timeout_ms;  /* of each step */
    int ends;        /* 1: import starts in the end, and the run closes */
};

/** Runs it and asserts all of that, and that no batch was published twice. Prints its figures. */
void overload_run(const struct overload *overload);

#endif

/**
 * fake_brake.h - queue/brake.h in memory: grants all but the rows that the test holds, and keeps what was
 * asked.
 */
#ifndef HARNESS_FAKE_BRAKE_H
#define HARNESS_FAKE_BRAKE_H

#include "queue/brake.h"

#define FAKE_BRAKE_MAX 64

struct fake_brake {
    struct {
        const char *run;
        int64_t row;
        enum brake_what what;
    } asked[FAKE_BRAKE_MAX];
    size_t count;
    int calls;
    int64_t held[FAKE_BRAKE_MAX]; /* rows whose change is not granted; 0: the end */
    bool has_tripped;             /* what each call says */
    enum err_code fail;           /* every call fails with it; ERR_NONE: none */
};

/** All zero is a valid start. */
struct brake fake_brake_of(struct fake_brake *fake);

#endif

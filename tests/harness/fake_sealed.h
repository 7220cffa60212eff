/**
 * fake_sealed.h - the place of queue/sealed.h in memory: the rules of lua/sealed_*.lua, with the test's
 * clock. Two users of one place are two struct sealed (fake_sealed_of) of different names.
 */
#ifndef HARNESS_FAKE_SEALED_H
#define HARNESS_FAKE_SEALED_H

#include "queue/sealed.h"

struct fake_sealed {
    int64_t now_ms; /* of Redis */
    struct sealed_value value;
    bool has_value;
    int64_t token, fence, until_ms;
    char lock[64], code[64], why[SEALED_WHY_MAX]; /* code "": the lock is a renewal's, not a failure's */
    int fail_after;                               /* after so many calls: -1 with ERR_REDIS_LOST; -1: never */
    int reads, takes, puts, fails;
};

struct fake_sealed_user {
    struct fake_sealed *fake;
    const char *name;
    struct sealed sealed; /* to be handed to the code under test */
};

void fake_sealed_init(struct fake_sealed *fake);
void fake_sealed_release(struct fake_sealed *fake);
void fake_sealed_of(struct fake_sealed *fake, const char *name, struct fake_sealed_user *user);

#endif

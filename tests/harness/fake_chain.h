/**
 * fake_chain.h - the chain of queue/chain.h in memory, for tests: the same states, and the test says where
 * its user "crashes": the call fails, before or after it took effect.
 */
#ifndef HARNESS_FAKE_CHAIN_H
#define HARNESS_FAKE_CHAIN_H

#include "queue/chain.h"

enum fake_chain_crash {
    FAKE_CHAIN_NO_CRASH,
    FAKE_CHAIN_BEFORE_STORE,
    FAKE_CHAIN_AFTER_STORE, /* the bytes are stored, the caller is told it failed */
    FAKE_CHAIN_BEFORE_MOVE,
    FAKE_CHAIN_AFTER_MOVE,
};

struct fake_chain {
    struct chain chain; /* to be handed to the code under test */
    int64_t head_sequence;
    char head_sha256[65]; /* "" before the first */
    int64_t token;        /* of the last turn given */
    bool is_locked;       /* a turn is out; the test clears it as time would */
    bool has_forgotten;   /* as a Redis that came back: the head may be brought to where it was */
    bool is_stored;
    char run[65], name[128];
    struct buf envelope;
    enum fake_chain_crash crash; /* once: cleared as it happens */
    int takes, stores, moves, drops;
};

void fake_chain_init(struct fake_chain *fake);
void fake_chain_release(struct fake_chain *fake);
/** The lock's time is over. */
void fake_chain_expire(struct fake_chain *fake);

#endif

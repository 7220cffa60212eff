/**
 * purse.h - slots of the shared limiter in hand: asked for several at once, used while they are fresh, for
 * the message only that they were given for.
 */
#ifndef ABM_PURSE_H
#define ABM_PURSE_H

#include "queue/limiter.h"

struct purse {
    const struct fence *fence; /* of the slots in hand; NULL: for reads */
    int count;
    int64_t ready_ms;  /* boot time: not to be used before */
    int64_t until_ms;  /* boot time: void after it */
    int64_t ask_at_ms; /* boot time: the limiter said not to ask again before */
};

enum purse_word {
    PURSE_READY, /* a slot is there: purse_use it */
    PURSE_WAIT,  /* in *wait_ms_r */
    PURSE_ENDED, /* the message is lost, or its run cancelled or paused: *permit_r */
    PURSE_STOPPED,
    PURSE_CLOSED,
};

/**
 * A slot for a request of this message (NULL: a read).
 *
 * @param want  slots that would be used at once
 * @return 0; -1 ERR_REDIS_*
 */
int purse_ask(struct purse *purse, struct limiter *limiter, const char *class, const struct fence *fence,
              int want, enum purse_word *word_r, enum permit *permit_r, int64_t *wait_ms_r, struct err *err);

/** Whether a request may also act for this message: READY, or as purse_ask. Takes no slot. */
int purse_check(struct purse *purse, struct limiter *limiter, const char *class, const struct fence *fence,
                enum purse_word *word_r, enum permit *permit_r, int64_t *wait_ms_r, struct err *err);

/** Takes one slot out. Returns the boot time before which the request must leave. */
int64_t purse_use(struct purse *purse);

/** After a 429: what is in hand is void. */
void purse_empty(struct purse *purse);

bool purse_same_fence(const struct fence *a, const struct fence *b);

#endif

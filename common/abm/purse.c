#include "abm/purse.h"

#include "base/clock.h"
#include "base/str.h"

/* A slot this near its end is not begun with: building and connecting take their time. */
#define SPARE_MS 50

bool purse_same_fence(const struct fence *a, const struct fence *b)
{
    if (a == b)
        return true;
    return a != NULL && b != NULL && str_eq(a->id, b->id);
}

/* What the limiter's word means but for GRANTED. */
static enum purse_word word_of(struct purse *purse, enum permit permit, int64_t now_ms, int64_t *wait_ms)
{
    switch (permit) {
    case PERMIT_GRANTED: return PURSE_READY;
    case PERMIT_LOST:
    case PERMIT_CANCELLED:
    case PERMIT_PAUSED: return PURSE_ENDED;
    case PERMIT_STOPPED: return PURSE_STOPPED;
    case PERMIT_CLOSED: return PURSE_CLOSED;
    case PERMIT_LATER: break;
    }
    if (*wait_ms < 1)
        *wait_ms = 1;
    purse->ask_at_ms = now_ms + *wait_ms;
    return PURSE_WAIT;
}

int purse_ask(struct purse *purse, struct limiter *limiter, const char *class, const struct fence *fence,
              int want, enum purse_word *word_r, enum permit *permit_r, int64_t *wait_ms_r, struct err *err)
{
    int64_t now_ms = clock_boot_ms();
    int count = 0;

    *wait_ms_r = 0;
    if (purse->count > 0 && (!purse_same_fence(purse->fence, fence) || now_ms > purse->until_ms - SPARE_MS))
        purse->count = 0;
    if (purse->count == 0) {
        if (now_ms < purse->ask_at_ms) {
            *wait_ms_r = purse->ask_at_ms - now_ms;
            *word_r = PURSE_WAIT;
            return 0;
        }
        if (limiter_take(limiter, class, fence, want, permit_r, &count, wait_ms_r, err) != 0)
            return -1;
        *word_r = word_of(purse, *permit_r, clock_boot_ms(), wait_ms_r);
        if (*word_r != PURSE_READY)
            return 0;
        purse->fence = fence;
        purse->count = count > 0 ? count : 1;
        purse->ready_ms = clock_boot_ms() + *wait_ms_r;
        purse->until_ms = now_ms + LIMITER_PERMIT_MAX_AGE_MS; /* from before the question: never too long */
        now_ms = clock_boot_ms();
    }
    if (now_ms < purse->ready_ms) {
        *wait_ms_r = purse->ready_ms - now_ms;
        *word_r = PURSE_WAIT;
        return 0;
    }
    *word_r = PURSE_READY;
    return 0;
}

int purse_check(struct purse *purse, struct limiter *limiter, const char *class, const struct fence *fence,
                enum purse_word *word_r, enum permit *permit_r, int64_t *wait_ms_r, struct err *err)
{
    int count = 0;

    *wait_ms_r = 0;
    if (limiter_take(limiter, class, fence, 0, permit_r, &count, wait_ms_r, err) != 0)
        return -1;
    *word_r = word_of(purse, *permit_r, clock_boot_ms(), wait_ms_r);
    return 0;
}

int64_t purse_use(struct purse *purse)
{
    purse->count--;
    return purse->until_ms;
}

void purse_empty(struct purse *purse)
{
    purse->count = 0;
}

#include "harness/fake_limiter.h"

#include <string.h>

#include "base/str.h"

static bool is_ended(struct fake_limiter *fake, const struct fence *fence, enum permit *permit_r)
{
    for (int i = 0; fence != NULL && i < fake->fence_count; i++) {
        if (!str_eq(fake->fences[i].id, fence->id))
            continue;
        if (fake->fences[i].grants_first-- > 0)
            return false;
        fake->fences[i].grants_first = 0;
        *permit_r = fake->fences[i].permit;
        return true;
    }
    return false;
}

static int take(void *ctx, const char *class, const struct fence *fence, int want, enum permit *permit_r,
                int *count_r, int64_t *wait_ms_r, struct err *err)
{
    struct fake_limiter *fake = ctx;

    if (fake->fail_after == 0)
        return err_set(err, ERR_REDIS_LOST, 0, "the connection was lost");
    if (fake->fail_after > 0)
        fake->fail_after--;
    if (!str_eq(class, "default"))
        return err_set(err, ERR_BUG, 0, "class %s", class);
    fake->calls++;
    *count_r = 0;
    *wait_ms_r = 0;
    if (is_ended(fake, fence, permit_r))
        return 0;
    if (want == 0) {
        fake->checks++;
        *permit_r = PERMIT_GRANTED;
        return 0;
    }
    if (fake->later > 0) {
        fake->later--;
        *permit_r = PERMIT_LATER;
        *wait_ms_r = fake->later_wait_ms;
        return 0;
    }
    if (fake->slots_left == 0) {
        *permit_r = fake->then_permit;
        *wait_ms_r = fake->then_permit == PERMIT_LATER ? fake->later_wait_ms : 0;
        return 0;
    }
    if (fake->grant_max > 0 && want > fake->grant_max)
        want = fake->grant_max;
    if (fake->slots_left > 0 && want > fake->slots_left)
        want = (int)fake->slots_left;
    if (fake->slots_left > 0)
        fake->slots_left -= want;
    fake->granted += want;
    *permit_r = PERMIT_GRANTED;
    *count_r = want;
    *wait_ms_r = fake->grant_wait_ms;
    return 0;
}

static int pause_class(void *ctx, const char *class, int64_t pause_ms, struct err *err)
{
    struct fake_limiter *fake = ctx;

    (void)class, (void)err;
    fake->pauses++;
    fake->last_pause_ms = pause_ms;
    return 0;
}

static const struct limiter_ops ops = { .take = take, .pause = pause_class };

void fake_limiter_init(struct fake_limiter *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->limiter.ops = &ops;
    fake->limiter.ctx = fake;
    fake->slots_left = -1;
    fake->fail_after = -1;
    fake->last_pause_ms = -2;
}

void fake_limiter_end_fence(struct fake_limiter *fake, const char *id, enum permit permit, int grants_first)
{
    if (fake->fence_count == FAKE_FENCES)
        return;
    fake->fences[fake->fence_count].id = id;
    fake->fences[fake->fence_count].permit = permit;
    fake->fences[fake->fence_count].grants_first = grants_first;
    fake->fence_count++;
}

#include "harness/fake_brake.h"

#include "harness/check.h"

static bool is_held(const struct fake_brake *fake, const struct brake_item *item)
{
    if (item->what != BRAKE_CHANGE && item->what != BRAKE_HELD)
        return false;
    for (size_t i = 0; i < FAKE_BRAKE_MAX && fake->held[i] != 0; i++)
        if (fake->held[i] == item->row)
            return true;
    return false;
}

static int weigh(void *ctx, const char *run, struct brake_item *list, size_t count, bool *has_tripped_r,
                 struct err *err)
{
    struct fake_brake *fake = ctx;

    fake->calls++;
    if (fake->fail != ERR_NONE)
        return err_set(err, fake->fail, 0, "as the test wants");
    for (size_t i = 0; i < count; i++) {
        assert_true(fake->count < FAKE_BRAKE_MAX);
        fake->asked[fake->count].run = run;
        fake->asked[fake->count].row = list[i].row;
        fake->asked[fake->count++].what = list[i].what;
        list[i].is_granted = !is_held(fake, &list[i]);
    }
    *has_tripped_r = fake->has_tripped;
    return 0;
}

struct brake fake_brake_of(struct fake_brake *fake)
{
    static const struct brake_ops ops = { .weigh = weigh };

    return (struct brake){ &ops, fake };
}

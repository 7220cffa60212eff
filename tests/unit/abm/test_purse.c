#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "abm/purse.h"
#include "base/clock.h"
#include "harness/fake_limiter.h"

static const struct fence one = { "1-1", "r" }, same_as_one = { "1-1", "r" }, other = { "2-1", "r" };

static enum purse_word ask(struct purse *purse, struct fake_limiter *fake, const struct fence *fence,
                           int want)
{
    enum permit permit = PERMIT_GRANTED;
    enum purse_word word = PURSE_CLOSED;
    struct err err = ERR_INIT;
    int64_t wait_ms;

    if (purse_ask(purse, &fake->limiter, "default", fence, want, &word, &permit, &wait_ms, &err) != 0)
        fail_msg("%s", err.text);
    return word;
}

static void slots_serve_their_message_only(void **state)
{
    struct fake_limiter fake;
    struct purse purse = { .count = 0 };

    (void)state;
    fake_limiter_init(&fake);
    assert_int_equal(ask(&purse, &fake, &one, 3), PURSE_READY);
    assert_int_equal(purse.count, 3);
    (void)!purse_use(&purse);
    assert_int_equal(ask(&purse, &fake, &same_as_one, 3), PURSE_READY);
    assert_int_equal(fake.calls, 1); /* from what is in hand */
    assert_int_equal(ask(&purse, &fake, &other, 2), PURSE_READY);
    assert_int_equal(fake.calls, 2);
    assert_int_equal(purse.count, 2);
    assert_int_equal(ask(&purse, &fake, NULL, 1), PURSE_READY); /* a read */
    assert_int_equal(fake.calls, 3);
    assert_int_equal(ask(&purse, &fake, &one, 1), PURSE_READY);
    assert_int_equal(fake.calls, 4);
    purse_empty(&purse);
    assert_int_equal(ask(&purse, &fake, &one, 1), PURSE_READY);
    assert_int_equal(fake.calls, 5);
}

static void old_slots_are_void(void **state)
{
    struct fake_limiter fake;
    struct purse purse = { .count = 0 };
    int64_t before_ms = clock_boot_ms();

    (void)state;
    fake_limiter_init(&fake);
    assert_int_equal(ask(&purse, &fake, &one, 5), PURSE_READY);
    assert_in_range(purse.until_ms, before_ms + LIMITER_PERMIT_MAX_AGE_MS,
                    clock_boot_ms() + LIMITER_PERMIT_MAX_AGE_MS);
    purse.until_ms = clock_boot_ms() - 1; /* as if two seconds had passed */
    assert_int_equal(ask(&purse, &fake, &one, 5), PURSE_READY);
    assert_int_equal(fake.calls, 2);
    assert_true(purse_use(&purse) > clock_boot_ms());
}

static void later_is_not_asked_before_its_time(void **state)
{
    struct fake_limiter fake;
    struct purse purse = { .count = 0 };

    (void)state;
    fake_limiter_init(&fake);
    fake.later = 1;
    fake.later_wait_ms = 60000;
    assert_int_equal(ask(&purse, &fake, &one, 5), PURSE_WAIT);
    assert_int_equal(ask(&purse, &fake, &one, 5), PURSE_WAIT);
    assert_int_equal(fake.calls, 1);
    purse.ask_at_ms = clock_boot_ms();
    assert_int_equal(ask(&purse, &fake, &one, 5), PURSE_READY);

    /* Granted for a moment to come: waited for, then used without asking again. */
    purse_empty(&purse);
    fake.grant_wait_ms = 60000;
    assert_int_equal(ask(&purse, &fake, &one, 5), PURSE_WAIT);
    assert_int_equal(ask(&purse, &fake, &one, 5), PURSE_WAIT);
    assert_int_equal(fake.calls, 3);
    purse.ready_ms = clock_boot_ms();
    assert_int_equal(ask(&purse, &fake, &one, 5), PURSE_READY);
    assert_int_equal(fake.calls, 3);
}

static void names_how_a_message_ended(void **state)
{
    static const struct {
        enum permit permit;
        enum purse_word want;
    } rows[] = {
        { PERMIT_LOST, PURSE_ENDED },
        { PERMIT_CANCELLED, PURSE_ENDED },
        { PERMIT_STOPPED, PURSE_STOPPED },
        { PERMIT_CLOSED, PURSE_CLOSED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct purse purse = { .count = 0 };
        enum permit permit = PERMIT_GRANTED;
        struct err err = ERR_INIT;
        struct fake_limiter fake;
        enum purse_word word;
        int64_t wait_ms;

        fake_limiter_init(&fake);
        fake_limiter_end_fence(&fake, "1-1", rows[i].permit, 0);
        assert_int_equal(purse_ask(&purse, &fake.limiter, "default", &one, 1, &word, &permit, &wait_ms, &err),
                         0);
        if (word != rows[i].want || permit != rows[i].permit)
            fail_msg("permit %d: %d", rows[i].permit, word);
        assert_int_equal(purse_check(&purse, &fake.limiter, "default", &one, &word, &permit, &wait_ms, &err),
                         0);
        if (word != rows[i].want || permit != rows[i].permit)
            fail_msg("permit %d, checked: %d", rows[i].permit, word);
        assert_int_equal(fake.granted, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_serve_their_message_only),
        cmocka_unit_test(old_slots_are_void),
        cmocka_unit_test(later_is_not_asked_before_its_time),
        cmocka_unit_test(names_how_a_message_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bucket.h"

#define SECOND INT64_C(1000000)

static void gives_what_the_limit_allows(void **state)
{
    static const struct {
        const char *what;
        int64_t requests, per_us, burst, step_us, until_us, want;
    } rows[] = {
        { "greedy, 100 a second", 100, SECOND, 20, 100, 10 * SECOND, 20 + 1000 },
        { "greedy, 100 a minute", 100, 60 * SECOND, 1, 1000, 600 * SECOND, 1 + 1000 },
        { "three a second do not divide", 3, SECOND, 2, 1, 10 * SECOND, 2 + 30 },
        { "below the limit", 10, SECOND, 1, 200000, 10 * SECOND, 51 },
        { "no limit", 0, SECOND, 1, 1000, SECOND, 1001 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bucket bucket;
        int64_t given = 0, wait;

        bucket_init(&bucket, rows[i].requests, rows[i].per_us, rows[i].burst, 5);
        for (int64_t t = 0; t <= rows[i].until_us; t += rows[i].step_us) {
            while (bucket_take(&bucket, 5 + t, &wait)) {
                given++;
                if (rows[i].requests == 0 || rows[i].step_us > SECOND / 10)
                    break;
            }
        }
        if (given != rows[i].want)
            fail_msg("%s: %lld instead of %lld", rows[i].what, (long long)given, (long long)rows[i].want);
    }
}

static void tells_the_exact_wait(void **state)
{
    struct bucket bucket;
    int64_t wait;

    (void)state;
    bucket_init(&bucket, 3, SECOND, 1, 0);
    assert_true(bucket_take(&bucket, 0, &wait));
    for (int64_t now = 0; now < 20 * SECOND; now += wait) {
        int64_t at;

        assert_false(bucket_take(&bucket, now, &wait));
        at = now + wait - 1;
        assert_false(bucket_take(&bucket, at, &(int64_t){ 0 }));
        assert_true(bucket_take(&bucket, now + wait, &(int64_t){ 0 }));
    }
}

static void never_holds_more_than_the_burst(void **state)
{
    struct bucket bucket;
    int64_t wait;

    (void)state;
    bucket_init(&bucket, 1000000, SECOND, 2, 0);
    for (int i = 0; i < 2; i++)
        assert_true(bucket_take(&bucket, INT64_MAX / 4, &wait));
    assert_false(bucket_take(&bucket, INT64_MAX / 4, &wait));
    /* A clock that went back brings nothing, and takes nothing. */
    assert_false(bucket_take(&bucket, 0, &wait));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_the_limit_allows),
        cmocka_unit_test(tells_the_exact_wait),
        cmocka_unit_test(never_holds_more_than_the_burst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

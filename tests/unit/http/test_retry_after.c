#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/retry_after.h"

#define NOW INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void reads_every_form(void **state)
{
    static const struct {
        const char *what, *value;
        int64_t now_ms, want_ms; /* -1: no usable value */
    } rows[] = {
        { "seconds", "60", 0, 60000 },
        { "zero", "0", 0, 0 },
        { "blanks around", " \t7 ", 0, 7000 },
        { "a date to come", "Sun, 06 Nov 1994 08:49:47 GMT", NOW, 10000 },
        { "a date gone by", "Sun, 06 Nov 1994 08:49:37 GMT", NOW + 5000, 0 },
        { "an RFC 850 date", "Sunday, 06-Nov-94 08:49:38 GMT", NOW, 1000 },
        { "an asctime date", "Sun Nov  6 08:49:39 1994", NOW, 2000 },
        { "a date far away", "Sun, 06 Nov 9999 08:49:37 GMT", NOW, RETRY_AFTER_MAX_MS },
        { "more than a day", "86401", 0, RETRY_AFTER_MAX_MS },
        { "more than 64 bits hold", "99999999999999999999", 0, RETRY_AFTER_MAX_MS },
        { "no header", NULL, 0, -1 },
        { "empty", "", 0, -1 },
        { "words", "soon", 0, -1 },
        { "negative", "-5", 0, -1 },
        { "a fraction", "1.5", 0, -1 },
        { "a unit", "5s", 0, -1 },
        { "two values", "5, 6", 0, -1 },
        { "hex", "0x10", 0, -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = -1;
        int found = retry_after_parse(rows[i].value, rows[i].now_ms, &got);

        if (found != (rows[i].want_ms >= 0) || got != rows[i].want_ms)
            fail_msg("%s: found %d, %lld ms", rows[i].what, found, (long long)got);
    }
}

static void measures_a_date_against_the_answers_own(void **state)
{
    static const struct {
        const char *what, *value, *date;
        int64_t want_ms;
    } rows[] = {
        { "our clock is an hour late", "Sun, 06 Nov 1994 09:49:42 GMT", "Sun, 06 Nov 1994 09:49:37 GMT",
          5000 },
        { "our clock is an hour early", "Sun, 06 Nov 1994 07:49:42 GMT", "Sun, 06 Nov 1994 07:49:37 GMT",
          5000 },
        { "no Date: our clock", "Sun, 06 Nov 1994 08:49:39 GMT", NULL, 2000 },
        { "unreadable Date: our clock", "Sun, 06 Nov 1994 08:49:39 GMT", "yesterday", 2000 },
        { "seconds need no Date", "3", "Sun, 06 Nov 1994 07:49:37 GMT", 3000 },
        { "nothing usable", "soon", "Sun, 06 Nov 1994 07:49:37 GMT", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = -1;
        int found = retry_after_of_answer(rows[i].value, rows[i].date, NOW, &got);

        if (found != (rows[i].want_ms >= 0) || got != rows[i].want_ms)
            fail_msg("%s: found %d, %lld ms", rows[i].what, found, (long long)got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form),
        cmocka_unit_test(measures_a_date_against_the_answers_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

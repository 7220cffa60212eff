#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/http_date.h"

#define NOW INT64_C(1795508258000) /* 2026-11-24 */

static void reads_the_three_forms_and_nothing_else(void **state)
{
    static const struct {
        const char *what, *text;
        int64_t want_ms; /* -1: no date */
    } rows[] = {
        { "IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000) },
        { "RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", INT64_C(784111777000) },
        { "asctime", "Sun Nov  6 08:49:37 1994", INT64_C(784111777000) },
        { "asctime, two digits", "Wed Nov 16 08:49:37 1994", INT64_C(784975777000) },
        { "the epoch", "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "29 February of a leap year", "Thu, 29 Feb 2024 00:00:00 GMT", INT64_C(1709164800000) },
        { "year 2000 is a leap year", "Tue, 29 Feb 2000 12:00:00 GMT", INT64_C(951825600000) },
        { "a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", INT64_C(1483228800000) },
        { "the last second of four digits", "Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799000) },
        { "RFC 850, soon", "Friday, 06-Nov-76 08:49:37 GMT", INT64_C(3371878177000) },
        { "RFC 850, more than 50 years ahead: past", "Sunday, 06-Nov-77 08:49:37 GMT",
          INT64_C(247654177000) },
        { "blanks around", "  Sun, 06 Nov 1994 08:49:37 GMT \t", INT64_C(784111777000) },
        { "NULL", NULL, -1 },
        { "empty", "", -1 },
        { "29 February of another year", "Wed, 29 Feb 2023 00:00:00 GMT", -1 },
        { "29 February 1900", "Thu, 29 Feb 1900 00:00:00 GMT", -1 },
        { "day 0", "Sun, 00 Nov 1994 08:49:37 GMT", -1 },
        { "day 31 in November", "Sun, 31 Nov 1994 08:49:37 GMT", -1 },
        { "hour 24", "Sun, 06 Nov 1994 24:00:00 GMT", -1 },
        { "second 61", "Sun, 06 Nov 1994 08:49:61 GMT", -1 },
        { "another zone", "Sun, 06 Nov 1994 08:49:37 UTC", -1 },
        { "an offset", "Sun, 06 Nov 1994 08:49:37 +0000", -1 },
        { "one digit of the day", "Sun, 6 Nov 1994 08:49:37 GMT", -1 },
        { "text behind", "Sun, 06 Nov 1994 08:49:37 GMTx", -1 },
        { "no weekday", "06 Nov 1994 08:49:37 GMT", -1 },
        { "month in small letters", "Sun, 06 nov 1994 08:49:37 GMT", -1 },
        { "cut short", "Sun, 06 Nov 1994 08:49", -1 },
        { "ISO 8601", "1994-11-06T08:49:37Z", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = -1;
        int found = http_date_parse(rows[i].text, NOW, &got);

        if (found != (rows[i].want_ms >= 0) || got != rows[i].want_ms)
            fail_msg("%s: found %d, %lld", rows[i].what, found, (long long)got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(reads_the_three_forms_and_nothing_else) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

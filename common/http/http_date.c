#include "http/http_date.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct date {
    int year, month, day, hour, minute, second; /* month from 1 */
};

static const char *const short_days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
static const char *const long_days[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
                                         "Friday", "Saturday", "Sunday" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* Each of these reads something at *at and moves behind it; false where it is not there. */
static bool take(const char **at, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool take_one_of(const char **at, const char *const *words, size_t count, int *index_r)
{
    for (size_t i = 0; i < count; i++) {
        if (take(at, words[i])) {
            *index_r = (int)i;
            return true;
        }
    }
    return false;
}

static bool take_digits(const char **at, int digits, int *number_r)
{
    int number = 0;

    for (int i = 0; i < digits; i++) {
        char c = (*at)[i];

        if (c < '0' || c > '9')
            return false;
        number = number * 10 + (c - '0');
    }
    *at += digits;
    *number_r = number;
    return true;
}

static bool take_month(const char **at, struct date *date)
{
    int month = 0;

    if (!take_one_of(at, months, 12, &month))
        return false;
    date->month = month + 1;
    return true;
}

static bool take_time(const char **at, struct date *date)
{
    return take_digits(at, 2, &date->hour) && take(at, ":") && take_digits(at, 2, &date->minute) &&
           take(at, ":") && take_digits(at, 2, &date->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool take_fixdate(const char **at, struct date *date)
{
    int day;

    return take_one_of(at, short_days, 7, &day) && take(at, ", ") && take_digits(at, 2, &date->day) &&
           take(at, " ") && take_month(at, date) && take(at, " ") && take_digits(at, 4, &date->year) &&
           take(at, " ") && take_time(at, date) && take(at, " GMT");
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool take_rfc850(const char **at, struct date *date)
{
    int day;

    return take_one_of(at, long_days, 7, &day) && take(at, ", ") && take_digits(at, 2, &date->day) &&
           take(at, "-") && take_month(at, date) && take(at, "-") && take_digits(at, 2, &date->year) &&
           take(at, " ") && take_time(at, date) && take(at, " GMT");
}

/* Sun Nov  6 08:49:37 1994 */
static bool take_asctime(const char **at, struct date *date)
{
    int day;

    return take_one_of(at, short_days, 7, &day) && take(at, " ") && take_month(at, date) && take(at, " ") &&
           (take(at, " ") ? take_digits(at, 1, &date->day) : take_digits(at, 2, &date->day)) &&
           take(at, " ") && take_time(at, date) && take(at, " ") && take_digits(at, 4, &date->year);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_possible(const struct date *date)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int last;

    if (date->month < 1 || date->month > 12)
        return false;
    last = days[date->month - 1] + (date->month == 2 && is_leap(date->year) ? 1 : 0);
    /* Second 60 is a leap second, and counts as the one after it. */
    return date->day >= 1 && date->day <= last && date->hour <= 23 && date->minute <= 59 &&
           date->second <= 60;
}

/* Days from 1970-01-01 in the Gregorian calendar; years count from March, so that the leap day is the last.
 */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * m + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t unix_ms_of(const struct date *date)
{
    return (days_of(date->year, date->month, date->day) * 86400 + date->hour * 3600 + date->minute * 60 +
            date->second) *
           1000;
}

/* RFC 9110: a date that appears to be more than 50 years in the future is the most recent past year with
 * those digits. */
static void fix_century(struct date *date, int64_t now_ms)
{
    const int64_t year_ms = INT64_C(31556952000);
    int this_year = 1970 + (int)(now_ms / year_ms);

    date->year += this_year / 100 * 100;
    if (date->year > this_year + 50)
        date->year -= 100;
}

int http_date_parse(const char *text, int64_t now_ms, int64_t *unix_ms_r)
{
    bool (*const forms[])(const char **, struct date *) = { take_fixdate, take_rfc850, take_asctime };

    if (text == NULL)
        return 0;
    text += strspn(text, " \t");
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const char *at = text;
        struct date date = { 0, 0, 0, 0, 0, 0 };

        if (!forms[i](&at, &date) || at[strspn(at, " \t")] != '\0')
            continue;
        if (forms[i] == take_rfc850)
            fix_century(&date, now_ms);
        if (!is_possible(&date))
            return 0;
        *unix_ms_r = unix_ms_of(&date);
        return 1;
    }
    return 0;
}

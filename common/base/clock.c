#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_PER_DAY  INT64_C(86400000)
#define ISO_MIN_MS  INT64_C(-62167219200000) /* 0000-01-01T00:00:00Z */
#define ISO_MAX_MS  INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define FRACTION_MS 3                        /* digits of a fraction that count */

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_real_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_boot_ms(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

char *clock_iso(int64_t unix_ms, char *text)
{
    struct tm tm;
    time_t seconds;
    unsigned ms;

    if (unix_ms < ISO_MIN_MS)
        unix_ms = ISO_MIN_MS;
    if (unix_ms > ISO_MAX_MS)
        unix_ms = ISO_MAX_MS;
    ms = (unsigned)((unix_ms % 1000 + 1000) % 1000);
    seconds = (time_t)((unix_ms - (int64_t)ms) / 1000);
    gmtime_r(&seconds, &tm);
    snprintf(text, CLOCK_ISO_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
             (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
             (unsigned)tm.tm_sec % 100, ms);
    return text;
}

/* Exactly count digits at *at. */
static bool take_number(const char **at, int count, int *number_r)
{
    int number = 0;

    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        number = number * 10 + (**at - '0');
    }
    *number_r = number;
    return true;
}

static bool take_char(const char **at, const char *any_of)
{
    if (**at == '\0' || strchr(any_of, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

static bool is_date(int year, int month, int day)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && is_leap);
}

static bool take_fraction(const char **at, int64_t *ms_r)
{
    int64_t ms = 0;
    int digits = 0;

    *ms_r = 0;
    if (!take_char(at, "."))
        return true;
    for (; **at >= '0' && **at <= '9'; (*at)++, digits++)
        if (digits < FRACTION_MS)
            ms = ms * 10 + (**at - '0');
    for (int i = digits; i < FRACTION_MS; i++)
        ms *= 10;
    *ms_r = ms;
    return digits > 0;
}

static bool take_offset(const char **at, int64_t *offset_ms_r)
{
    int hours, minutes, sign = **at == '-' ? -1 : 1;

    *offset_ms_r = 0;
    if (take_char(at, "Zz"))
        return true;
    if (!take_char(at, "+-") || !take_number(at, 2, &hours) || !take_char(at, ":") ||
        !take_number(at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_ms_r = sign * (hours * INT64_C(3600000) + minutes * INT64_C(60000));
    return true;
}

int clock_parse_iso(const char *text, int64_t *unix_ms_r)
{
    struct tm tm = { 0 };
    int64_t fraction_ms, offset_ms, unix_ms;
    int year, month;

    if (!take_number(&text, 4, &year) || !take_char(&text, "-") || !take_number(&text, 2, &month) ||
        !take_char(&text, "-") || !take_number(&text, 2, &tm.tm_mday) || !take_char(&text, "Tt ") ||
        !take_number(&text, 2, &tm.tm_hour) || !take_char(&text, ":") || !take_number(&text, 2, &tm.tm_min) ||
        !take_char(&text, ":") || !take_number(&text, 2, &tm.tm_sec) || !take_fraction(&text, &fraction_ms) ||
        !take_offset(&text, &offset_ms) || *text != '\0')
        return -1;
    /* A second 60 is a leap second: RFC 3339, section 5.7. timegm takes it for the next minute's first. */
    if (!is_date(year, month, tm.tm_mday) || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return -1;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    unix_ms = (int64_t)timegm(&tm) * 1000 + fraction_ms - offset_ms;
    if (unix_ms < ISO_MIN_MS || unix_ms > ISO_MAX_MS) /* an offset or a leap second at either end of time */
        return -1;
    *unix_ms_r = unix_ms;
    return 0;
}

char *clock_duration(int64_t ms, char *text)
{
    static const struct {
        int64_t ms;
        char unit;
    } units[] = { { MS_PER_DAY, 'd' }, { 3600000, 'h' }, { 60000, 'm' }, { 1000, 's' } };
    const char *sign = ms < 0 ? "-" : "";
    uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

    if (rest < 1000) {
        snprintf(text, 32, "%s%u ms", sign, (unsigned)rest);
        return text;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t whole = rest / (uint64_t)units[i].ms;
        uint64_t part = i < 3 ? rest % (uint64_t)units[i].ms / (uint64_t)units[i + 1].ms : 0;

        if (whole == 0)
            continue;
        if (part == 0)
            snprintf(text, 32, "%s%llu %c", sign, (unsigned long long)whole, units[i].unit);
        else
            snprintf(text, 32, "%s%llu %c %u %c", sign, (unsigned long long)whole, units[i].unit,
                     (unsigned)part, units[i + 1].unit);
        break;
    }
    return text;
}

#include "http/retry_after.h"

#include <string.h>

#include "http/http_date.h"

static int64_t bounded(int64_t delay_ms)
{
    if (delay_ms < 0)
        return 0;
    return delay_ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : delay_ms;
}

int retry_after_parse(const char *value, int64_t now_ms, int64_t *delay_ms_r)
{
    int64_t seconds = 0, date_ms;
    size_t digits;

    if (value == NULL)
        return 0;
    value += strspn(value, " \t");
    digits = strspn(value, "0123456789");
    if (digits == 0) {
        if (!http_date_parse(value, now_ms, &date_ms))
            return 0;
        *delay_ms_r = bounded(date_ms - now_ms);
        return 1;
    }
    if (value[digits + strspn(value + digits, " \t")] != '\0')
        return 0;
    for (size_t i = 0; i < digits && seconds <= RETRY_AFTER_MAX_MS / 1000; i++)
        seconds = seconds * 10 + (value[i] - '0');
    *delay_ms_r = bounded(seconds * 1000);
    return 1;
}

int retry_after_of_answer(const char *value, const char *date, int64_t now_ms, int64_t *delay_ms_r)
{
    int64_t date_ms = now_ms;

    if (!http_date_parse(date, now_ms, &date_ms))
        date_ms = now_ms;
    return retry_after_parse(value, date_ms, delay_ms_r);
}

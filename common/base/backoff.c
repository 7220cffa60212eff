#include "base/backoff.h"

#include <stddef.h>

#define DAY_MS INT64_C(86400000)

int64_t backoff_ms(int64_t base_ms, int64_t cap_ms, int attempt, uint32_t random)
{
    int64_t delay = base_ms;
    uint64_t half;

    if (base_ms <= 0 || cap_ms <= 0)
        return 0;
    for (int i = 1; i < attempt && delay < cap_ms; i++)
        delay = delay > INT64_MAX / 2 ? INT64_MAX : delay * 2;
    if (delay > cap_ms)
        delay = cap_ms;
    half = (uint64_t)(delay - delay / 2);
    /* half * random / 2^32, in two parts so that it cannot overflow */
    return delay / 2 + (int64_t)((half >> 32) * random + ((half & UINT32_MAX) * random >> 32));
}

int64_t backoff_grid_ms(int64_t ms)
{
    static const int64_t grid[] = { 1000, 5000, 30000, 120000, 600000, 1800000, 7200000, 21600000, DAY_MS };
    int64_t days;

    for (size_t i = 0; i < sizeof(grid) / sizeof(grid[0]); i++)
        if (ms <= grid[i])
            return grid[i];
    days = (ms - 1) / DAY_MS + 1;
    return days > INT64_MAX / DAY_MS ? INT64_MAX : days * DAY_MS;
}

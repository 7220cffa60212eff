#include "queue/claims.h"

#include <string.h>

#define PRIME                                                                                                \
    UINT64_C(4294967291) /* as in lua/claims.lua: below 2^32, since its numbers are exact up to 2^53 */

static uint64_t hash(const char *serial, uint64_t seed)
{
    const unsigned char *at = (const unsigned char *)serial;
    size_t len = strlen(serial), i = 0;
    uint64_t h = len;

    for (; i + 4 <= len; i += 4)
        h = (h * seed + ((uint64_t)at[i] << 24 | at[i + 1] << 16 | at[i + 2] << 8 | at[i + 3])) % PRIME;
    for (; i < len; i++)
        h = (h * seed + at[i]) % PRIME;
    for (int round = 0; round < 3; round++)
        h = (h + (h >> 16)) * seed % PRIME;
    return h + (h >> 16);
}

int64_t claims_slot(const struct claims_layout *layout, const char *serial)
{
    uint64_t level = 1, h, slot;

    if (layout->hashes <= 1 || layout->hashes > CLAIMS_MAX_HASHES || layout->seed <= 0 ||
        layout->seed > CLAIMS_MAX_SEED)
        return 0;
    while (level * 2 <= (uint64_t)layout->hashes)
        level *= 2;
    h = hash(serial, (uint64_t)layout->seed);
    slot = h % (level * 2);
    return (int64_t)(slot < (uint64_t)layout->hashes ? slot : h % level);
}

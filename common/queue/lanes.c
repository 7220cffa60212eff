#include "queue/lanes.h"

#include <stdio.h>
#include <string.h>

static const char *const names[LANES] = { "0", "1", "2", "3", "4", "5", "6", "7", "due", "urgent" };

const char *lane_name(int lane)
{
    return names[lane];
}

int lane_of_name(const char *name)
{
    for (int i = 1; name != NULL && i < LANES; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return 0;
}

char *lane_key(const struct keys *keys, const char *stage, int lane, char *key)
{
    char name[24];

    if (lane == 0)
        return keys_stream(keys, stage, key);
    snprintf(name, sizeof(name), "%s:%s", stage, names[lane]);
    return keys_make(keys, "lane", name, key);
}

int lane_of_id(const char *id)
{
    const char *at = strchr(id, '@');

    return at != NULL ? lane_of_name(at + 1) : 0;
}

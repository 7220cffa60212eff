#include "runid.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define STEM_MAX 40 /* of the name, so that date, hash and number always fit */

static bool fits_id(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
}

/* Runs of what does not fit become one '-'; none at the ends. */
static void make_stem(const char *name, char stem[STEM_MAX + 1])
{
    const char *dot = strrchr(name, '.');
    size_t len = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name), used = 0;

    for (size_t i = 0; i < len && used < STEM_MAX; i++) {
        if (fits_id(name[i]))
            stem[used++] = name[i];
        else if (used > 0 && stem[used - 1] != '-')
            stem[used++] = '-';
    }
    while (used > 0 && stem[used - 1] == '-')
        used--;
    stem[used] = '\0';
    if (used == 0)
        memcpy(stem, "devices", sizeof("devices"));
}

void runid_make(int64_t now_ms, const char *name, const char *sha256, int try, char id[RUNID_BYTES])
{
    char date[CLOCK_ISO_BYTES], stem[STEM_MAX + 1], number[8] = "";

    make_stem(name, stem);
    clock_iso(now_ms, date);
    if (try > 1)
        snprintf(number, sizeof(number), "-%d", try % 10000);
    snprintf(id, RUNID_BYTES, "%.10s-%s-%.4s%s", date, stem, sha256, number);
}

#include "base/rand.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

/*
 * getrandom(2) fails only where a sandbox forbids it. Chance spreads delays and makes names here, so then the
 * clock, the process and the place on the stack must do: worse chance, but no caller needs an error path.
 */
static void fill(void *bytes, size_t len)
{
    struct timespec now;
    uint64_t mixed;
    ssize_t got;

    do
        got = getrandom(bytes, len, 0);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)len)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    mixed =
        ((uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec) + ((uint64_t)getpid() << 32) + (uintptr_t)&now;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9); /* the finalizer of splitmix64 */
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    memcpy(bytes, &mixed, len);
}

uint32_t rand_u32(void)
{
    uint32_t number = 0;

    fill(&number, sizeof(number));
    return number;
}

char *rand_hex16(char *text)
{
    uint64_t number = 0;

    fill(&number, sizeof(number));
    str_hex(&number, sizeof(number), text);
    return text;
}

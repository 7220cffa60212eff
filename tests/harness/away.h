/**
 * away.h - Redis out of reach of every worker for a while, under load: nobody exits, nobody loops, and what
 * was not in hand is not done twice.
 */
#ifndef HARNESS_AWAY_H
#define HARNESS_AWAY_H

#include <stdint.h>

struct away {
    const char *bin;
    int devices;
    int64_t refused_ms; /* connections cut, new ones refused: the server is down */
    int64_t silent_ms;  /* then connections are taken and nothing comes: the host hangs */
};

void away_run(const struct away *away);

#endif

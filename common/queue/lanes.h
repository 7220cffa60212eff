/**
 * lanes.h - the streams in which the messages of one stage wait.
 *
 * A stream is read from its head alone, so what is to overtake stands in another one: lane 0 is the stream
 * that everybody knows (`ingest`, `import`, ...), 1 to 7 are further ones so that runs take turns, `due`
 * holds what was parked and is due again, `urgent` what passes everything. Stochastic fair queueing (McKenney
 * 1990) with the lane of a run chosen by load rather than by hash. The scripts' prelude.lua has the same
 * list.
 */
#ifndef QUEUE_LANES_H
#define QUEUE_LANES_H

#include <stdbool.h>

#include "queue/keys.h"

enum {
    LANE_TURNS = 8, /* lanes 0 to 7 take turns */
    LANE_DUE = 8,
    LANE_URGENT = 9,
    LANES = 10,
};

/** "0" to "7", "due", "urgent". */
const char *lane_name(int lane);

/** The lane of that name; 0 where there is none such. NULL-safe. */
int lane_of_name(const char *name);

/** The stream of a stage's lane, into key[KEY_MAX_BYTES]: keys_stream for lane 0, else lane:STAGE:NAME. */
char *lane_key(const struct keys *keys, const char *stage, int lane, char *key);

/** A message in hand is named by its id, and @NAME where it stands in another lane than 0. */
int lane_of_id(const char *id);

#endif

/**
 * repair.h - what of a run is missing in Redis, and putting it back (README.md, "What a lost write leaves").
 * What is missing is found by one script, so that nothing is on its way between two places meanwhile.
 */
#ifndef QUEUE_REPAIR_H
#define QUEUE_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/keys.h"
#include "queue/redis.h"

#define REPAIR_STATE_BYTES 32

struct repair_look {
    bool is_known; /* at least one of its batches was registered; else only under_way is set */
    char state[REPAIR_STATE_BYTES]; /* open, closing, closed, ... */
    int64_t batches, come;          /* declared, registered */
    int64_t under_way;              /* batches that validate has still to see */
    int64_t expected, ended;        /* devices of the registered batches */
    int64_t on_their_way;           /* of those, devices that stand in a message anywhere */
    bool is_excused;                /* cancelled or closed by force: it waits for no more batches */
};

/** Batches that an open run waits for and that stand nowhere; 0 for any other. */
int64_t repair_missing_batches(const struct repair_look *look);
/** Devices of an open run that neither ended nor stand anywhere; 0 for any other. */
int64_t repair_missing_devices(const struct repair_look *look);

/** Called for each row on its way. */
typedef void repair_row_fn(void *user, int64_t row);

/** Looks; see NULL: only counts. -1 with ERR_REDIS_*. */
int repair_look(struct redis *redis, const struct keys *keys, const char *run, struct repair_look *look_r,
                repair_row_fn *see, void *user, struct err *err);

struct repair_device {
    const char *serial;
    int64_t row;
};

/** is_held_r[i]: the run still holds device i, so it has not ended. */
int repair_held(struct redis *redis, const struct keys *keys, const char *run,
                const struct repair_device *devices, size_t count, bool *is_held_r, struct err *err);

/* One step of putting back. */
struct repair_step {
    const char *run;
    int64_t missing; /* devices that stand nowhere now, those of this step and of later ones */
    const struct repair_device *devices;
    size_t device_count;
    const char *part; /* an ingest message that holds exactly them */
    size_t part_len;
};

enum repair_answer {
    REPAIR_DONE,
    REPAIR_MOVED, /* one of them is on its way after all, or another number is missing: look again */
    REPAIR_OVER,  /* the run is not open any more */
};

/** All of the step or nothing of it. ERR_REDIS_OOM: nothing, try again later. ERR_REDIS_LOST: look again. */
int repair_put(struct redis *redis, const struct keys *keys, const struct repair_step *step,
               enum repair_answer *answer_r, struct err *err);

#endif

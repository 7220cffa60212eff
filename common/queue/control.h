/**
 * control.h - an operator's hand on stages and runs: pause, resume, cancel, close (DESIGN.md 4 and 10).
 */
#ifndef QUEUE_CONTROL_H
#define QUEUE_CONTROL_H

#include "queue/keys.h"
#include "queue/redis.h"

/** Pauses a stage: its workers finish what is in hand and read no more. 1; 0: it was paused (the reason is
 * replaced). */
int control_pause(struct redis *redis, const struct keys *keys, const char *stage, const char *by,
                  const char *reason, int64_t *since_ms_r, struct err *err);

/** Ends the pause. 1 and the time it lasted; 0: it was not paused; -1 err. */
int control_resume(struct redis *redis, const struct keys *keys, const char *stage, int64_t *paused_ms_r,
                   struct err *err);

enum control_answer {
    CONTROL_DONE,
    CONTROL_AGAIN, /* it was so before */
    CONTROL_NONE,  /* no such run */
    CONTROL_OVER,  /* the run is over, or closing: state_r */
    CONTROL_WHOLE, /* close: no batch is missing, it closes by itself */
};

#define CONTROL_STATE_BYTES 32

/** Cancels a run: what has not been touched ends as cancelled, what has goes on to its true outcome. */
int control_cancel(struct redis *redis, const struct keys *keys, const char *run,
                   enum control_answer *answer_r, char state_r[CONTROL_STATE_BYTES], int64_t *left_r,
                   struct err *err);

/**
 * Pauses an open run: nothing is sent for it. *since_ms_r: since when.
 * *answer_r: DONE, AGAIN (it was paused: the new reason stands), NONE, OVER (state_r)
 */
int control_pause_run(struct redis *redis, const struct keys *keys, const char *run, const char *by,
                      const char *reason, enum control_answer *answer_r, char state_r[CONTROL_STATE_BYTES],
                      int64_t *since_ms_r, struct err *err);

/** Ends a run's pause, whoever began it: DONE and how long it lasted, AGAIN (it was not paused), NONE, OVER.
 * Its parked messages are still to be moved: control_unpark. */
int control_resume_run(struct redis *redis, const struct keys *keys, const char *run, const char *by,
                       enum control_answer *answer_r, char state_r[CONTROL_STATE_BYTES], int64_t *paused_ms_r,
                       struct err *err);

/** Moves the run's parked messages of all stages to now. *moved_r: how many. */
int control_unpark(struct redis *redis, const struct keys *keys, const char *run, int64_t *moved_r,
                   struct err *err);

/** Lets a run whose batches are missing close as incomplete. *left_r: devices still on their way. */
int control_close(struct redis *redis, const struct keys *keys, const char *run,
                  enum control_answer *answer_r, char state_r[CONTROL_STATE_BYTES], int64_t *left_r,
                  struct err *err);

#endif

/**
 * stubs.h - the real skeleton with empty rules as the bench drives it: five stub stages (tests/stub) on a
 * Redis with AOF everysec, runs of devices of about 150 bytes, and what was seen while they ran.
 */
#ifndef BENCH_STUBS_H
#define BENCH_STUBS_H

#include "harness/engine.h"
#include "queue/redis.h"

#define STUBS_MESSAGE 200 /* devices a message between stages, as the pipeline's own */

struct stubs {
    struct engine engine;
    struct redis *redis; /* of the bench's own */
    int64_t peak_kib[ENGINE_STAGES];
};

/** Redis and settings; no stage yet. stages: as of engine_start. A fault ends the program, here and below. */
void stubs_start(struct stubs *stubs, const char *stages);
void stubs_stop(struct stubs *stubs);

/** Starts all five and returns once each has given a sign of life. */
void stubs_start_stages(struct stubs *stubs);
/** SIGTERM, and waits. */
void stubs_stop_stages(struct stubs *stubs);

/** A device of about 150 bytes as JSON, its row from 1. */
void stubs_device(struct buf *out, int row);

/**
 * Publishes a run in batches. max_backlog: it waits while so many messages stand in ingest, as abmctl push
 * does; 0: it does not. Looks at the workers' memory meanwhile.
 */
void stubs_push(struct stubs *stubs, const char *run, int devices, int batch_size, int max_backlog);

/** Waits until the run is closed, and looks at the workers' memory (peak_kib). */
void stubs_await_closed(struct stubs *stubs, const char *run);

/** Pauses and resumes validate; the workers are asleep at the earliest a moment later. */
void stubs_pause(struct stubs *stubs);
void stubs_resume(struct stubs *stubs);

/** Devices handed to the stage, by the messages ever added to its streams, all lanes: XINFO's entries-added.
 */
double stubs_devices_a_message(struct stubs *stubs, const char *stage, int devices);

#endif

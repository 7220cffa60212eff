/**
 * engine.h - five stub stages on a real Redis, for tests of the skeleton: started, killed and started again,
 * with batches pushed by plain XADD as any producer may.
 */
#ifndef HARNESS_ENGINE_H
#define HARNESS_ENGINE_H

#include "harness/proc.h"
#include "harness/redis_server.h"

#define ENGINE_STAGES 5

struct engine {
    struct redis_server redis;
    struct proc workers[ENGINE_STAGES];
    char dir[128];
    char config[192];
    char const *extra_env[8]; /* for all stages: "NAME=VALUE"; NULL-terminated */
};

/** Redis and a settings file. settings: YAML lines under `stages:` ("  assign: { lease: 2s }\n"), or "". */
void engine_start(struct engine *engine, const char *stages_yaml);
void engine_stop(struct engine *engine);

/** Starts the stage at index (validate 0 ... audit 4); its log is appended to DIR/STAGE.log. */
void engine_start_worker(struct engine *engine, int index);
void engine_start_all(struct engine *engine);

/** Pushes count devices of run as batches of batch_size (serials from DEV000000001 on, rows from 1). */
void engine_push(struct engine *engine, const char *run, int count, int batch_size);

/** The same of serials and rows from first + 1 on, so that runs do not claim each other's devices. */
void engine_push_from(struct engine *engine, const char *run, int first, int count, int batch_size);

/** A field of run:ID as a number; -1 where absent. */
int64_t engine_run_number(struct engine *engine, const char *run, const char *field);
/** True once run:ID has that state. */
bool engine_wait_state(struct engine *engine, const char *run, const char *state, int64_t timeout_ms);
/** True once a command has that number. */
bool engine_wait_number(struct engine *engine, const char *command, int64_t number, int64_t timeout_ms);
/** The same, and fails the test where it never is. */
void engine_await(struct engine *engine, const char *command, int64_t number, int64_t timeout_ms);
/** Messages of a stage in all its lanes, those in hand included. */
int64_t engine_messages(struct engine *engine, const char *stage);
/** A command's number (redis_server_number) with {abm:t}: put for every '@'. */
int64_t engine_number(struct engine *engine, const char *command);

/** Fails the test where anything is left: stream entries, pending, parked, claims, notes. */
void engine_assert_clean(struct engine *engine);

#endif

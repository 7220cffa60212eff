/**
 * pipeline.h - the whole pipeline as children of a test: a Redis, abmsim, any number of copies of the five
 * stages, and abmctl at the desk (harness/desk.h). Workers are killed, stopped and started as the test likes.
 * Everything that fails on the way fails the test, and the folder with settings, logs and evidence is kept
 * where ABM_TEST_KEEP is set.
 */
#ifndef HARNESS_PIPELINE_H
#define HARNESS_PIPELINE_H

#include "domain/device.h"
#include "harness/desk.h"
#include "harness/sim.h"

enum pipeline_stage {
    PIPELINE_VALIDATE,
    PIPELINE_IMPORT,
    PIPELINE_ASSIGN,
    PIPELINE_VERIFY,
    PIPELINE_AUDIT,
    PIPELINE_STAGES
};
#define PIPELINE_COPIES_MAX 20

struct pipeline_options {
    const char *bin;        /* TEST_BIN, which tests alone know */
    const char *stages;     /* lines under `stages:`, two blanks before each; NULL: the defaults */
    const char *api;        /* further members of `api:` ("timeout: 2s"); NULL: none */
    const char *limits;     /* members of `limits:` ("max_changes: 10%"); NULL: no brake */
    const char *rate_limit; /* NULL: so high that it is never felt */
    const char *org;        /* further lines of the organization, four blanks before each; NULL: none */
    const char *rules;      /* the mapping's text; NULL: PIPELINE_RULES */
    const char *log_level;  /* of the workers; NULL: their default */
    const char *more;       /* further lines at the top level; NULL: none */
    const char *issuer; /* the token comes from the simulator's issuer: members of `api.issuer` beside url,
                           ids and key ("expires_in: 1h"), or ""; NULL: a token of the environment */
    const char *const *sim_options; /* of abmsim, NULL-terminated, borrowed until stop; NULL: none */
    int copies[PIPELINE_STAGES];    /* 0: one */
};

/* JP: bp-5e6f7g8h on mdm-apac; a serial that begins with F: bp-1a2b3c4d; the others bp-9i0j1k2l. */
#define PIPELINE_RULES                                                                                       \
    "blueprint_mappings:\n"                                                                                  \
    "  - condition: \"serial.startswith('F')\"\n"                                                            \
    "    blueprint_id: \"bp-1a2b3c4d\"\n"                                                                    \
    "  - condition: \"country == 'JP'\"\n"                                                                   \
    "    blueprint_id: \"bp-5e6f7g8h\"\n"                                                                    \
    "    mdm_server: \"mdm-apac\"\n"                                                                         \
    "  - default: \"bp-9i0j1k2l\"\n"

struct pipeline {
    struct desk desk; /* Redis, settings, abmctl: desk_ctl(&pipeline->desk, ...) */
    struct abmsim sim;
    struct proc workers[PIPELINE_STAGES][PIPELINE_COPIES_MAX];
    /* Further environment of each ("NAME=VALUE", NULL-terminated, borrowed) from its next start on; NULL:
     * none. */
    const char *const *env[PIPELINE_STAGES][PIPELINE_COPIES_MAX];
    int copies[PIPELINE_STAGES];
    const char *bin, *log_level;
    char evidence[128]; /* the folder of the one sink */
    int starts, kills;  /* of workers, so far */
};

/** Redis, the simulator, settings and a key; no worker yet. */
void pipeline_start(struct pipeline *pipeline, const struct pipeline_options *options);
/**
 * A new key of the issuer in place of the one in DIR/issuer.p8, which every process reads again: the
 * simulator takes it from now on under the same id, KEY1. The first is made by pipeline_start.
 */
void pipeline_new_issuer_key(struct pipeline *pipeline);
/** Ends all of it. */
void pipeline_stop(struct pipeline *pipeline);

const char *pipeline_stage_name(enum pipeline_stage stage);
/** Starts one copy (it must not run); its log is appended to DIR/STAGE-COPY.log. */
void pipeline_start_worker(struct pipeline *pipeline, enum pipeline_stage stage, int copy);
/** All copies of all stages that do not run. */
void pipeline_start_workers(struct pipeline *pipeline);
/** SIGKILL to one copy; returns once it is gone. */
void pipeline_kill_worker(struct pipeline *pipeline, enum pipeline_stage stage, int copy);
/** SIGTERM to all, then waits; fails the test unless each ends with 0 within timeout_ms. */
void pipeline_stop_workers(struct pipeline *pipeline, int64_t timeout_ms);
/** Fails the test, showing its log's end, where a worker that should run has ended. */
void pipeline_assert_workers_run(struct pipeline *pipeline);
/** Processor time that the running copies have used so far, ms. */
int64_t pipeline_cpu_ms(const struct pipeline *pipeline);
/** The same of one. */
int64_t pipeline_worker_cpu_ms(const struct pipeline *pipeline, enum pipeline_stage stage, int copy);
/** Bytes in all logs of workers so far. */
int64_t pipeline_log_bytes(const struct pipeline *pipeline);
/** How often text stands in all logs of workers so far ("\"event\":\"breaker_opened\""). */
int64_t pipeline_log_count(const struct pipeline *pipeline, const char *text);

/**
 * Writes a CSV of count devices: row i (from 2) is the serial PREFIX and i-2 in as many digits as make 12,
 * countries JP, DE, US in turn. Returns its path.
 */
const char *pipeline_csv(struct pipeline *pipeline, const char *name, const char *prefix, int count);
/** The blueprint and server that PIPELINE_RULES wants for a serial of that country; *server_r NULL: any. */
const char *pipeline_wanted(const char *serial, const char *country, const char **server_r);
/** The country of row `at` (from 0) of pipeline_csv. */
const char *pipeline_country(int at);

/* One `abmctl import --json` in the background. */
struct pipeline_push {
    struct proc proc;
    char out_path[160], err_path[160];
    int64_t began_boot_ms;
};

/* What it ended with: DESIGN.md 10. */
struct pipeline_result {
    int status; /* exit status */
    char run[65], state[16], manifest[512];
    int64_t total, assigned, unchanged, removed, rejected, duplicate, conflict, failed, cancelled, dead;
    int64_t ms; /* as the test measured it */
};

/** Begins `abmctl import --json --input csv WORDS...`. */
void pipeline_push_begin(struct pipeline *pipeline, struct pipeline_push *push, const char *csv, ...)
    __attribute__((sentinel));
/** Begins `abmctl apply --json --confirm --wait --plan plan WORDS...`; ended as a push. */
void pipeline_apply_begin(struct pipeline *pipeline, struct pipeline_push *push, const char *plan, ...)
    __attribute__((sentinel));
/** True once it has ended, waiting for up to ms. */
bool pipeline_push_ends(struct pipeline_push *push, int64_t ms);
/** Waits and reads the result; fails the test where it does not end in time or prints no result. */
void pipeline_push_end(struct pipeline *pipeline, struct pipeline_push *push, int64_t timeout_ms,
                       struct pipeline_result *result_r);
/** begin and end. */
void pipeline_import(struct pipeline *pipeline, const char *csv, int64_t timeout_ms,
                     struct pipeline_result *result_r);

/** pipeline_apply_begin and end. */
void pipeline_apply(struct pipeline *pipeline, const char *plan, int64_t timeout_ms,
                    struct pipeline_result *result_r);

/** The id of the run that was created last; "" where there is none. In static storage. */
const char *pipeline_last_run(struct pipeline *pipeline);
/** True once run:ID has that state. */
bool pipeline_wait_state(struct pipeline *pipeline, const char *run, const char *state, int64_t timeout_ms);

/** Calls see for each record of a run's record files, in their order; the device's texts live for the call.
 * Returns how many. */
int64_t pipeline_records(struct pipeline *pipeline, const char *run,
                         void (*see)(void *user, const struct device *record), void *user);

/** A counter of the simulator (abmsim_stat); fails the test where it cannot be had. */
int64_t pipeline_stat(struct pipeline *pipeline, const char *name);
/** Waits until it is at_least so much; fails the test where that does not come in time. */
void pipeline_await_stat(struct pipeline *pipeline, const char *name, int64_t at_least, int64_t timeout_ms);
/** `abmctl audit verify` of the whole sink says whole. */
void pipeline_assert_evidence_whole(struct pipeline *pipeline);
/**
 * Fails the test where anything is left of a closed run: stream entries, pending ones, parked ones, counted
 * devices, notes, claims, open runs. Claims that are kept against late writes have api.timeout + 5 s to go.
 */
void pipeline_assert_clean(struct pipeline *pipeline);
/** Dead letters of a stage. */
int64_t pipeline_letters(struct pipeline *pipeline, enum pipeline_stage stage);
/** No dead letter of any stage; fails showing the first. */
void pipeline_assert_no_letters(struct pipeline *pipeline);
/** The simulator kept no violation of the contract. */
void pipeline_assert_no_violations(struct pipeline *pipeline);
/**
 * Devices 0..count-1 of pipeline_csv(prefix): the simulator has each with the wanted blueprint and server in
 * effect, and the run has exactly one record of each, with that outcome.
 */
void pipeline_assert_all(struct pipeline *pipeline, const char *run, const char *prefix, int count,
                         enum outcome outcome);

#endif

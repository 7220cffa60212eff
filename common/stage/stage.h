/**
 * stage.h - the skeleton. A stage is its rule: a table of functions that stage_main() drives over a Redis
 * stream. The skeleton owns options, settings, signals, Redis, the loop, leases, retries, dead letters, the
 * breaker, health. A rule never sees Redis. stages/README.md tells each state of a message and what a crash
 * leaves.
 */
#ifndef STAGE_STAGE_H
#define STAGE_STAGE_H

#include "base/buf.h"
#include "domain/ingest.h"
#include "domain/settings.h"
#include "queue/brake.h"
#include "queue/cache.h"
#include "queue/chain.h"
#include "queue/health.h"
#include "queue/limiter.h"
#include "queue/notes.h"
#include "queue/runbook.h"
#include "queue/sealed.h"
#include "stage/crypto_seam.h"
#include "stage/job.h"

struct batch {
    struct job *jobs;
    size_t count;
    struct pool *pool; /* for text that jobs or devices get; freed after settle */
    int64_t now_ms;    /* Redis time when the batch began */

    const struct ingest *ingest; /* validate: the one message in hand; NULL elsewhere */
    const char *run;             /* audit and validate: the run of all jobs (a batch there is one run's) */
    const char *uid;             /* audit: the name for the part of these records */
    bool is_close;               /* audit: a closing message, no jobs */

    /* validate fills these where it used its own mapping: stored under rules:SHA256 in the settle */
    const char *mapping_sha256, *mapping_text;
    size_t mapping_len;

    /* audit fills these */
    const char *part_sha256;    /* the part that was written and synced; NULL: none */
    enum verdict close_verdict; /* VERDICT_FINISH: closed; VERDICT_WAIT: later */
    const char *manifest_path,
        *manifest_sha256;    /* close: where it lies in the first sink, and its payload's hash */
    int64_t records_files;   /* close: record files written, in all */
    int64_t manifest_number; /* close: in its name */
};

/* What a rule may use besides its batch. Each member has an in-memory double in tests/harness. */
struct stage_env {
    const char *stage;
    const struct settings *settings;
    const struct org_settings *org;
    const struct stage_settings *own; /* settings->stages[this] */
    struct limiter limiter;
    struct cache cache;
    struct notes notes;
    struct brake brake; /* ops NULL: the organization has no limit of changes */
    struct health health;
    struct runbook runbook;
    struct chain chain;
    struct sealed sealed;
    const char *consumer;           /* this worker's name, never used twice */
    const char *version;            /* of the pipeline */
    int64_t (*now_ms)(void *clock); /* Redis time, estimated between calls */
    void *clock;
    bool (*is_stopping)(void *stop); /* true after SIGTERM: start no new request */
    void *stop;
};

struct stage {
    const char *name;
    const char *next;                  /* stage that `pass` leads to; NULL: none (audit) */
    const char *help;                  /* one line for --help */
    const struct stage_crypto *crypto; /* never NULL */
    bool needs_api;                    /* nothing is read while the breaker is open */

    int (*open)(const struct stage_env *env, void **state_r, struct err *err);
    /**
     * Gives every job a verdict. -1: the whole batch goes back with attempts unchanged; the class of err
     * decides what else: SERVICE opens the breaker with err as its reason (for needs_api), LATER only waits.
     */
    int (*handle)(void *state, struct batch *batch, struct err *err);
    /** One cheap read of the API. 0: it serves. NULL where !needs_api. */
    int (*probe)(void *state, struct err *err);
    void (*close)(void *state);
    /** audit: a run is not kept any more; what is left of it outside Redis and the sinks may go. NULL:
     * nothing is. */
    void (*forget)(void *state, const char *run);
};

/** Runs the stage until SIGTERM; returns the exit status. */
int stage_main(int argc, char **argv, const struct stage *stage);

#endif

/**
 * redis_faults.h - faults of Redis under the whole pipeline: a run is loaded while validate is paused, the
 * fault is made, the run is let go, the fault is watched (is it named, is nobody busy?) and mended, and the
 * run has to end whole. Prints a table of it. Everything that fails on the way fails the test.
 */
#ifndef HARNESS_REDIS_FAULTS_H
#define HARNESS_REDIS_FAULTS_H

#include "harness/pipeline.h"

#define REDIS_FAULTS_WORDS_MAX 128

struct redis_faults {
    struct pipeline pipeline;
    bool has_user; /* the workers log in as `worker`, so that the test can take commands from them alone */
    int loads, devices;
    char run[32], prefix[16];
    int64_t logged[PIPELINE_STAGES]; /* bytes of each worker's log when the load began */
    /* of the watch */
    int64_t commands, lines, boot_ms;
    double commands_a_second, lines_a_second;
    bool is_watched;
    char said[64]; /* for the table: what happened */
};

/** A pipeline whose workers run. has_user: they log in as an ACL user of their own. */
void redis_faults_start(struct redis_faults *faults, const char *bin, bool has_user);
void redis_faults_stop(struct redis_faults *faults);

/** One more run of so many devices, which stands in ingest until redis_faults_release. */
void redis_faults_load(struct redis_faults *faults, int devices);
/** Validate reads again. Not by abmctl, whose words may be refused too: by the key itself. */
void redis_faults_release(struct redis_faults *faults);

/** True where the workers' logs hold words, in this or in lower case, since the load. */
bool redis_faults_is_logged(struct redis_faults *faults, const char *words);
/** Fails where that does not come in 20 s, or the run closes before. */
void redis_faults_expect_logged(struct redis_faults *faults, const char *words);
/** Fails where `abmctl status` does not come to show one of both (or NULL) in 20 s. */
void redis_faults_expect_status(struct redis_faults *faults, const char *words, const char *or_words);
/** Watches for ms: how many commands Redis gets, and how many lines are logged. Fails where that is a loop.
 */
void redis_faults_watch(struct redis_faults *faults, int64_t ms);
/** For what is to be watched only: nothing is awaited by it. */
void redis_faults_let_pass(int64_t ms);
/** The same in two steps, where Redis cannot be asked meanwhile. */
void redis_faults_watch_begin(struct redis_faults *faults);
void redis_faults_watch_end(struct redis_faults *faults);

/** The run closes with every device assigned once; adds the row `name`. */
void redis_faults_end(struct redis_faults *faults, const char *name);
/** Of the run's devices: how many have no record, or more than one. */
void redis_faults_tally(struct redis_faults *faults, int *lost_r, int *doubled_r);
/** A row of the table: devices, lost and doubled, the watch's figures, what was said. */
void redis_faults_row(struct redis_faults *faults, const char *name, int lost, int doubled);

/** A Redis command made of words parted by blanks, of which '@' begins a key; error replies fail. */
int64_t redis_faults_tell(struct redis_faults *faults, const char *command);

#endif

/**
 * batch.h - a batch of devices as the skeleton gives it to a rule, for tests without Redis.
 */
#ifndef HARNESS_BATCH_H
#define HARNESS_BATCH_H

#include "stage/stage.h"

#define BATCH_NOW_MS INT64_C(1795507200000)

struct batch_made {
    struct batch batch; /* what the rule gets */
    struct pool *pool;
    size_t max;
};

/** A batch without jobs, with room for max, at BATCH_NOW_MS. */
void batch_make(struct batch_made *made, size_t max);
void batch_unmake(struct batch_made *made);

/**
 * Adds a device of the message with that stream id: row by its place, country DE, device id "dev-SERIAL",
 * wanted blueprint "bp-want", message "1-1" where NULL. The caller changes what its case needs. Texts are
 * borrowed.
 */
struct job *batch_add(struct batch_made *made, const char *serial, const char *message);

/** All verdicts taken back, as at the next delivery; devices stay as the rule left them. */
void batch_again(struct batch_made *made);

/** Fails the test, naming what, unless the job has that verdict. */
void want_verdict(const char *what, const struct job *job, enum verdict verdict);
void want_finish(const char *what, const struct job *job, enum outcome outcome, enum err_code code);
/** A wait with that deadline code and delay. */
void want_wait(const char *what, const struct job *job, enum err_code code, int64_t delay_ms);
/** Both may be NULL. */
void want_text(const char *what, const char *got, const char *want);

#endif

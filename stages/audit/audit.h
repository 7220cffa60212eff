/**
 * audit.h - the rule of abm-audit: writes down how each device ended, and closes runs. What an operator needs
 * to know is in README.md beside this file; how evidence looks is common/evidence/README.md's.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "crypto/signer.h"
#include "evidence/sink.h"
#include "stage/stage.h"

struct audit {
    const struct stage_env *env;
    struct runbook runbook; /* copies of the env's: calls want them writable */
    struct chain chain;
    struct signer *signer;
    struct sink **sinks;
    size_t sink_count;
};

/** Opens the signer and the sinks: a key that cannot be had shows at the start. *state_r is a struct audit.
 */
int audit_open(const struct stage_env *env, void **state_r, struct err *err);

/**
 * A batch of devices: writes their records as the part batch->uid, every job passes. A closing message:
 * closes the run. -1: the whole is put back; the class of err is never worse than LATER, since what one run
 * cannot have written must not stop the others.
 */
int audit_batch(void *state, struct batch *batch, struct err *err);

/** A run is not kept any more: parts that are left of it in the spool go. */
void audit_forget(void *state, const char *run);

void audit_close(void *state);

#endif

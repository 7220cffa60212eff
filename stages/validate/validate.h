/**
 * validate.h - the rule of abm-validate: which devices of an ingest message may go on, and what is wanted of
 * each (DESIGN.md 5, 6).
 */
#ifndef VALIDATE_VALIDATE_H
#define VALIDATE_VALIDATE_H

#include "abm/api.h"
#include "domain/check.h"
#include "rulebook.h"
#include "stage/stage.h"

struct validate {
    struct abm_api api;
    struct runbook runbook;
    const char *mdm_server; /* of the settings, id or name; NULL: the server is left as it is */
    struct serial_pattern *pattern;
    struct rulebook rulebook;
};

/** Compiles serial_pattern and the own mapping. api and org are borrowed. -1: nothing is left to release. */
int validate_init(struct validate *validate, struct abm_api api, struct runbook runbook,
                  const struct org_settings *org, struct err *err);
void validate_release(struct validate *validate);

/**
 * Gives every job of one ingest message a verdict. jobs[0..ingest->count) are its devices in order, then come
 * the rows that push rejected.
 *
 *   a row that push rejected     finish rejected or duplicate, with push's code
 *   a bad value                  finish rejected
 *   a serial again               finish duplicate; the lowest row of those with good values goes on
 *   no rule, a rule beyond its   finish rejected
 *     limit, an unknown
 *     blueprint or server
 *   the named mapping is away    the whole message waits: its registration is one
 *   otherwise                    pass, with blueprint, server (an id) and rule; further columns end here
 *
 * Where the batch names no mapping, the own one decides and is left in batch->mapping_*, for the settle to
 * store.
 *
 * @return 0; -1: nobody can go on (the catalog or Redis failed), the whole message goes back
 */
int validate_batch(struct validate *validate, struct batch *batch, struct err *err);

#endif

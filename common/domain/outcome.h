/**
 * outcome.h - how a device ended: the closed list of DESIGN.md 5, in the order of the tables.
 */
#ifndef DOMAIN_OUTCOME_H
#define DOMAIN_OUTCOME_H

#include <stdbool.h>

enum outcome {
    OUTCOME_NONE, /* not ended yet */
    OUTCOME_ASSIGNED,
    OUTCOME_UNCHANGED,
    OUTCOME_REMOVED,
    OUTCOME_REJECTED,
    OUTCOME_DUPLICATE,
    OUTCOME_CONFLICT,
    OUTCOME_FAILED,
    OUTCOME_CANCELLED,
    OUTCOME_COUNT,
};

/** "assigned", ...; "none" for OUTCOME_NONE. Static storage. */
const char *outcome_name(enum outcome outcome) __attribute__((returns_nonnull));
/** OUTCOME_NONE where the name is none of the list. */
enum outcome outcome_from_name(const char *name);
/** True for the outcomes that leave exit status 0: assigned, unchanged, removed, duplicate. */
bool outcome_is_good(enum outcome outcome);

#endif

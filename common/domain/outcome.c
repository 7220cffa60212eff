#include "domain/outcome.h"

#include <string.h>

static const char *const names[OUTCOME_COUNT] = {
    [OUTCOME_NONE] = "none",         [OUTCOME_ASSIGNED] = "assigned", [OUTCOME_UNCHANGED] = "unchanged",
    [OUTCOME_REMOVED] = "removed",   [OUTCOME_REJECTED] = "rejected", [OUTCOME_DUPLICATE] = "duplicate",
    [OUTCOME_CONFLICT] = "conflict", [OUTCOME_FAILED] = "failed",     [OUTCOME_CANCELLED] = "cancelled",
};

const char *outcome_name(enum outcome outcome)
{
    return (unsigned)outcome < OUTCOME_COUNT ? names[outcome] : names[OUTCOME_NONE];
}

enum outcome outcome_from_name(const char *name)
{
    if (name == NULL)
        return OUTCOME_NONE;
    for (unsigned i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return (enum outcome)i;
    return OUTCOME_NONE;
}

bool outcome_is_good(enum outcome outcome)
{
    return outcome == OUTCOME_ASSIGNED || outcome == OUTCOME_UNCHANGED || outcome == OUTCOME_REMOVED ||
           outcome == OUTCOME_DUPLICATE;
}

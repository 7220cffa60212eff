/**
 * rules_warn.h - what is probably a mistake in a mapping that can be used: rules that no device ever hits,
 * and a default that is missing. rule_cover.h judges; here it becomes words, for rules test and config check.
 */
#ifndef ABMCTL_RULES_WARN_H
#define ABMCTL_RULES_WARN_H

#include "ctl.h"
#include "rules_file.h"

struct rules_warning {
    const char *kind;                /* "unreachable", "shadowed", "no_default" */
    size_t line;                     /* of the rule; of the last one where the default is missing */
    const struct mapping_rule *rule; /* NULL: no_default */
    const size_t *takers;            /* shadowed: indices of the rules that take its devices */
    size_t taker_count;
    const char *text;
};

/** Borrowed for the call; -1 with err ends. */
typedef int rules_warn_fn(void *ctx, const struct rules_warning *warning, struct err *err);

/**
 * Calls warn for each, in the order of the file.
 *
 * @return how many there are; -1 with err. *unjudged_r: rules of which nothing could be said (rule_cover.h)
 */
int rules_warn(const struct mapping *mapping, rules_warn_fn *warn, void *ctx, int64_t *unjudged_r,
               struct err *err);

/** Where rules_warn_show puts a warning. */
struct rules_warn_place {
    struct ctl *ctl;
    const char *path, *org; /* org: NULL where there is none to name */
    const struct mapping *mapping;
    struct json_out *warnings; /* under --json: an open list */
};

/** rules_warn_fn: a line on stderr, "PATH line 12: TEXT", or an object of the list. ctx: rules_warn_place. */
int rules_warn_show(void *place, const struct rules_warning *warning, struct err *err);

#endif

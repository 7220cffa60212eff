/**
 * targets.h - what the rules of a mapping want, as ABM knows it: of each rule the blueprint, and the server
 * by its id. What ABM lacks is said once a rule, with the rule's line.
 */
#ifndef ABMCTL_TARGETS_H
#define ABMCTL_TARGETS_H

#include "abm/api.h"
#include "ctl.h"
#include "rules_file.h"

struct target {
    bool is_usable; /* ABM has all of it */
    const char *blueprint_id;
    const char *server_id; /* NULL: the server is left as it is */
};

struct targets {
    struct ctl *ctl;
    const struct rules_file *rules;
    struct pool *pool;
    struct target *at; /* by rule */
};

/** ctl and rules are borrowed. */
int targets_init(struct targets *targets, struct ctl *ctl, const struct rules_file *rules, struct err *err);
/** All zero is fine. */
void targets_release(struct targets *targets);

/**
 * Looks up what the rules want that have devices (by_rule: how many, by the rule's place), and says on stderr
 * what ABM lacks. The server is the rule's, else the organization's. ERR_ABM_*, ERR_REDIS_*, ERR_STOPPED.
 */
int targets_find(struct targets *targets, const struct abm_api *api, const int64_t *by_rule, struct err *err);

const struct target *targets_at(const struct targets *targets, const struct mapping_rule *rule);

/** Devices whose rule wants what ABM lacks. */
int64_t targets_untargeted(const struct targets *targets, const int64_t *by_rule);

#endif

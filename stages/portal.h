/**
 * portal.h - opening ABM's client from the skeleton's means. Skeleton and client know nothing of each other
 * (DESIGN.md 3); here, for the stages that need both, they meet.
 */
#ifndef STAGES_PORTAL_H
#define STAGES_PORTAL_H

#include "abm/api.h"
#include "stage/stage.h"

struct portal {
    struct abm_api api;
    struct abm_client *client;

    struct abm_env env; /* what the client borrows, here and below */
    struct limiter limiter;
    struct cache cache;
    struct health health;
    struct sealed sealed;
    char user_agent[64];
};

/**
 * A stage's own structure of `size` bytes, all 0, whose first member is its portal, with the client opened by
 * the organization's settings. NULL with err. It stays where it is until portal_free.
 */
void *portal_new(size_t size, const struct stage_env *env, struct err *err);
/** For struct stage: closes the client and frees the whole. */
void portal_free(void *state);
/** For struct stage: one cheap read. */
int portal_probe(void *state, struct err *err);

#endif

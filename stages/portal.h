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
    char user_agent[64];
};

/** Opens the client by the organization's settings. The portal must stay where it is until portal_close. */
int portal_open(struct portal *portal, const struct stage_env *env, struct err *err);
void portal_close(struct portal *portal);

#endif

/**
 * ctl_portal.h - ABM's client for a command, as portal.h opens it for the stages: its requests take slots of
 * the organization's shared limiter, as a group of its own ("abmctl") that takes turns with the stages.
 */
#ifndef ABMCTL_CTL_PORTAL_H
#define ABMCTL_CTL_PORTAL_H

#include "abm/api.h"
#include "ctl.h"

struct ctl_portal {
    struct abm_api api;
    struct abm_client *client;

    struct abm_env env; /* what the client borrows, here and below */
    struct shared shared;
    struct limiter limiter;
    struct cache cache;
    struct health health;
    struct sealed sealed;
    char consumer[128];
};

/**
 * Opens Redis (ctl_open_redis) and the client, and catches signals (ctl_catch_signals): a stop ends what is
 * read with ERR_STOPPED. *portal stays where it is until ctl_portal_close. ERR_REDIS_*, ERR_SETTINGS*.
 */
int ctl_portal_open(struct ctl *ctl, struct ctl_portal *portal, struct err *err);
/** All zero is fine. */
void ctl_portal_close(struct ctl_portal *portal);

#endif

#include "portal.h"

#include <stdio.h>

#include "base/log.h"

static void warn_notice(void *user, const char *event, const char *text)
{
    (void)user;
    log_warn(event, "text", text, NULL);
}

int portal_open(struct portal *portal, const struct stage_env *env, struct err *err)
{
    portal->limiter = env->limiter;
    portal->cache = env->cache;
    portal->health = env->health;
    snprintf(portal->user_agent, sizeof(portal->user_agent), "abm-pipeline/%s", env->version);
    portal->env = (struct abm_env){
        .org = env->org,
        .allow_mount_mode = env->settings->secrets_allow_mount_mode,
        .concurrency = (int)env->own->concurrency,
        .limiter = &portal->limiter,
        .cache = &portal->cache,
        .health = &portal->health,
        .user_agent = portal->user_agent,
        .is_stopping = env->is_stopping,
        .stop = env->stop,
        .warn = warn_notice,
    };
    if (abm_client_new(&portal->env, &portal->client, err) != 0)
        return -1;
    portal->api = abm_api_of(portal->client);
    return 0;
}

void portal_close(struct portal *portal)
{
    abm_client_free(portal->client);
    portal->client = NULL;
}

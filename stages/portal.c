#include "portal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static void warn_notice(void *user, const char *event, const char *text)
{
    (void)user;
    log_warn(event, "text", text, NULL);
}

static int open_client(struct portal *portal, const struct stage_env *env, struct err *err)
{
    portal->limiter = env->limiter;
    portal->cache = env->cache;
    portal->health = env->health;
    portal->sealed = env->sealed;
    snprintf(portal->user_agent, sizeof(portal->user_agent), "abm-pipeline/%s", env->version);
    portal->env = (struct abm_env){
        .org = env->org,
        .allow_mount_mode = env->settings->secrets_allow_mount_mode,
        .concurrency = (int)env->own->concurrency,
        .limiter = &portal->limiter,
        .cache = &portal->cache,
        .health = &portal->health,
        .sealed = &portal->sealed,
        .seal_key = env->settings->secrets_seal_key,
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

void *portal_new(size_t size, const struct stage_env *env, struct err *err)
{
    struct portal *portal = calloc(1, size);

    if (portal == NULL) {
        err_set(err, ERR_NOMEM, 0, "no memory for the client");
        return NULL;
    }
    if (open_client(portal, env, err) == 0)
        return portal;
    free(portal);
    return NULL;
}

void portal_free(void *state)
{
    struct portal *portal = state;

    abm_client_free(portal->client);
    free(portal);
}

int portal_probe(void *state, struct err *err)
{
    struct portal *portal = state;

    return abm_api_probe(&portal->api, err);
}

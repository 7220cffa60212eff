#include "ctl_portal.h"

#include <stdio.h>
#include <unistd.h>

#include "base/rand.h"

/* Requests under way at once: more than enough for the rate of any contract, few enough for a command. */
#define CONCURRENCY 8

static bool is_stopping(void *stop)
{
    return ctl_is_stopped(stop);
}

static void say_notice(void *user, const char *event, const char *text)
{
    (void)event;
    ctl_say(user, "%s", text);
}

/*
 * What a command reads is no word on the stages' devices: whether one of theirs is charged with a failure is
 * judged by what the stages themselves saw.
 */
static int report_nothing(void *ctx, const struct health_report *report, struct err *err)
{
    (void)ctx, (void)report, (void)err;
    return 0;
}

/* Unique, since the limiter keeps one place in its queue for a name. */
static void name_consumer(char *name, size_t size)
{
    char host[64] = "", unique[17];

    if (gethostname(host, sizeof(host) - 1) != 0)
        snprintf(host, sizeof(host), "host");
    snprintf(name, size, "abmctl-%s-%d-%s", host, (int)getpid(), rand_hex16(unique));
}

int ctl_portal_open(struct ctl *ctl, struct ctl_portal *portal, struct err *err)
{
    static const struct health_ops health_ops = { .report = report_nothing };
    const struct rate_limit *limit;

    *portal = (struct ctl_portal){ 0 };
    if (ctl_open_redis(ctl, err) != 0 || ctl_catch_signals(ctl, err) != 0)
        return -1;
    limit = &ctl->org->rate_limit;
    name_consumer(portal->consumer, sizeof(portal->consumer));
    portal->shared = (struct shared){
        .redis = ctl->redis,
        .keys = &ctl->keys,
        .stage = "abmctl",
        .consumer = portal->consumer,
        .rate = limiter_rate_of(limit->requests, limit->per_ms, limit->burst),
        .is_stopping = is_stopping,
        .stop = ctl,
    };
    portal->limiter = shared_limiter(&portal->shared);
    portal->cache = shared_cache(&portal->shared);
    portal->sealed = shared_sealed(&portal->shared);
    portal->health = (struct health){ .ops = &health_ops };
    portal->env = (struct abm_env){
        .org = ctl->org,
        .allow_mount_mode = ctl->settings->secrets_allow_mount_mode,
        .concurrency = CONCURRENCY,
        .limiter = &portal->limiter,
        .cache = &portal->cache,
        .health = &portal->health,
        .sealed = &portal->sealed,
        .seal_key = ctl->settings->secrets_seal_key,
        .user_agent = "abm-pipeline/" ABM_VERSION,
        .is_stopping = is_stopping,
        .stop = ctl,
        .leaves_reads = true,
        .warn = say_notice,
        .warn_user = ctl,
    };
    if (abm_client_new(&portal->env, &portal->client, err) != 0)
        return -1;
    portal->api = abm_api_of(portal->client);
    return 0;
}

void ctl_portal_close(struct ctl_portal *portal)
{
    abm_client_free(portal->client);
    portal->client = NULL;
}

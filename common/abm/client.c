#include "abm/client.h"

#include <stdlib.h>

#include "abm/exec.h"
#include "abm/private.h"
#include "abm/shared_token.h"
#include "http/url.h"

static int check_env(const struct abm_env *env, const struct abm_dialect *dialect, const char *served,
                     struct err *err)
{
    const struct org_settings *org = env->org;
    bool is_https, is_loopback;

    if (dialect == NULL)
        return err_set(err, ERR_SETTINGS, 0, "orgs.%s.api.dialect: \"%s\" is not served; served are: %s",
                       org->name, org->api_dialect, served);
    if (url_check(org->api_base_url, &is_https, &is_loopback, err) != 0)
        return err_prefix(err, "orgs.%s.api.base_url", org->name);
    if (!is_https && !is_loopback && !org->api_allow_http)
        return err_set(
            err, ERR_SETTINGS, 0,
            "orgs.%s.api.base_url: \"%s\" is plain http to another host: use https, or say api.allow_http",
            org->name, org->api_base_url);
    return 0;
}

static int open_transport(struct abm_client *client, struct err *err)
{
    const struct org_settings *org = client->env.org;
    struct http_settings settings = {
        .user_agent = client->env.user_agent,
        .ca_file = org->api_ca_file,
        .timeout_ms = org->api_timeout_ms,
        .concurrency = client->env.concurrency,
        .max_body_bytes = ABM_BODY_MAX,
        .allow_http = org->api_allow_http,
    };

    if (client->env.transport != NULL) {
        client->transport = *client->env.transport;
        return 0;
    }
    if (http_new(&settings, &client->http, err) != 0)
        return -1;
    client->transport = http_transport(client->http);
    return 0;
}

/* A token of its own, or the one that the issuer gives to all workers. */
static int open_token(struct abm_client *client, struct err *err)
{
    const struct abm_env *env = &client->env;
    struct shared_token_env shared_env = {
        .org = env->org,
        .seal_key = env->seal_key,
        .allow_mount_mode = env->allow_mount_mode,
        .sealed = env->sealed,
        .user_agent = env->user_agent,
        .transport = env->transport,
        .is_stopping = env->is_stopping,
        .stop = env->stop,
        .warn = env->warn,
        .warn_user = env->warn_user,
    };
    struct shared_token *shared;

    if (env->org->api_issuer.url == NULL) {
        token_init(&client->token, env->org->api_token, env->allow_mount_mode);
        return 0;
    }
    if (env->sealed == NULL || env->seal_key == NULL)
        return err_set(err, ERR_BUG, 0, "orgs.%s.api.issuer: no place to keep the token in", env->org->name);
    if (shared_token_new(&shared_env, &shared, err) != 0)
        return -1;
    token_init_shared(&client->token, shared);
    return 0;
}

int abm_client_new(const struct abm_env *env, struct abm_client **client_r, struct err *err)
{
    const char *served = NULL;
    const struct abm_dialect *dialect = abm_dialect_find(env->org->api_dialect, &served);
    struct abm_client *client;

    if (check_env(env, dialect, served, err) != 0)
        return -1;
    client = calloc(1, sizeof(*client));
    if (client == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a client of ABM");
    client->env = *env;
    client->dialect = dialect;
    if (client->env.concurrency < 1)
        client->env.concurrency = 1;
    if (client->env.concurrency > HTTP_CONCURRENCY_MAX)
        client->env.concurrency = HTTP_CONCURRENCY_MAX;
    catalog_init(&client->blueprints, "catalog-blueprints");
    catalog_init(&client->servers, "catalog-servers");
    if (open_token(client, err) != 0 || open_transport(client, err) != 0) {
        abm_client_free(client);
        return -1;
    }
    *client_r = client;
    return 0;
}

void abm_client_free(struct abm_client *client)
{
    if (client == NULL)
        return;
    http_free(client->http);
    token_release(&client->token);
    catalog_release(&client->blueprints);
    catalog_release(&client->servers);
    free(client);
}

int abm_import(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
               struct err *err)
{
    return exec_run(client, client->dialect->import, items, count, pool, NULL, err);
}

int abm_read(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
             struct err *err)
{
    return exec_run(client, client->dialect->read, items, count, pool, NULL, err);
}

int abm_assign(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
               struct err *err)
{
    return exec_run(client, client->dialect->assign, items, count, pool, NULL, err);
}

int abm_unassign(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
                 struct err *err)
{
    return exec_run(client, client->dialect->unassign, items, count, pool, NULL, err);
}

int abm_find(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
             struct err *err)
{
    return exec_run(client, client->dialect->find, items, count, pool, NULL, err);
}

/* A list that keeps nothing itself: its sink does. */
static int run_list(struct abm_client *client, const struct abm_op *op, void *user, struct err *err)
{
    struct pool *pool = pool_new(64u << 10);
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "%s: no memory for it", op->id);
    rc = exec_run(client, op, NULL, 0, pool, user, err);
    pool_free(pool);
    return rc;
}

int abm_list_devices(struct abm_client *client, const struct abm_device_sink *sink, struct err *err)
{
    struct abm_device_sink own = *sink;

    return run_list(client, client->dialect->devices, &own, err);
}

int abm_list_assignments(struct abm_client *client, const struct abm_assignment_sink *sink, struct err *err)
{
    struct abm_assignment_sink own = *sink;

    return run_list(client, client->dialect->assignments, &own, err);
}

int abm_renew_token(struct abm_client *client, struct err *err)
{
    if (client->token.shared == NULL)
        return err_set(err, ERR_USAGE, 0,
                       "orgs.%s has api.token, which nothing renews: there is no api.issuer",
                       client->env.org->name);
    return shared_token_renew(client->token.shared, err) < 0 ? -1 : 0;
}

int abm_probe(struct abm_client *client, struct err *err)
{
    return run_list(client, client->dialect->probe, NULL, err);
}

int abm_blueprint_known(struct abm_client *client, const char *id, enum abm_known *known_r, struct err *err)
{
    const struct catalog_entry *entry;

    if (catalog_find(client, &client->blueprints, client->dialect->blueprints, id, false, &entry, err) != 0)
        return -1;
    *known_r = entry != NULL ? ABM_KNOWN : ABM_UNKNOWN;
    return 0;
}

int abm_server_find(struct abm_client *client, const char *id_or_name, struct pool *pool, const char **id_r,
                    enum abm_known *known_r, struct err *err)
{
    const struct catalog_entry *entry;

    if (catalog_find(client, &client->servers, client->dialect->servers, id_or_name, true, &entry, err) != 0)
        return -1;
    *known_r = entry != NULL ? ABM_KNOWN : ABM_UNKNOWN;
    *id_r = NULL;
    if (entry == NULL)
        return 0;
    *id_r = pool_strdup(pool, entry->id);
    return *id_r != NULL ? 0 : pool_failed(pool, err);
}

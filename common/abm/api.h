/**
 * api.h - the client's functions as an interface, so that a rule is tested without network: the real one
 * (client.h) in api.c, a scripted one in tests/harness/fake_abm.h. What each call does, client.h says.
 */
#ifndef ABM_API_H
#define ABM_API_H

#include "abm/client.h"

struct abm_api_ops {
    int (*import)(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err);
    int (*read)(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err);
    int (*assign)(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err);
    int (*unassign)(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err);
    int (*find)(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err);
    int (*list_devices)(void *ctx, const struct abm_device_sink *sink, struct err *err);
    int (*list_assignments)(void *ctx, const struct abm_assignment_sink *sink, struct err *err);
    int (*probe)(void *ctx, struct err *err);
    int (*blueprint_known)(void *ctx, const char *id, enum abm_known *known_r, struct err *err);
    int (*server_find)(void *ctx, const char *id_or_name, struct pool *pool, const char **id_r,
                       enum abm_known *known_r, struct err *err);
};

struct abm_api {
    const struct abm_api_ops *ops;
    void *ctx;
};

/** The interface over a client, which it borrows. */
struct abm_api abm_api_of(struct abm_client *client) __attribute__((nonnull(1)));

static inline int abm_api_import(const struct abm_api *api, struct abm_item *items, size_t count,
                                 struct pool *pool, struct err *err)
{
    return api->ops->import(api->ctx, items, count, pool, err);
}

static inline int abm_api_read(const struct abm_api *api, struct abm_item *items, size_t count,
                               struct pool *pool, struct err *err)
{
    return api->ops->read(api->ctx, items, count, pool, err);
}

static inline int abm_api_assign(const struct abm_api *api, struct abm_item *items, size_t count,
                                 struct pool *pool, struct err *err)
{
    return api->ops->assign(api->ctx, items, count, pool, err);
}

static inline int abm_api_unassign(const struct abm_api *api, struct abm_item *items, size_t count,
                                   struct pool *pool, struct err *err)
{
    return api->ops->unassign(api->ctx, items, count, pool, err);
}

static inline int abm_api_find(const struct abm_api *api, struct abm_item *items, size_t count,
                               struct pool *pool, struct err *err)
{
    return api->ops->find(api->ctx, items, count, pool, err);
}

static inline int abm_api_list_devices(const struct abm_api *api, const struct abm_device_sink *sink,
                                       struct err *err)
{
    return api->ops->list_devices(api->ctx, sink, err);
}

static inline int abm_api_list_assignments(const struct abm_api *api, const struct abm_assignment_sink *sink,
                                           struct err *err)
{
    return api->ops->list_assignments(api->ctx, sink, err);
}

static inline int abm_api_probe(const struct abm_api *api, struct err *err)
{
    return api->ops->probe(api->ctx, err);
}

static inline int abm_api_blueprint_known(const struct abm_api *api, const char *id, enum abm_known *known_r,
                                          struct err *err)
{
    return api->ops->blueprint_known(api->ctx, id, known_r, err);
}

static inline int abm_api_server_find(const struct abm_api *api, const char *id_or_name, struct pool *pool,
                                      const char **id_r, enum abm_known *known_r, struct err *err)
{
    return api->ops->server_find(api->ctx, id_or_name, pool, id_r, known_r, err);
}

#endif

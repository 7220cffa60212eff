#include "abm/api.h"

static int import_call(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return abm_import(ctx, items, count, pool, err);
}

static int read_call(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return abm_read(ctx, items, count, pool, err);
}

static int assign_call(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return abm_assign(ctx, items, count, pool, err);
}

static int unassign_call(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return abm_unassign(ctx, items, count, pool, err);
}

static int find_call(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return abm_find(ctx, items, count, pool, err);
}

static int list_devices_call(void *ctx, const struct abm_device_sink *sink, struct err *err)
{
    return abm_list_devices(ctx, sink, err);
}

static int list_assignments_call(void *ctx, const struct abm_assignment_sink *sink, struct err *err)
{
    return abm_list_assignments(ctx, sink, err);
}

static int probe_call(void *ctx, struct err *err)
{
    return abm_probe(ctx, err);
}

static int blueprint_known_call(void *ctx, const char *id, enum abm_known *known_r, struct err *err)
{
    return abm_blueprint_known(ctx, id, known_r, err);
}

static int server_find_call(void *ctx, const char *id_or_name, struct pool *pool, const char **id_r,
                            enum abm_known *known_r, struct err *err)
{
    return abm_server_find(ctx, id_or_name, pool, id_r, known_r, err);
}

struct abm_api abm_api_of(struct abm_client *client)
{
    static const struct abm_api_ops ops = {
        .import = import_call,
        .read = read_call,
        .assign = assign_call,
        .unassign = unassign_call,
        .find = find_call,
        .list_devices = list_devices_call,
        .list_assignments = list_assignments_call,
        .probe = probe_call,
        .blueprint_known = blueprint_known_call,
        .server_find = server_find_call,
    };

    return (struct abm_api){ &ops, client };
}

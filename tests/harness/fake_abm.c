#include "harness/fake_abm.h"

#include "base/str.h"
#include "harness/check.h"

static const struct abm_item *scripted(const struct fake_abm *fake, enum fake_abm_call call,
                                       const char *serial)
{
    for (size_t i = fake->script_count; i > 0; i--)
        if (fake->script[i - 1].call == call && str_eq(fake->script[i - 1].serial, serial))
            return &fake->script[i - 1].answer;
    return NULL;
}

static struct abm_item by_default(enum fake_abm_call call, const char *serial, struct pool *pool)
{
    switch (call) {
    case FAKE_IMPORT:
        return (struct abm_item){ .kind = ABM_OK, .device_id = pool_printf(pool, "dev-%s", serial) };
    case FAKE_READ: return (struct abm_item){ .kind = ABM_NONE };
    case FAKE_ASSIGN:
        return (struct abm_item){ .kind = ABM_ACCEPTED, .assignment_id = pool_printf(pool, "as-%s", serial) };
    case FAKE_UNASSIGN:
    case FAKE_CALLS: break;
    }
    return (struct abm_item){ .kind = ABM_OK };
}

static int answer(struct fake_abm *fake, enum fake_abm_call call, struct abm_item *items, size_t count,
                  struct pool *pool, struct err *err)
{
    if (fake->on_call != NULL)
        fake->on_call(fake->user, call);
    fake->calls[call]++;
    for (size_t i = 0; i < count; i++) {
        struct device *device = items[i].device;
        const struct fence *fence = items[i].fence;
        const struct abm_item *row = scripted(fake, call, device->serial);

        assert_non_null(fence);
        assert_true(fake->asked_count < FAKE_ABM_MAX);
        fake->asked[fake->asked_count].call = call;
        fake->asked[fake->asked_count++].serial = device->serial;
        if (row != NULL)
            items[i] = *row;
        else if (fake->fail[call] != ERR_NONE)
            items[i] = (struct abm_item){ .kind = ABM_UNSENT };
        else
            items[i] = by_default(call, device->serial, pool);
        items[i].device = device;
        items[i].fence = fence;
    }
    if (fake->fail[call] != ERR_NONE)
        return err_set(err, fake->fail[call], 0, "as the test wants");
    return 0;
}

static int import(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return answer(ctx, FAKE_IMPORT, items, count, pool, err);
}

static int read(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return answer(ctx, FAKE_READ, items, count, pool, err);
}

static int assign(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return answer(ctx, FAKE_ASSIGN, items, count, pool, err);
}

static int unassign(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return answer(ctx, FAKE_UNASSIGN, items, count, pool, err);
}

static int probe(void *ctx, struct err *err)
{
    struct fake_abm *fake = ctx;

    if (fake->fail_catalog != ERR_NONE)
        return err_set(err, fake->fail_catalog, 0, "as the test wants");
    return 0;
}

static int blueprint_known(void *ctx, const char *id, enum abm_known *known_r, struct err *err)
{
    struct fake_abm *fake = ctx;

    fake->catalog_calls++;
    if (fake->fail_catalog != ERR_NONE)
        return err_set(err, fake->fail_catalog, 0, "as the test wants");
    *known_r = ABM_UNKNOWN;
    for (size_t i = 0; i < sizeof(fake->blueprints) / sizeof(fake->blueprints[0]); i++)
        if (fake->blueprints[i] != NULL && str_eq(fake->blueprints[i], id))
            *known_r = ABM_KNOWN;
    return 0;
}

static int server_find(void *ctx, const char *id_or_name, struct pool *pool, const char **id_r,
                       enum abm_known *known_r, struct err *err)
{
    struct fake_abm *fake = ctx;

    (void)pool;
    fake->catalog_calls++;
    if (fake->fail_catalog != ERR_NONE)
        return err_set(err, fake->fail_catalog, 0, "as the test wants");
    *known_r = ABM_UNKNOWN;
    for (size_t i = 0; i < sizeof(fake->servers) / sizeof(fake->servers[0]); i++) {
        if (fake->servers[i].id == NULL)
            continue;
        if (!str_eq(fake->servers[i].id, id_or_name) && !str_eq(fake->servers[i].name, id_or_name))
            continue;
        *known_r = ABM_KNOWN;
        *id_r = fake->servers[i].id;
    }
    return 0;
}

struct abm_api fake_abm_of(struct fake_abm *fake)
{
    static const struct abm_api_ops ops = {
        .import = import,
        .read = read,
        .assign = assign,
        .unassign = unassign,
        .probe = probe,
        .blueprint_known = blueprint_known,
        .server_find = server_find,
    };

    return (struct abm_api){ &ops, fake };
}

void fake_abm_script(struct fake_abm *fake, enum fake_abm_call call, const char *serial,
                     struct abm_item answer_)
{
    assert_true(fake->script_count < FAKE_ABM_MAX);
    fake->script[fake->script_count++] = (struct fake_abm_row){ call, serial, answer_ };
}

void fake_abm_shows(struct fake_abm *fake, const char *serial, const char *blueprint_id,
                    const char *mdm_server_id, enum abm_state state)
{
    fake_abm_script(fake, FAKE_READ, serial,
                    (struct abm_item){ .kind = ABM_OK,
                                       .assignment_id = "as-shown",
                                       .blueprint_id = blueprint_id,
                                       .mdm_server_id = mdm_server_id,
                                       .state = state });
}

void fake_abm_shows_none(struct fake_abm *fake, const char *serial)
{
    fake_abm_script(fake, FAKE_READ, serial, (struct abm_item){ .kind = ABM_NONE });
}

int fake_abm_asked(const struct fake_abm *fake, enum fake_abm_call call, const char *serial)
{
    int count = 0;

    for (size_t i = 0; i < fake->asked_count; i++)
        count += fake->asked[i].call == call && str_eq(fake->asked[i].serial, serial);
    return count;
}

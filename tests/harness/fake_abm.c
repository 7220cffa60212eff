#include "harness/fake_abm.h"

#include <stdlib.h>
#include <string.h>

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

static int by_serial(const void *a, const void *b)
{
    return strcmp(((const struct fake_abm_device *)a)->serial, ((const struct fake_abm_device *)b)->serial);
}

static const struct fake_abm_device *in_inventory(const struct fake_abm *fake, const char *serial)
{
    const struct fake_abm_device wanted = { .serial = serial };

    if (fake->is_sorted)
        return bsearch(&wanted, fake->inventory, fake->inventory_count, sizeof(wanted), by_serial);
    for (size_t i = 0; i < fake->inventory_count; i++)
        if (str_eq(fake->inventory[i].serial, serial))
            return &fake->inventory[i];
    return NULL;
}

static struct abm_item shown(const struct fake_abm *fake, enum fake_abm_call call, const char *serial)
{
    const struct fake_abm_device *device = in_inventory(fake, serial);

    if (device == NULL || (call == FAKE_READ && device->blueprint_id == NULL))
        return (struct abm_item){ .kind = ABM_NONE };
    if (call == FAKE_FIND)
        return (
            struct abm_item){ .kind = ABM_OK, .device_id = device->device_id, .country = device->country };
    return (struct abm_item){ .kind = ABM_OK,
                              .assignment_id = "as-shown",
                              .blueprint_id = device->blueprint_id,
                              .mdm_server_id = device->mdm_server_id,
                              .state = device->state };
}

static struct abm_item by_default(const struct fake_abm *fake, enum fake_abm_call call, const char *serial,
                                  struct pool *pool)
{
    switch (call) {
    case FAKE_IMPORT:
        return (struct abm_item){ .kind = ABM_OK, .device_id = pool_printf(pool, "dev-%s", serial) };
    case FAKE_FIND:
    case FAKE_READ: return shown(fake, call, serial);
    case FAKE_ASSIGN:
        return (struct abm_item){ .kind = ABM_ACCEPTED, .assignment_id = pool_printf(pool, "as-%s", serial) };
    case FAKE_UNASSIGN:
    case FAKE_DEVICES:
    case FAKE_ASSIGNMENTS:
    case FAKE_CALLS: break;
    }
    return (struct abm_item){ .kind = ABM_OK };
}

/* Counts a call; true: it fails, as the test wants. */
static bool begins_badly(struct fake_abm *fake, enum fake_abm_call call, size_t requests)
{
    if (fake->on_call != NULL)
        fake->on_call(fake->user, call);
    fake->calls[call]++;
    fake->requests[call] += (int)requests;
    return fake->fail_first[call] > 0 && fake->fail_first[call]-- > 0;
}

static int answer(struct fake_abm *fake, enum fake_abm_call call, struct abm_item *items, size_t count,
                  struct pool *pool, struct err *err)
{
    bool is_read = call == FAKE_FIND || call == FAKE_READ;
    bool is_bad = begins_badly(fake, call, (count + FAKE_ABM_ITEMS - 1) / FAKE_ABM_ITEMS);

    for (size_t i = 0; i < count; i++) {
        struct device *device = items[i].device;
        const struct fence *fence = items[i].fence;
        const struct abm_item *row = scripted(fake, call, device->serial);

        if (fake->inventory == NULL || !is_read) {
            assert_true(fence != NULL || is_read);
            assert_true(fake->asked_count < FAKE_ABM_MAX);
            fake->asked[fake->asked_count].call = call;
            fake->asked[fake->asked_count++].serial = device->serial;
        }
        if (is_bad)
            items[i] = (struct abm_item){ .kind = ABM_UNSENT };
        else if (row != NULL)
            items[i] = *row;
        else if (fake->fail[call] != ERR_NONE)
            items[i] = (struct abm_item){ .kind = ABM_UNSENT };
        else
            items[i] = by_default(fake, call, device->serial, pool);
        items[i].device = device;
        items[i].fence = fence;
    }
    if (is_bad)
        return err_set(err, fake->fail_code, 0, "as the test wants");
    if (fake->fail[call] != ERR_NONE)
        return err_set(err, fake->fail[call], 0, "as the test wants");
    return 0;
}

/* ---- the lists ---- */

/* The index that a place names; its URL is that alone. */
static size_t begin_at(const struct abm_place *place)
{
    return place != NULL && place->url.len > 0 ? (size_t)strtoul(place->url.data, NULL, 10) : 0;
}

static void end_at(struct abm_place *place, size_t at, size_t count)
{
    if (place == NULL)
        return;
    buf_reset(&place->url);
    place->pages = at < count ? place->pages + 1 : 0;
    if (at < count)
        buf_add_int(&place->url, (int64_t)at);
}

static int list_fails(struct fake_abm *fake, enum fake_abm_call call, struct err *err)
{
    if (begins_badly(fake, call, 1))
        return err_set(err, fake->fail_code, 0, "as the test wants");
    if (fake->fail[call] != ERR_NONE)
        return err_set(err, fake->fail[call], 0, "as the test wants");
    return 0;
}

static int list_devices(void *ctx, const struct abm_device_sink *sink, struct err *err)
{
    struct fake_abm *fake = ctx;
    size_t at = begin_at(sink->place);
    int rc = 0;

    do {
        if (list_fails(fake, FAKE_DEVICES, err) != 0)
            return -1;
        for (int shown = 0; at < fake->inventory_count && shown < FAKE_ABM_PAGE; at++, shown++) {
            const struct fake_abm_device *device = &fake->inventory[at];

            rc = device->is_unreadable
                     ? sink->unreadable(sink->ctx, device->serial, "as the test wants", err)
                     : sink->device(sink->ctx, device->serial, device->country, device->device_id, err);
            if (rc != 0)
                return -1;
        }
        end_at(sink->place, at, fake->inventory_count);
        rc = sink->page != NULL ? sink->page(sink->ctx, err) : 0;
    } while (rc == 0 && at < fake->inventory_count);
    return rc < 0 ? -1 : 0;
}

static int give_assignment(const struct fake_abm_device *device, const struct abm_assignment_sink *sink,
                           struct err *err)
{
    const struct abm_assignment assignment = { .device_id = device->device_id,
                                               .assignment_id = "as-shown",
                                               .blueprint_id = device->blueprint_id,
                                               .mdm_server_id = device->mdm_server_id,
                                               .state = device->state,
                                               .updated_ms = device->updated_ms };

    return device->is_unreadable ? sink->unreadable(sink->ctx, device->device_id, "as the test wants", err)
                                 : sink->assignment(sink->ctx, &assignment, err);
}

static int list_assignments(void *ctx, const struct abm_assignment_sink *sink, struct err *err)
{
    struct fake_abm *fake = ctx;
    size_t at = begin_at(sink->place);
    int rc = 0;

    do {
        if (list_fails(fake, FAKE_ASSIGNMENTS, err) != 0)
            return -1;
        for (int shown = 0; at < fake->inventory_count && shown < FAKE_ABM_PAGE; at++) {
            if (fake->inventory[at].blueprint_id == NULL)
                continue;
            if (give_assignment(&fake->inventory[at], sink, err) != 0)
                return -1;
            shown++;
        }
        end_at(sink->place, at, fake->inventory_count);
        rc = sink->page != NULL ? sink->page(sink->ctx, err) : 0;
    } while (rc == 0 && at < fake->inventory_count);
    return rc < 0 ? -1 : 0;
}

static int find(void *ctx, struct abm_item *items, size_t count, struct pool *pool, struct err *err)
{
    return answer(ctx, FAKE_FIND, items, count, pool, err);
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
        .find = find,
        .list_devices = list_devices,
        .list_assignments = list_assignments,
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

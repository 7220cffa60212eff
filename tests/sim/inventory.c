#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "catalog.h"
#include "inventory.h"

#define CHUNK_DEVICES 4096
#define FIRST_SLOTS   8192

/* FNV-1a, then a finalizer, since serials differ in few bits. Source: draft-eastlake-fnv; Stafford's mix 13.
 */
static uint64_t serial_key(const char *serial)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *serial; serial++)
        hash = (hash ^ (unsigned char)*serial) * UINT64_C(1099511628211);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

static struct sim_device *device_at(const struct inventory *inventory, size_t index)
{
    return &inventory->chunks[index / CHUNK_DEVICES][index % CHUNK_DEVICES];
}

void inventory_release(struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        struct sim_device *device = device_at(inventory, i);

        free(device->model);
        free(device->order_number);
        free(device->asset_tag);
    }
    for (size_t i = 0; i < (inventory->count + CHUNK_DEVICES - 1) / CHUNK_DEVICES; i++)
        free(inventory->chunks[i]);
    free(inventory->chunks);
    free(inventory->slots);
    *inventory = (struct inventory){ 0 };
}

/* The slot that holds key, or the free one where it would stand. The table is never full. */
static uint32_t *find_slot(const struct inventory *inventory, uint64_t key)
{
    size_t at = key & (inventory->slot_count - 1);

    while (inventory->slots[at] != 0 && device_at(inventory, inventory->slots[at] - 1)->key != key)
        at = (at + 1) & (inventory->slot_count - 1);
    return &inventory->slots[at];
}

static struct sim_device *find_key(const struct inventory *inventory, uint64_t key)
{
    uint32_t slot = inventory->slot_count == 0 ? 0 : *find_slot(inventory, key);

    return slot == 0 ? NULL : device_at(inventory, slot - 1);
}

static struct sim_device *take_effect(struct sim_device *device, int64_t now_us)
{
    struct assignment *next;

    if (!device)
        return NULL;
    next = &device->next;
    if (next->state != ASSIGNMENT_ACCEPTED || next->due_us > now_us)
        return device;
    next->updated_ms = clock_real_ms();
    if (next->is_failing) {
        next->state = ASSIGNMENT_FAILED; /* stays to be seen; what was in effect before still is */
        return device;
    }
    device->now = *next;
    device->now.state = ASSIGNMENT_PROPAGATED;
    next->state = ASSIGNMENT_NONE;
    device->changes++;
    return device;
}

/* Two serials may share a hash: the later one then takes the next free key. */
static struct sim_device *find_serial(const struct inventory *inventory, const char *serial, uint64_t *key_r)
{
    struct sim_device *device;
    uint64_t key = serial_key(serial);

    while ((device = find_key(inventory, key)) && strcmp(device->serial, serial) != 0)
        key++;
    *key_r = key;
    return device;
}

struct sim_device *inventory_find(struct inventory *inventory, const char *serial, int64_t now_us)
{
    uint64_t key;

    return take_effect(find_serial(inventory, serial, &key), now_us);
}

struct sim_device *inventory_find_id(struct inventory *inventory, const char *id, int64_t now_us)
{
    struct sim_device *device;
    char text[DEVICE_ID_BYTES];
    char *end;

    if (strncmp(id, "dev-", 4) != 0)
        return NULL;
    device = find_key(inventory, strtoull(id + 4, &end, 16));
    /* The text is compared too: upper case or leading zeros would be another id. */
    if (!device || strcmp(device_id(device, text), id) != 0)
        return NULL;
    return take_effect(device, now_us);
}

struct sim_device *inventory_at(struct inventory *inventory, size_t index, int64_t now_us)
{
    return take_effect(device_at(inventory, index), now_us);
}

static int grow_slots(struct inventory *inventory)
{
    struct inventory grown = *inventory;

    grown.slot_count = inventory->slot_count ? inventory->slot_count * 2 : FIRST_SLOTS;
    grown.slots = calloc(grown.slot_count, sizeof(*grown.slots));
    if (!grown.slots)
        return -1;
    for (size_t i = 0; i < grown.count; i++)
        *find_slot(&grown, device_at(&grown, i)->key) = (uint32_t)i + 1;
    free(inventory->slots);
    *inventory = grown;
    return 0;
}

static int grow(struct inventory *inventory)
{
    size_t chunk = inventory->count / CHUNK_DEVICES;
    struct sim_device **chunks;

    if ((inventory->count + 1) * 2 > inventory->slot_count && grow_slots(inventory) != 0)
        return -1;
    if (inventory->count % CHUNK_DEVICES != 0)
        return 0;
    chunks = realloc(inventory->chunks, (chunk + 1) * sizeof(struct sim_device *));
    if (!chunks)
        return -1;
    inventory->chunks = chunks;
    chunks[chunk] = calloc(CHUNK_DEVICES, sizeof(struct sim_device));
    return chunks[chunk] ? 0 : -1;
}

struct sim_device *inventory_add(struct inventory *inventory, const char *serial, const char *country,
                                 bool *is_new_r, struct err *err)
{
    uint64_t key;
    struct sim_device *device = find_serial(inventory, serial, &key);

    *is_new_r = !device;
    if (device)
        return device;
    if (grow(inventory) != 0) {
        err_set(err, ERR_NOMEM, 0, "device %zu", inventory->count + 1);
        return NULL;
    }
    device = device_at(inventory, inventory->count);
    device->key = key;
    snprintf(device->serial, sizeof(device->serial), "%s", serial);
    snprintf(device->country, sizeof(device->country), "%.2s", country);
    *find_slot(inventory, key) = (uint32_t)++inventory->count;
    return device;
}

char *device_id(const struct sim_device *device, char *text)
{
    snprintf(text, DEVICE_ID_BYTES, "dev-%016llx", (unsigned long long)device->key);
    return text;
}

static bool is_same(const struct assignment *assignment, const struct assignment_change *change)
{
    return (assignment->state == ASSIGNMENT_ACCEPTED || assignment->state == ASSIGNMENT_PROPAGATED) &&
           assignment->blueprint == change->blueprint && assignment->server == change->server;
}

bool device_assign(struct inventory *inventory, struct sim_device *device,
                   const struct assignment_change *change)
{
    const struct assignment *newest = device->next.state != ASSIGNMENT_NONE ? &device->next : &device->now;

    if (is_same(newest, change))
        return false;
    device->next = (struct assignment){
        .state = ASSIGNMENT_ACCEPTED,
        .is_failing = change->is_failing,
        .blueprint = change->blueprint,
        .server = change->server,
        .number = ++inventory->last_assignment,
        .due_us = change->due_us,
        .updated_ms = clock_real_ms(),
    };
    take_effect(device, change->now_us);
    return true;
}

bool device_unassign(struct sim_device *device)
{
    bool was_assigned = device->now.state != ASSIGNMENT_NONE || device->next.state != ASSIGNMENT_NONE;

    if (device->now.state != ASSIGNMENT_NONE)
        device->changes++;
    device->now.state = ASSIGNMENT_NONE;
    device->next.state = ASSIGNMENT_NONE;
    return was_assigned;
}

const struct assignment *device_shown(const struct sim_device *device, bool shows_older)
{
    bool has_now = device->now.state != ASSIGNMENT_NONE, has_next = device->next.state != ASSIGNMENT_NONE;

    if (has_next && !(shows_older && has_now && device->next.state == ASSIGNMENT_ACCEPTED))
        return &device->next;
    return has_now ? &device->now : NULL;
}

int device_server(const struct sim_device *device)
{
    const struct assignment *shown = device_shown(device, false);

    return shown ? shown->server : CATALOG_NONE;
}

const char *assignment_state_name(enum assignment_state state)
{
    switch (state) {
    case ASSIGNMENT_ACCEPTED: return "ACCEPTED";
    case ASSIGNMENT_PROPAGATED: return "PROPAGATED";
    case ASSIGNMENT_FAILED: return "FAILED";
    case ASSIGNMENT_NONE: break;
    }
    return "NONE";
}

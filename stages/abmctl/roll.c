#include "roll.h"

#include <stdlib.h>
#include <string.h>

#define POOL_BYTES  ((size_t)1024 * 1024 * 1024)
#define FIRST_SLOTS 1024

int roll_init(struct roll *roll, struct err *err)
{
    memset(roll, 0, sizeof(*roll));
    roll->pool = pool_new(POOL_BYTES);
    roll->slots = calloc(FIRST_SLOTS, sizeof(*roll->slots));
    roll->names = calloc(FIRST_SLOTS, sizeof(*roll->names));
    roll->slot_count = roll->name_slots = FIRST_SLOTS;
    if (roll->pool != NULL && roll->slots != NULL && roll->names != NULL)
        return 0;
    roll_release(roll);
    return err_set(err, ERR_NOMEM, 0, "no memory");
}

void roll_release(struct roll *roll)
{
    pool_free(roll->pool);
    free(roll->at);
    free(roll->slots);
    free(roll->names);
    memset(roll, 0, sizeof(*roll));
}

/* FNV-1a with a last mix: the lower bits choose the slot. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 33;
}

/* --- shared names --- */

static const char **find_name(const struct roll *roll, const char *name)
{
    size_t mask = roll->name_slots - 1, slot = (size_t)hash_of(name) & mask;

    while (roll->names[slot] != NULL && strcmp(roll->names[slot], name) != 0)
        slot = (slot + 1) & mask;
    return &roll->names[slot];
}

static int grow_names(struct roll *roll)
{
    const char **old = roll->names;
    size_t old_slots = roll->name_slots;
    const char **names = calloc(2 * old_slots, sizeof(*names));

    if (names == NULL)
        return -1;
    roll->names = names;
    roll->name_slots = 2 * old_slots;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i] != NULL)
            *find_name(roll, old[i]) = old[i];
    free(old);
    return 0;
}

static int share(struct roll *roll, const char *name, const char **name_r, struct err *err)
{
    const char **slot;

    *name_r = NULL;
    if (name == NULL)
        return 0;
    if (2 * roll->name_count >= roll->name_slots && grow_names(roll) != 0)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    slot = find_name(roll, name);
    if (*slot == NULL) {
        *slot = pool_strdup(roll->pool, name);
        if (*slot == NULL)
            return pool_failed(roll->pool, err);
        roll->name_count++;
    }
    *name_r = *slot;
    return 0;
}

/* --- the entries --- */

/* The slot that holds the serial, or the free one where it belongs. */
static size_t find_slot(const struct roll *roll, const char *serial)
{
    size_t mask = roll->slot_count - 1, slot = (size_t)hash_of(serial) & mask;

    while (roll->slots[slot] != 0 && strcmp(roll->at[roll->slots[slot] - 1].serial, serial) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

static int grow_slots(struct roll *roll)
{
    uint32_t *slots = calloc(2 * roll->slot_count, sizeof(*slots));

    if (slots == NULL)
        return -1;
    free(roll->slots);
    roll->slots = slots;
    roll->slot_count *= 2;
    for (size_t i = 0; i < roll->count; i++)
        roll->slots[find_slot(roll, roll->at[i].serial)] = (uint32_t)(i + 1);
    return 0;
}

static int make_room(struct roll *roll, struct err *err)
{
    size_t room = roll->room > 0 ? 2 * roll->room : 1024;
    struct roll_entry *at;

    if (roll->count == ROLL_DEVICES_MAX)
        return err_set(err, ERR_LIMIT, 0, "the evidence tells of more than %d devices", ROLL_DEVICES_MAX);
    if (roll->count == roll->room) {
        at = realloc(roll->at, room * sizeof(*at));
        if (at == NULL)
            return err_set(err, ERR_NOMEM, 0, "no memory for %zu devices", room);
        roll->at = at;
        roll->room = room;
    }
    if (2 * roll->count >= roll->slot_count && grow_slots(roll) != 0)
        return err_set(err, ERR_NOMEM, 0, "no memory for %zu devices", room);
    return 0;
}

/* NULL with err. */
static struct roll_entry *find_entry(struct roll *roll, const char *serial, struct err *err)
{
    size_t slot = find_slot(roll, serial);
    const char *copy;

    if (roll->slots[slot] != 0)
        return &roll->at[roll->slots[slot] - 1];
    if (make_room(roll, err) != 0)
        return NULL;
    copy = pool_strdup(roll->pool, serial);
    if (copy == NULL) {
        pool_failed(roll->pool, err);
        return NULL;
    }
    roll->at[roll->count++] = (struct roll_entry){ .serial = copy, .sequence = -1 };
    slot = find_slot(roll, copy); /* the slots may be others now */
    roll->slots[slot] = (uint32_t)roll->count;
    return &roll->at[roll->count - 1];
}

int roll_add(struct roll *roll, const struct device *record, bool tells_from_server, int64_t sequence,
             struct err *err)
{
    struct roll_entry *entry = find_entry(roll, record->serial, err);
    bool is_removed = record->outcome == OUTCOME_REMOVED;

    if (entry == NULL)
        return -1;
    if (sequence < entry->sequence || (sequence == entry->sequence && record->seq < entry->seq))
        return 0;
    if (share(roll, is_removed ? NULL : record->blueprint_id, &entry->blueprint_id, err) != 0 ||
        share(roll, is_removed ? NULL : record->mdm_server_id, &entry->mdm_server_id, err) != 0 ||
        share(roll, record->from_blueprint_id, &entry->from_blueprint_id, err) != 0 ||
        share(roll, record->from_mdm_server_id, &entry->from_mdm_server_id, err) != 0)
        return -1;
    entry->row = record->row;
    entry->sequence = sequence;
    entry->seq = record->seq;
    entry->outcome = (uint8_t)record->outcome;
    entry->tells_from_server = tells_from_server;
    return 0;
}

static int by_row(const void *left, const void *right)
{
    const struct roll_entry *a = left, *b = right;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return strcmp(a->serial, b->serial);
}

void roll_sort(struct roll *roll)
{
    if (roll->count > 0)
        qsort(roll->at, roll->count, sizeof(*roll->at), by_row);
}

static int by_serial(const void *left, const void *right)
{
    return strcmp(((const struct roll_entry *)left)->serial, ((const struct roll_entry *)right)->serial);
}

void roll_sort_by_serial(struct roll *roll)
{
    if (roll->count > 0)
        qsort(roll->at, roll->count, sizeof(*roll->at), by_serial);
}

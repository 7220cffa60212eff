/*
 * Open addressing with linear probing over indices; entries and the bytes of serials stand apart, so that the
 * part which must be twice as large as its content is made of four bytes a slot. The arena grows by blocks,
 * never moved.
 */
#include "domain/dedupe.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BITS  20
#define BLOCK_BYTES (1u << BLOCK_BITS)
#define FIRST_SLOTS 1024
#define SERIAL_MAX  255

struct entry {
    uint32_t hash; /* upper half: the lower one chooses the slot */
    uint32_t row;
    uint32_t target;
    uint32_t at; /* of its length byte in the arena */
};

struct dedupe {
    uint32_t *slots;   /* index of an entry + 1; 0: free */
    size_t slot_count; /* a power of two */
    struct entry *entries;
    size_t count, room;
    unsigned char **blocks;
    size_t block_count, used; /* used: bytes of the last block */
};

struct dedupe *dedupe_new(void)
{
    struct dedupe *dedupe = calloc(1, sizeof(*dedupe));

    if (dedupe == NULL)
        return NULL;
    dedupe->slots = calloc(FIRST_SLOTS, sizeof(*dedupe->slots));
    if (dedupe->slots == NULL) {
        free(dedupe);
        return NULL;
    }
    dedupe->slot_count = FIRST_SLOTS;
    return dedupe;
}

void dedupe_free(struct dedupe *dedupe)
{
    if (dedupe == NULL)
        return;
    for (size_t i = 0; i < dedupe->block_count; i++)
        free(dedupe->blocks[i]);
    free(dedupe->blocks);
    free(dedupe->entries);
    free(dedupe->slots);
    free(dedupe);
}

size_t dedupe_count(const struct dedupe *dedupe)
{
    return dedupe->count;
}

/* FNV-1a, 64 bits, with a last mix so that both halves depend on every byte. */
static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 33;
}

static const unsigned char *bytes_of(const struct dedupe *dedupe, const struct entry *entry)
{
    return dedupe->blocks[entry->at >> BLOCK_BITS] + (entry->at & (BLOCK_BYTES - 1));
}

static bool is_serial(const struct dedupe *dedupe, const struct entry *entry, uint64_t hash,
                      const char *serial, size_t len)
{
    const unsigned char *bytes;

    if (entry->hash != (uint32_t)(hash >> 32))
        return false;
    bytes = bytes_of(dedupe, entry);
    return bytes[0] == len && memcmp(bytes + 1, serial, len) == 0;
}

/* The slot that holds the serial, or the free one where it belongs. */
static size_t find_slot(const struct dedupe *dedupe, uint64_t hash, const char *serial, size_t len)
{
    size_t mask = dedupe->slot_count - 1, slot = (size_t)hash & mask;

    while (dedupe->slots[slot] != 0 &&
           !is_serial(dedupe, &dedupe->entries[dedupe->slots[slot] - 1], hash, serial, len))
        slot = (slot + 1) & mask;
    return slot;
}

/* Twice the slots. The entries' serials are hashed anew, which spares four bytes in each of them. */
static bool grow_slots(struct dedupe *dedupe)
{
    size_t count = 2 * dedupe->slot_count, mask = count - 1;
    uint32_t *slots = calloc(count, sizeof(*slots));

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < dedupe->count; i++) {
        const unsigned char *bytes = bytes_of(dedupe, &dedupe->entries[i]);
        size_t slot = (size_t)hash_of((const char *)bytes + 1, bytes[0]) & mask;

        while (slots[slot] != 0)
            slot = (slot + 1) & mask;
        slots[slot] = (uint32_t)(i + 1);
    }
    free(dedupe->slots);
    dedupe->slots = slots;
    dedupe->slot_count = count;
    return true;
}

static bool grow_entries(struct dedupe *dedupe)
{
    size_t room = dedupe->room > 0 ? dedupe->room + dedupe->room / 2 : 256;
    struct entry *entries = realloc(dedupe->entries, room * sizeof(*entries));

    if (entries == NULL)
        return false;
    dedupe->entries = entries;
    dedupe->room = room;
    return true;
}

static bool add_block(struct dedupe *dedupe)
{
    unsigned char **blocks = realloc(dedupe->blocks, (dedupe->block_count + 1) * sizeof(*blocks));

    if (blocks == NULL)
        return false;
    dedupe->blocks = blocks;
    blocks[dedupe->block_count] = malloc(BLOCK_BYTES);
    if (blocks[dedupe->block_count] == NULL)
        return false;
    dedupe->block_count++;
    dedupe->used = 0;
    return true;
}

static bool make_room(struct dedupe *dedupe, size_t len)
{
    if (4 * (dedupe->count + 1) > 3 * dedupe->slot_count && !grow_slots(dedupe))
        return false;
    if (dedupe->count == dedupe->room && !grow_entries(dedupe))
        return false;
    return (dedupe->block_count > 0 && BLOCK_BYTES - dedupe->used > len) || add_block(dedupe);
}

static void insert(struct dedupe *dedupe, uint64_t hash, const char *serial, size_t len, uint32_t row,
                   uint32_t target)
{
    struct entry *entry = &dedupe->entries[dedupe->count];
    unsigned char *bytes = dedupe->blocks[dedupe->block_count - 1] + dedupe->used;

    entry->hash = (uint32_t)(hash >> 32);
    entry->row = row;
    entry->target = target;
    entry->at = (uint32_t)((dedupe->block_count - 1) << BLOCK_BITS | dedupe->used);
    bytes[0] = (unsigned char)len;
    memcpy(bytes + 1, serial, len);
    dedupe->used += len + 1;
    dedupe->slots[find_slot(dedupe, hash, serial, len)] = (uint32_t)++dedupe->count;
}

int dedupe_add(struct dedupe *dedupe, const char *serial, int64_t row, uint32_t target,
               struct dedupe_first *first_r, struct err *err)
{
    size_t len = strlen(serial), slot;
    uint64_t hash;

    if (len > SERIAL_MAX || row < 0 || row > UINT32_MAX)
        return err_set(err, ERR_LIMIT, 0, "row %lld, serial of %zu bytes: beyond what is kept of duplicates",
                       (long long)row, len);
    hash = hash_of(serial, len);
    slot = find_slot(dedupe, hash, serial, len);
    if (dedupe->slots[slot] != 0) {
        const struct entry *entry = &dedupe->entries[dedupe->slots[slot] - 1];

        first_r->row = entry->row;
        first_r->target = entry->target;
        return 1;
    }
    if (dedupe->count >= DEDUPE_MAX_SERIALS || dedupe->block_count >= (1u << (32 - BLOCK_BITS)) - 1)
        return err_set(err, ERR_LIMIT, 0, "row %lld: more than %zu serials in one input", (long long)row,
                       dedupe->count);
    if (!make_room(dedupe, len))
        return err_set(err, ERR_NOMEM, 0, "row %lld: no memory to find duplicates", (long long)row);
    insert(dedupe, hash, serial, len, (uint32_t)row, target);
    return 0;
}

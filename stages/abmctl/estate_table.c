/*
 * Open addressing over the numbers of names; a name leads to the rows that have it as serial and as id. Text
 * stands in blocks that never move.
 */
#include "estate_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

#define BLOCK_BITS  16
#define BLOCK_BYTES ((size_t)1 << BLOCK_BITS)
#define FIRST_SLOTS 1024

struct estate_name {
    uint32_t at;               /* block and place in it */
    uint32_t serial_of, id_of; /* the row that has it so, and 1; 0: none */
};

void estate_table_init(struct estate_table *table, size_t max_rows)
{
    memset(table, 0, sizeof(*table));
    table->max_rows = max_rows;
    table->seed = (uint64_t)rand_u32() << 32 | rand_u32();
}

void estate_table_release(struct estate_table *table)
{
    for (size_t i = 0; i < table->block_count; i++)
        free(table->blocks[i]);
    free(table->blocks);
    free(table->slots);
    free(table->names);
    free(table->rows);
    memset(table, 0, sizeof(*table));
}

/* FNV-1a from a start that nobody can know, so that text cannot be made to collide. */
static uint64_t hash_of(const struct estate_table *table, const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ table->seed;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 33;
}

const char *estate_table_text(const struct estate_table *table, uint32_t number)
{
    uint32_t at;

    if (number == 0)
        return NULL;
    at = table->names[number].at;
    return table->blocks[at >> BLOCK_BITS] + (at & (BLOCK_BYTES - 1));
}

/* The slot that holds the text, or the free one where it belongs. There is one. */
static size_t find_slot(const struct estate_table *table, const char *text)
{
    size_t mask = table->slot_count - 1, slot = (size_t)hash_of(table, text) & mask;

    while (table->slots[slot] != 0 && strcmp(estate_table_text(table, table->slots[slot]), text) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

static bool grow_slots(struct estate_table *table)
{
    size_t count = table->slot_count > 0 ? 2 * table->slot_count : FIRST_SLOTS, mask = count - 1;
    uint32_t *slots = calloc(count, sizeof(*slots));

    if (slots == NULL)
        return false;
    for (size_t i = 1; i < table->name_count; i++) {
        size_t slot = (size_t)hash_of(table, estate_table_text(table, (uint32_t)i)) & mask;

        while (slots[slot] != 0)
            slot = (slot + 1) & mask;
        slots[slot] = (uint32_t)i;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    return true;
}

/* An array of at least count + 1 elements, half as large again where it must grow. */
static bool grow(void **array, size_t size, size_t count, size_t *room)
{
    size_t wanted = *room > 0 ? *room + *room / 2 : 256;
    void *grown;

    if (count < *room)
        return true;
    grown = realloc(*array, wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *room = wanted;
    return true;
}

static bool add_block(struct estate_table *table)
{
    char **blocks = realloc(table->blocks, (table->block_count + 1) * sizeof(*blocks));

    if (blocks == NULL)
        return false;
    table->blocks = blocks;
    blocks[table->block_count] = malloc(BLOCK_BYTES);
    if (blocks[table->block_count] == NULL)
        return false;
    table->block_count++;
    table->used = 0;
    return true;
}

static bool make_room(struct estate_table *table, size_t len)
{
    void *names = table->names;

    if (table->name_count == 0)
        table->name_count = 1;
    if (4 * (table->name_count + 1) > 3 * table->slot_count && !grow_slots(table))
        return false;
    if (!grow(&names, sizeof(*table->names), table->name_count, &table->name_room))
        return false;
    table->names = names;
    return (table->block_count > 0 && BLOCK_BYTES - table->used > len) || add_block(table);
}

int estate_table_name(struct estate_table *table, const char *text, uint32_t *number_r, struct err *err)
{
    size_t len = text != NULL ? strlen(text) : 0;
    struct estate_name *name;
    size_t slot;

    *number_r = 0;
    if (text == NULL)
        return 0;
    if (len > ESTATE_TEXT_MAX)
        return err_set(err, ERR_LIMIT, 0, "a text of %zu bytes: more than %d", len, ESTATE_TEXT_MAX);
    if (table->slot_count > 0) {
        *number_r = table->slots[find_slot(table, text)];
        if (*number_r != 0)
            return 0;
    }
    if (table->block_count * BLOCK_BYTES >= ESTATE_TEXT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, 0, "the devices' text takes more than %u MiB",
                       ESTATE_TEXT_BYTES_MAX / 1048576);
    if (!make_room(table, len))
        return err_set(err, ERR_NOMEM, 0, "no memory for %zu devices", table->count + 1);
    slot = find_slot(table, text);
    name = &table->names[table->name_count];
    *name = (struct estate_name){ .at = (uint32_t)((table->block_count - 1) << BLOCK_BITS | table->used) };
    memcpy(table->blocks[table->block_count - 1] + table->used, text, len + 1);
    table->used += len + 1;
    table->slots[slot] = (uint32_t)table->name_count;
    *number_r = (uint32_t)table->name_count++;
    return 0;
}

static const struct estate_name *find_name(const struct estate_table *table, const char *text)
{
    uint32_t number = table->slot_count > 0 ? table->slots[find_slot(table, text)] : 0;

    return number != 0 ? &table->names[number] : NULL;
}

struct estate_row *estate_table_by_serial(const struct estate_table *table, const char *serial)
{
    const struct estate_name *name = find_name(table, serial);

    return name != NULL && name->serial_of != 0 ? &table->rows[name->serial_of - 1] : NULL;
}

struct estate_row *estate_table_by_id(const struct estate_table *table, const char *device_id)
{
    const struct estate_name *name = find_name(table, device_id);

    return name != NULL && name->id_of != 0 ? &table->rows[name->id_of - 1] : NULL;
}

int estate_table_add(struct estate_table *table, const char *serial, struct estate_row **row_r,
                     struct err *err)
{
    void *rows = table->rows;
    uint32_t number;

    *row_r = estate_table_by_serial(table, serial);
    if (*row_r != NULL)
        return 0;
    if (table->count >= table->max_rows)
        return err_set(err, ERR_LIMIT, 0, "more than %zu devices", table->max_rows);
    if (estate_table_name(table, serial, &number, err) != 0)
        return -1;
    if (!grow(&rows, sizeof(*table->rows), table->count, &table->room))
        return err_set(err, ERR_NOMEM, 0, "no memory for %zu devices", table->count + 1);
    table->rows = rows;
    *row_r = &table->rows[table->count++];
    **row_r = (struct estate_row){ .serial = number };
    table->names[number].serial_of = (uint32_t)table->count;
    return 0;
}

void estate_table_drop_id(struct estate_table *table, struct estate_row *row)
{
    struct estate_name *name = row->device_id != 0 ? &table->names[row->device_id] : NULL;

    if (name != NULL && name->id_of == (uint32_t)(row - table->rows) + 1)
        name->id_of = 0;
    row->device_id = 0;
}

int estate_table_set_id(struct estate_table *table, struct estate_row *row, const char *device_id,
                        struct estate_row **other_r, struct err *err)
{
    uint32_t number, index = (uint32_t)(row - table->rows) + 1;

    *other_r = NULL;
    if (estate_table_name(table, device_id, &number, err) != 0)
        return -1;
    if (row->device_id != number)
        estate_table_drop_id(table, row);
    row->device_id = number;
    if (table->names[number].id_of != 0 && table->names[number].id_of != index)
        *other_r = &table->rows[table->names[number].id_of - 1];
    else
        table->names[number].id_of = index;
    return 0;
}

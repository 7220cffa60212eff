/**
 * estate_table.h - the devices of an estate: rows found by serial and by device id, and the text that they
 * share. All text is kept once, and stays where it is until the table is released.
 */
#ifndef ABMCTL_ESTATE_TABLE_H
#define ABMCTL_ESTATE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ESTATE_TEXT_MAX       255              /* bytes of one text */
#define ESTATE_TEXT_BYTES_MAX (512u * 1048576) /* of all text */

enum {
    ROW_WANTED = 1,
    ROW_KNOWN = 2,             /* ABM has the device: device_id, country */
    ROW_THERE = 4,             /* it has an assignment: blueprint, server, state, updated_ms */
    ROW_UNSURE = 8,            /* the pages contradict themselves on the device: it is asked for alone */
    ROW_UNSURE_ASSIGNMENT = 16 /* likewise on its assignment */
};

/* Text by its number in the table; 0: none. */
struct estate_row {
    uint32_t serial, device_id, country, blueprint, server;
    uint8_t flags, state;
    int64_t updated_ms; /* of the assignment; 0: not said */
};

struct estate_name;

struct estate_table {
    struct estate_row *rows;
    size_t count, room;
    size_t max_rows;

    struct estate_name *names; /* [0] is none */
    size_t name_count, name_room;
    uint32_t *slots; /* number of a name; 0: free */
    size_t slot_count;
    uint64_t seed;
    char **blocks; /* of text */
    size_t block_count, used;
};

void estate_table_init(struct estate_table *table, size_t max_rows);
void estate_table_release(struct estate_table *table);

/** The row of a serial, added where it is new. It moves with the next. ERR_LIMIT, ERR_NOMEM. */
int estate_table_add(struct estate_table *table, const char *serial, struct estate_row **row_r,
                     struct err *err);
/** NULL where there is none. */
struct estate_row *estate_table_by_serial(const struct estate_table *table, const char *serial);
struct estate_row *estate_table_by_id(const struct estate_table *table, const char *device_id);

/**
 * Gives a row its device id.
 * @param other_r  out: another row that has this id already, and keeps it; NULL: none
 */
int estate_table_set_id(struct estate_table *table, struct estate_row *row, const char *device_id,
                        struct estate_row **other_r, struct err *err);

/** Takes it from the row again, for another to have. */
void estate_table_drop_id(struct estate_table *table, struct estate_row *row);

/** The number of a text; NULL text is 0. ERR_LIMIT, ERR_NOMEM. */
int estate_table_name(struct estate_table *table, const char *text, uint32_t *number_r, struct err *err);
/** NULL for 0. */
const char *estate_table_text(const struct estate_table *table, uint32_t number);

#endif

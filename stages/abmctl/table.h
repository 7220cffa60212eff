/**
 * table.h - a table for a terminal: cells gathered first, then printed aligned by their width on the screen.
 * Cells are escaped as they are added. Colour only where stdout is a terminal and NO_COLOR is unset or empty.
 */
#ifndef ABMCTL_TABLE_H
#define ABMCTL_TABLE_H

#include "base/buf.h"

#define TABLE_MAX_COLUMNS 16

struct table {
    size_t columns;
    bool is_right[TABLE_MAX_COLUMNS]; /* numbers stand to the right */
    size_t width[TABLE_MAX_COLUMNS];
    struct buf text; /* the cells, each ended by NUL */
    size_t cells;
};

/**
 * heads: names of the columns, separated by '|'; a '>' before one puts the column to the right:
 * "stage|>backlog".
 */
void table_init(struct table *table, const char *heads);
void table_release(struct table *table);
/** The next cell; rows follow from the number of columns. NULL: "-". */
void table_add(struct table *table, const char *text);
void table_add_int(struct table *table, int64_t number);
size_t table_rows(const struct table *table); /* the head not counted */
/** Appends the table; is_coloured: the head stands out. Errors stand in *out. */
void table_print(const struct table *table, bool is_coloured, struct buf *out);
/** Prints it to stdout, coloured where that is a terminal. 0, or -1 with err. */
int table_show(const struct table *table, struct err *err);

/** Columns that UTF-8 text takes on a terminal, roughly: wide East Asian characters and emoji two, marks
 * none. */
size_t table_width(const char *text);

#endif

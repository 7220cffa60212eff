/**
 * rows_list.h - the rows of a device file that will not be used as they stand, listed on stderr: on a
 * terminal the first 20, elsewhere all, with --json one object a line.
 */
#ifndef ABMCTL_ROWS_LIST_H
#define ABMCTL_ROWS_LIST_H

#include "ctl.h"
#include "rows.h"

#define ROWS_LISTED_MAX 20

struct rows_list {
    struct ctl *ctl;
    int64_t listed;
};

/** A rows_report_fn; list is a struct rows_list. */
int rows_list_row(void *list, const struct ingest_rejected *row, struct err *err);

/** Sums up in a line what was listed; name is the file's. */
void rows_list_end(struct rows_list *list, const struct rows *rows, const char *name);

#endif

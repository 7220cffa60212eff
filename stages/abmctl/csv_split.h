/**
 * csv_split.h - a CSV file as several smaller ones, each with its header, for a manual upload: whole rows,
 * byte for byte. The parts are written into a hidden folder inside the target and get their names all at the
 * end, so that neither a full disk nor a wrong row nor ^C leaves a part, or a part of the parts, under a
 * final name.
 */
#ifndef ABMCTL_CSV_SPLIT_H
#define ABMCTL_CSV_SPLIT_H

#include "ctl.h"
#include "source.h"

#define CSV_SPLIT_PARTS_MAX 9999 /* NAME-0001.csv to NAME-9999.csv */

struct csv_part {
    int64_t rows, bytes;         /* bytes with the header */
    int64_t first_row, last_row; /* as the input numbers them: the header is 1 */
};

struct csv_split {
    struct ctl *ctl; /* asked whether ^C was pressed, and shown progress; may have no signals caught */
    const char *dir; /* borrowed */
    int64_t max_rows, max_bytes;

    char name[140];      /* of the parts, before "-0001.csv" */
    char hidden[64];     /* the folder in dir while it is written; "": none */
    bool is_dir_made;    /* dir was not there before */
    int dir_fd, part_fd; /* -1: none */
    struct buf out;      /* of the present part, not written yet */
    char *header;
    size_t header_len;
    struct csv_part *parts;
    size_t count, room, named;
    int64_t rows;
    struct source *source;
};

/** "5000B", "10MB", "1GB", "512KB" or "512": units of 1000. False: it is none, or 0. */
bool csv_split_bytes(const char *text, int64_t *bytes_r);

/**
 * Splits source (CSV, opened) into files of at most max_rows rows and max_bytes bytes in dir, which is made
 * where it is missing. After -1 dir is as it was before.
 *
 * -1 with ERR_FILE_EXISTS (a file named like a part is there), ERR_LIMIT (a row that with the header has more
 * than max_bytes: names it; more than CSV_SPLIT_PARTS_MAX parts), ERR_STOPPED, ERR_INPUT_CHANGED, ERR_IO (a
 * full disk), and what csv_rows_read says.
 */
int csv_split(struct csv_split *split, struct source *source, struct err *err);
void csv_split_release(struct csv_split *split);

/** "NAME-0001.csv" of part i, from 0. */
void csv_split_part_name(const struct csv_split *split, size_t i, char *name, size_t size);

#endif

/**
 * rules_diff.h - which devices of a file two mappings lead to different blueprints or servers: grouped by
 * what they would get before and after. The file is read once; what differs is kept, some 30 bytes a device,
 * beside the serials that decide on duplicates.
 */
#ifndef ABMCTL_RULES_DIFF_H
#define ABMCTL_RULES_DIFF_H

#include "rows_list.h"

/* One pair of before and after. NULL: no rule holds, the device is rejected. */
struct rules_diff_group {
    const struct mapping_rule *from, *to; /* the first rules that led there */
    int64_t devices;
    size_t first, last; /* of the serials */
};

struct rules_diff {
    const struct mapping *old, *new; /* borrowed */
    struct rows_list list;
    struct rows rows;
    struct rules_diff_group *groups; /* in the order in which the file has them */
    size_t group_count, group_room;
    uint32_t *index; /* hash table of groups: number from 1, 0: free */
    size_t index_room;
    struct rules_diff_serial {
        size_t text, next; /* in texts; the next one of the group, from 1, 0: none */
    } * serials;
    size_t serial_count, serial_room;
    struct buf texts;
};

/** Reads source whole; wrong rows are listed as push lists them. ERR_NOMEM, and what source_read_all says. */
int rules_diff_read(struct rules_diff *diff, struct ctl *ctl, const struct mapping *old,
                    const struct mapping *new, struct source *source, struct err *err);
void rules_diff_release(struct rules_diff *diff);

/** The place behind `at` in a group's serials; begin with at 0. NULL at the end. */
const char *rules_diff_next(const struct rules_diff *diff, const struct rules_diff_group *group, size_t *at);

/** On stdout: lines, on a terminal at most ROWS_LISTED_MAX serials a group; under --json one object. */
int rules_diff_show(const struct rules_diff *diff, struct ctl *ctl, struct err *err);

#endif

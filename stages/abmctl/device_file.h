/**
 * device_file.h - a device file as push and import take it: read with the organization's rules, its wrong
 * rows listed on stderr, counted, and handed on as a feed.
 */
#ifndef ABMCTL_DEVICE_FILE_H
#define ABMCTL_DEVICE_FILE_H

#include "feed.h"
#include "rows_list.h"
#include "rules_file.h"

struct device_file {
    /* the options */
    const char *input, *format;
    bool is_strict;

    struct source source;
    struct rules_file rules;
    struct serial_pattern *pattern;
    struct rows rows;
    struct rows_list list;
};

/** Opens the organization's rules, then as device_file_open_with. */
int device_file_open(struct device_file *file, struct ctl *ctl, struct err *err);
/** The same where file->rules are loaded: pattern and source. quiet: no row is listed. device_file_release is
 * to be called whatever both return, on a file that was zero before. */
int device_file_open_with(struct device_file *file, struct ctl *ctl, bool is_quiet, struct err *err);
void device_file_release(struct device_file *file);

/** The file as a feed; its first pass judges all rows and lists the wrong ones. */
struct feed device_file_feed(struct device_file *file);

/** After the first pass: says the counts; ERR_STRICT where strict finds a row wrong. */
int device_file_judge(struct device_file *file, struct err *err);

#endif

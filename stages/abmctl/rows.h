/**
 * rows.h - what push and plan make of a device file: each row checked, duplicates decided over the whole
 * input, the blueprint looked up to tell what differs. The same rows give the same in both passes.
 */
#ifndef ABMCTL_ROWS_H
#define ABMCTL_ROWS_H

#include "batcher.h"
#include "domain/check.h"
#include "domain/mapping.h"
#include "source.h"

/** A row that will not be used as it stands, or (ERR_NO_RULE) that validate will reject. */
typedef int rows_report_fn(void *ctx, const struct ingest_rejected *row, struct err *err);

/** A device that goes on, with the rule that decides; rule NULL: none holds. Both are borrowed. */
typedef int rows_device_fn(void *ctx, const struct device *device, const struct mapping_rule *rule,
                           struct err *err);

struct dedupe;

struct rows {
    const struct serial_pattern *pattern;
    const struct mapping *mapping;
    struct dedupe *seen;    /* serials of the first pass */
    bool is_second;         /* duplicates are known, nothing is counted or reported */
    rows_report_fn *report; /* of the first pass */
    void *ctx;
    struct batcher *batcher; /* of rows_pass */
    rows_device_fn *visit;   /* of rows_visit */
    void *visit_ctx;

    int64_t total;     /* rows */
    int64_t rejected;  /* wrong by themselves */
    int64_t duplicate; /* losers of a serial; differing: those that would get another blueprint */
    int64_t differing;
    int64_t unruled;  /* no rule holds: good rows that validate rejects */
    int64_t *by_rule; /* devices of each rule of the mapping */
};

int rows_init(struct rows *rows, const struct serial_pattern *pattern, const struct mapping *mapping,
              rows_report_fn *report, void *ctx, struct err *err);
void rows_release(struct rows *rows);

/** Reads the source through batcher, its last batch too. The first time it counts, reports and learns the
 * serials. */
int rows_pass(struct rows *rows, struct source *source, struct batcher *batcher, struct err *err);
/** The same without batches: visit (NULL: nobody) gets each device that goes on, -1 of it ends the pass. */
int rows_visit(struct rows *rows, struct source *source, rows_device_fn *visit, void *ctx, struct err *err);

/** Rows that --strict does not let pass: wrong ones, duplicates that differ, those without a rule. */
int64_t rows_wrong(const struct rows *rows);
/** Devices that would be assigned: all but wrong ones, duplicates and those without a rule. */
int64_t rows_assignable(const struct rows *rows);

#endif

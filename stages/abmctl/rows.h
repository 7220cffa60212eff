/**
 * rows.h - what push makes of a device file: each row checked, duplicates decided over the whole input, the
 * blueprint looked up to tell what differs. The same rows give the same in both passes.
 */
#ifndef ABMCTL_ROWS_H
#define ABMCTL_ROWS_H

#include "batcher.h"
#include "domain/check.h"
#include "domain/mapping.h"
#include "source.h"

/** A row that will not be used as it stands, or (ERR_NO_RULE) that validate will reject. */
typedef int rows_report_fn(void *ctx, const struct ingest_rejected *row, struct err *err);

struct dedupe;

struct rows {
    const struct serial_pattern *pattern;
    const struct mapping *mapping;
    struct dedupe *seen;    /* serials of the first pass */
    bool is_second;         /* duplicates are known, nothing is counted or reported */
    rows_report_fn *report; /* of the first pass */
    void *ctx;
    struct batcher *batcher;

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

/** Rows that --strict does not let pass: wrong ones, duplicates that differ, those without a rule. */
int64_t rows_wrong(const struct rows *rows);
/** Devices that would be assigned: all but wrong ones, duplicates and those without a rule. */
int64_t rows_assignable(const struct rows *rows);

#endif

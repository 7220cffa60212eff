/**
 * pushing.h - the steps of push and import: read and judge the whole input, name the run, publish, wait.
 */
#ifndef ABMCTL_PUSHING_H
#define ABMCTL_PUSHING_H

#include "ctl.h"
#include "publish.h"
#include "rows.h"
#include "rows_list.h"
#include "rules_file.h"
#include "runid.h"
#include "who.h"

struct pushing {
    /* the options */
    const char *input, *format;
    const char *run; /* NULL: made here */
    bool is_strict, is_waiting, is_dry, is_urgent;
    int64_t size;       /* rows of a batch */
    int64_t timeout_ms; /* of waiting; 0: none */

    struct ctl *ctl;
    struct source source;
    struct rules_file rules;
    struct serial_pattern *pattern;
    struct rows rows;
    struct rows_list list;
    int64_t batches;

    char id[RUNID_BYTES];
    bool is_resumed;
    char operator_[WHO_BYTES], source_name[129],
        git_commit[65];         /* as every batch says them; git_commit "": none */
    int64_t published, skipped; /* batches sent now; found registered or on their way */
    int64_t begun_boot_ms;
};

/** Opens rules, pattern and source. pushing_release is to be called whatever it returns. */
int pushing_open(struct pushing *pushing, struct ctl *ctl, struct err *err);
void pushing_release(struct pushing *pushing);

/**
 * The first pass: all rows are judged, the wrong ones listed on stderr. ERR_STRICT where strict finds one
 * wrong.
 */
int pushing_read(struct pushing *pushing, struct err *err);

/** Names the run (new, or the one that an interrupted push of this input left) and keeps the mapping. */
int pushing_begin(struct pushing *pushing, struct err *err);

/** The second pass: the batches that are neither registered nor on their way to validate are published. */
int pushing_publish(struct pushing *pushing, struct err *err);

/* The steps apart, for run repair. */
/** A pass that only counts the batches of pushing->size rows. */
int pushing_count(struct pushing *pushing, struct err *err);
/** What every batch says alike; borrowed from pushing. */
void pushing_head(const struct pushing *pushing, struct ingest *head_r);
/** Takes over a kept head (its operator, source, commit, size); counts again where its size is another. */
int pushing_read_head(struct pushing *pushing, const struct buf *head, struct err *err);
int pushing_store_rules(struct pushing *pushing, struct err *err);

#endif

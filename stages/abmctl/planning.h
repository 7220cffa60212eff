/**
 * planning.h - what ABM would have to change so that a device file and its rules hold: read the file, read
 * ABM, judge each device. For the verbs plan and drift. Nothing is changed anywhere.
 *
 * The file is read once for each thing that is asked of it, so only ABM's side is kept in memory.
 */
#ifndef ABMCTL_PLANNING_H
#define ABMCTL_PLANNING_H

#include "ctl.h"
#include "ctl_portal.h"
#include "domain/plan.h"
#include "estate.h"
#include "rows.h"
#include "rows_list.h"
#include "rules_file.h"
#include "targets.h"

struct planning {
    /* the options */
    const char *input, *format;
    const char *blueprints; /* NULL: the organization's rules */
    bool is_complete;       /* the input is the whole truth: what it lacks is to be removed */
    bool is_only_new;       /* no existing assignment is changed */
    bool is_strict;

    struct ctl *ctl;
    struct source source;
    struct rules_file rules;
    struct serial_pattern *pattern;
    struct rows rows;
    struct rows_list list;
    struct ctl_portal portal;
    struct targets targets;
    struct estate *estate;
    int64_t visited; /* rows of the present pass */

    /* after planning_count */
    int64_t counts[PLAN_KINDS + 1]; /* by enum plan_kind */
    int64_t kept;                   /* would change, but only_new leaves them */
    int64_t untargeted;             /* ABM lacks the blueprint or server that is wanted */
    int64_t unknown;                /* of those to add: ABM does not have the device yet */
    int64_t changed, existing; /* assignments that would change, and all of them: of the input's devices */
};

/* One device, judged. */
struct planned {
    enum plan_kind kind;
    bool is_kept;  /* only_new leaves a PLAN_CHANGE as it is */
    bool is_known; /* ABM has the device */
    struct plan_seen seen;
    struct plan_entry entry; /* serial, state and ids live as long as the planning, the rest for the call */
};

/* Rows of a table of options, for the verbs that read a device file. */
#define PLANNING_OPTIONS(planning)                                                                           \
    { .name = "input",                                                                                       \
      .letter = 'i',                                                                                         \
      .kind = CTL_TEXT,                                                                                      \
      .to.text = &(planning).input,                                                                          \
      .value = "FILE",                                                                                       \
      .help = "CSV, YAML or JSON lines, by its suffix; -: stdin" },                                          \
        { .name = "format",                                                                                  \
          .kind = CTL_TEXT,                                                                                  \
          .to.text = &(planning).format,                                                                     \
          .value = "FORMAT",                                                                                 \
          .help = "csv, yaml or jsonl, whatever the suffix (stdin: csv)" },                                  \
        { .name = "blueprints",                                                                              \
          .kind = CTL_TEXT,                                                                                  \
          .to.text = &(planning).blueprints,                                                                 \
          .value = "FILE",                                                                                   \
          .help = "the mapping; else the organization's" },                                                  \
    {                                                                                                        \
        .name = "strict", .kind = CTL_FLAG, .to.flag = &(planning).is_strict,                                \
        .help = "plan nothing where one row is wrong"                                                        \
    }

typedef int planning_see_fn(void *ctx, const struct planned *planned, struct err *err);

/**
 * Opens rules, pattern and file, and reads the file once: all that is wrong with them is found before ABM or
 * Redis is asked for anything. Wrong rows are listed on stderr. planning_release is to be called whatever it
 * returns. ERR_STRICT and ERR_COMPLETE_ROWS where rows are wrong.
 */
int planning_open(struct planning *planning, struct ctl *ctl, struct err *err);
void planning_release(struct planning *planning);

/** Reads ABM's blueprints, servers, devices and assignments. ERR_REDIS_*, ERR_ABM_*, ERR_STOPPED. */
int planning_look(struct planning *planning, struct err *err);
/** The same by a client that is open, borrowed until planning_release. */
int planning_look_by(struct planning *planning, const struct abm_api *api, struct err *err);

/**
 * Judges all devices: those of the input in its order, then (complete) those to be removed by serial.
 * Rejected ones and losers of a serial are left out. ERR_STOPPED, ERR_INPUT_CHANGED, and what see said.
 */
int planning_each(struct planning *planning, planning_see_fn *see, void *ctx, struct err *err);

/** The same, counting. see NULL: only that. */
int planning_count(struct planning *planning, planning_see_fn *see, void *ctx, struct err *err);

/** Rows and devices that go nowhere, after planning_count. */
int64_t planning_rejected(const struct planning *planning);

/** What ABM shows, as plan_judge takes it. Pure. */
struct plan_seen planning_seen(const struct estate_device *device);

/** For plan_file.h: hands on the entries of a kind; ctx is the planning. */
int planning_entries(void *planning, enum plan_kind kind, struct plan_writer *writer, struct err *err);

#endif

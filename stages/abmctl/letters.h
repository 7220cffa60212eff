/**
 * letters.h - what the verbs on dead letters share: their selection by options, and their names,
 * "assign:1764000000000-0".
 */
#ifndef ABMCTL_LETTERS_H
#define ABMCTL_LETTERS_H

#include "ctl.h"
#include "queue/dead.h"

struct letters_choice {
    const char *stage; /* NULL: all */
    const char *id;    /* "stage:entry"; NULL: all */
    struct dead_filter filter;
    char entry[DEAD_ID_BYTES]; /* id, without its stage */
};

/** Checks stage, id, run and code; splits the id. ERR_USAGE, ERR_RUN_ID. */
int letters_check(struct letters_choice *choice, struct err *err);

/** dead_each over the stages chosen, in the order of the pipeline. */
int letters_each(struct ctl *ctl, const struct letters_choice *choice, dead_each_fn *fn, void *user,
                 struct err *err);

#endif

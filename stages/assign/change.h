/**
 * change.h - the second half of abm-assign's rule: notes first, then the requests that change ABM.
 */
#ifndef ASSIGN_CHANGE_H
#define ASSIGN_CHANGE_H

#include "assign.h"

enum change { CHANGE_NONE, CHANGE_SET, CHANGE_REMOVE };

/* A job that ABM is to be changed for. */
struct change_task {
    struct job *job;
    enum change change;
    bool is_new; /* this call makes its note: nothing was sent for it before */
    bool is_saved;
};

/** Nothing was sent for it: as if it had not been here, so that its next note tells what is true then. */
void change_forget(struct change_task *task);

/**
 * Saves the notes and sends the changes; every task's job gets its verdict. tasks may be put in another
 * order.
 *
 * @param read_boot_ms  when what they were judged by was read, by clock_boot_ms
 * @return 0; -1 as assign_batch, which those without a verdict go back with
 */
int change_devices(struct assign *assign, struct batch *batch, struct change_task *tasks, size_t count,
                   int64_t read_boot_ms, struct err *err);

#endif

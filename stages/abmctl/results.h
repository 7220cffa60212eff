/**
 * results.h - how a run ended, as DESIGN.md 10 shows it: the one JSON object, the table, the exit status.
 */
#ifndef ABMCTL_RESULTS_H
#define ABMCTL_RESULTS_H

#include "ctl.h"

/** closed, incomplete or cancelled: nothing more comes of it but by replay. */
bool results_is_over(const struct run_view *view);

/** 0 all ended assigned, unchanged, removed or duplicate; 1 any other outcome, or the run is not whole. Pure.
 */
int results_exit(const struct run_view *view);

/** Appends {"run","total",...,"state","manifest","seconds"}. Pure. */
void results_print(const struct run_view *view, int64_t elapsed_ms, struct buf *out);

/** On stdout: the object under --json, else a table and where the manifest lies. */
int results_show(struct ctl *ctl, const struct run_view *view, int64_t elapsed_ms, struct err *err);

#endif

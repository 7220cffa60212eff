/**
 * look.h - the state of stages and runs, fetched over the command's connection and judged by the settings;
 * and waiting for a run to end. Reconnects where the connection is lost.
 */
#ifndef ABMCTL_LOOK_H
#define ABMCTL_LOOK_H

#include "ctl.h"
#include "queue/status.h"

/** The stages, judged. Text lives in pool. */
int look_status(struct ctl *ctl, struct pool *pool, struct status_view *view_r, struct err *err);

/** A run; ERR_NOT_FOUND where there is none of that id. */
int look_run(struct ctl *ctl, const char *run, struct pool *pool, struct run_view *view_r, struct err *err);

/** The first stage that holds the work up, NULL where nothing does. Pure. */
const struct status_stage *look_obstacle(const struct status_view *view);

/** Milliseconds until the run has ended at the pace it had so far; -1: nothing to reckon with. Pure. */
int64_t look_eta_ms(const struct run_view *run, int64_t now_ms);

#define LOOK_PAUSE_BYTES 4096

/** Of a run that is paused: why, by whom, since when, and what ends it; escaped. Returns text. */
const char *look_pause(const struct run_view *run, char text[LOOK_PAUSE_BYTES]);
/** The same as the member "paused"; null where it is not. */
void look_print_pause(struct json_out *json, const struct run_view *run);

/**
 * Waits until the run is closed, incomplete or cancelled, with a progress line on a terminal; a pause of it
 * is said in a line of its own, whatever stderr is. pool is used for the final view only.
 *
 * @param timeout_ms  0: as long as it takes
 * @return 0; -1 with ERR_WAIT_OVER (time-out, or ^C)
 */
int look_wait(struct ctl *ctl, const char *run, int64_t timeout_ms, struct pool *pool,
              struct run_view *view_r, struct err *err);

/**
 * 0 where everything of an open run stands somewhere; -1 with ERR_RUN_LOST where batches or devices of it, or
 * all, are gone: it would never end. It reads every message of the organization, so it is asked rarely.
 */
int look_missing(struct ctl *ctl, const char *run, struct err *err);

#endif

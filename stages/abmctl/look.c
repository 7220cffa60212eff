#include "look.h"

#include <string.h>

#include "base/clock.h"
#include "domain/message.h"
#include "queue/repair.h"
#include "results.h"

#define WAIT_MIN_MS  50
#define WAIT_MAX_MS  200
#define STILL_MIN_MS 3000 /* a run that does not move for so long is looked for: its whole may have gone */
#define STILL_MAX_MS 60000
#define ETA_MAX_MS   (INT64_C(1) << 53) /* numbers of Redis may be anything */

int look_status(struct ctl *ctl, struct pool *pool, struct status_view *view_r, struct err *err)
{
    struct status_limit limits[STATUS_STAGES];

    if (status_fetch(ctl->redis, &ctl->keys, pool, view_r, err) != 0)
        return -1;
    for (int i = 0; i < STATUS_STAGES; i++)
        limits[i] = (struct status_limit){ ctl->settings->stages[i].max_backlog,
                                           ctl->settings->stages[i].max_parked };
    status_judge(view_r, limits);
    return 0;
}

int look_run(struct ctl *ctl, const char *run, struct pool *pool, struct run_view *view_r, struct err *err)
{
    struct runbook book = shared_runbook(&ctl->shared);
    int found;

    if (!run_id_is_valid(run))
        return err_set(err, ERR_RUN_ID, 0, "'%.100s' is no run id", run);
    found = runbook_view(&book, run, pool, view_r, err);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, 0, "there is no run '%s'", run);
    return found < 0 ? -1 : 0;
}

const struct status_stage *look_obstacle(const struct status_view *view)
{
    for (int i = 0; i < STATUS_STAGES; i++) {
        const struct status_stage *stage = &view->stages[i];
        bool has_work = stage->messages > 0 || stage->parked > 0 || stage->due_ms > 0;

        if (!has_work)
            continue;
        if (stage->why == STATUS_PAUSED || stage->why == STATUS_NO_WORKER || stage->why == STATUS_FATAL ||
            stage->why == STATUS_BREAKER || stage->why == STATUS_LIMITED)
            return stage;
    }
    return NULL;
}

int64_t look_eta_ms(const struct run_view *run, int64_t now_ms)
{
    double total = (double)run->expected, ended = (double)run->ended, eta;
    int64_t took = now_ms - run->created_ms;

    if (run->come > 0 && run->come < run->batches) /* what is still to come is like what came */
        total = total * (double)run->batches / (double)run->come;
    if (run->ended <= 0 || took <= 0 || run->created_ms == 0)
        return -1;
    eta = total <= ended ? 0 : (double)took / ended * (total - ended);
    return eta < (double)ETA_MAX_MS ? (int64_t)eta : ETA_MAX_MS;
}

const char *look_pause(const struct run_view *run, char text[LOOK_PAUSE_BYTES])
{
    char time[CLOCK_ISO_BYTES];

    snprintf(text, LOOK_PAUSE_BYTES, "%s (%s, since %s): abmctl resume --run %s",
             ctl_shown(run->paused_reason), ctl_shown(run->paused_by), clock_iso(run->paused_ms, time),
             run->id);
    return text;
}

void look_print_pause(struct json_out *json, const struct run_view *run)
{
    char time[CLOCK_ISO_BYTES];

    if (run->paused_ms <= 0) {
        json_add_null(json, "paused");
        return;
    }
    json_begin(json, "paused", '{');
    json_add_string(json, "since", clock_iso(run->paused_ms, time));
    json_add_string(json, "by", run->paused_by);
    json_add_string(json, "reason", run->paused_reason);
    json_end(json, '}');
}

static void show_progress(struct ctl *ctl, const char *run, const struct run_view *view,
                          const struct status_view *status)
{
    const struct status_stage *obstacle = look_obstacle(status);
    int64_t eta = view != NULL ? look_eta_ms(view, status->now_ms) : -1;
    char left[32] = "", why[LOOK_PAUSE_BYTES + 32] = "", pause[LOOK_PAUSE_BYTES];

    if (view != NULL && view->paused_ms > 0)
        snprintf(why, sizeof(why), "; paused: %s", look_pause(view, pause));
    else if (obstacle != NULL)
        snprintf(why, sizeof(why), "; %s: %s", obstacle->name, obstacle->reason);
    else if (eta > 1000)
        clock_duration(eta, left);
    if (view == NULL)
        ctl_progress(ctl, "%s: waiting for validate%s", run, why);
    else
        ctl_progress(ctl, "%s: %lld of %lld ended, %lld failed%s%s%s", run, (long long)view->ended,
                     (long long)view->expected, (long long)view->outcomes[OUTCOME_FAILED],
                     left[0] != '\0' ? ", ~" : "", left, why);
}

int look_missing(struct ctl *ctl, const char *run, struct err *err)
{
    struct repair_look look;
    int64_t batches, devices;

    if (repair_look(ctl->redis, &ctl->keys, run, &look, NULL, NULL, err) != 0)
        return -1;
    if (!look.is_known)
        return look.under_way > 0
                   ? 0
                   : err_set(err, ERR_RUN_LOST, 0,
                             "Redis knows nothing of run %s any more: what was published is gone. "
                             "Push the file again",
                             run);
    batches = repair_missing_batches(&look);
    devices = repair_missing_devices(&look);
    if (batches == 0 && devices == 0)
        return 0;
    return err_set(
        err, ERR_RUN_LOST, 0,
        "%lld batches and %lld devices of run %s stand nowhere: Redis has lost them, or somebody has removed "
        "them, and it does not end by itself",
        (long long)batches, (long long)devices, run);
}

/* How the run stood when it was last seen to move. */
struct stillness {
    int64_t come, ended;
    int64_t since_boot_ms, allowed_ms;
};

/* Looks for what is missing once nothing has moved for a while, and then more and more rarely. */
static int mind_stillness(struct ctl *ctl, const char *run, const struct run_view *view,
                          struct stillness *still, struct err *err)
{
    int64_t come = view != NULL ? view->come : -1, ended = view != NULL ? view->ended : -1;
    int64_t now = clock_boot_ms();

    if (still->allowed_ms == 0 || come != still->come || ended != still->ended) {
        *still = (struct stillness){ come, ended, now, STILL_MIN_MS };
        return 0;
    }
    if (now - still->since_boot_ms < still->allowed_ms)
        return 0;
    still->since_boot_ms = now;
    still->allowed_ms = still->allowed_ms * 2 < STILL_MAX_MS ? still->allowed_ms * 2 : STILL_MAX_MS;
    return look_missing(ctl, run, err);
}

/* A pause is said once, also where no progress is shown: nothing moves until somebody does something. */
static void tell_pause(struct ctl *ctl, const struct run_view *view, int64_t *told_ms)
{
    char text[LOOK_PAUSE_BYTES];

    if (view->paused_ms == *told_ms)
        return;
    *told_ms = view->paused_ms;
    if (view->paused_ms > 0)
        ctl_say(ctl, "run %s: paused: %s", view->id, look_pause(view, text));
    else
        ctl_say(ctl, "run %s: goes on", view->id);
}

/* 1 the run is over; 0 not yet; -1 err. */
static int look_once(struct ctl *ctl, const char *run, struct pool *pool, struct run_view *view_r,
                     struct stillness *still, int64_t *told_ms, struct err *err)
{
    struct runbook book = shared_runbook(&ctl->shared);
    struct status_view status;
    int found = runbook_view(&book, run, pool, view_r, err);

    if (found < 0)
        return -1;
    if (found == 1 && results_is_over(view_r))
        return 1;
    if (found == 1)
        tell_pause(ctl, view_r, told_ms);
    if (mind_stillness(ctl, run, found == 1 ? view_r : NULL, still, err) != 0)
        return -1;
    if (!ctl->is_err_terminal || ctl->is_json)
        return 0;
    if (look_status(ctl, pool, &status, err) != 0)
        return -1;
    show_progress(ctl, run, found == 1 ? view_r : NULL, &status);
    return 0;
}

int look_wait(struct ctl *ctl, const char *run, int64_t timeout_ms, struct pool *pool,
              struct run_view *view_r, struct err *err)
{
    int64_t end = timeout_ms > 0 ? clock_boot_ms() + timeout_ms : INT64_MAX, pause = WAIT_MIN_MS, told_ms = 0;
    struct stillness still = { 0 };

    if (ctl_catch_signals(ctl, err) != 0)
        return -1;
    for (;;) {
        struct err why = ERR_INIT;
        int rc = look_once(ctl, run, pool, view_r, &still, &told_ms, &why);

        if (rc == 1) {
            ctl_progress_end(ctl);
            return 0;
        }
        if (rc < 0 && !ctl_is_passing(&why)) {
            *err = why;
            return -1;
        }
        if (rc < 0 && ctl_outlast(ctl, &why, err) != 0)
            return err_set(err, ERR_WAIT_OVER, 0, "stopped while run %s is under way", run);
        pool_reset(pool);
        if (clock_boot_ms() >= end)
            return err_set(err, ERR_WAIT_OVER, 0, "run %s has not ended in the time given", run);
        if (ctl_wait(ctl, pause))
            return err_set(err, ERR_WAIT_OVER, 0, "stopped while run %s is under way", run);
        pause = pause * 3 / 2 < WAIT_MAX_MS ? pause * 3 / 2 : WAIT_MAX_MS;
    }
}

/* abmctl status: each stage with one reason why it does or does not move, the open runs or one; and health.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "domain/outcome.h"
#include "look.h"
#include "results.h"
#include "table.h"

#include "queue/runs.h"

#define POOL_BYTES (16u * 1024 * 1024)
#define RUNS_MAX   100

struct status_options {
    const char *run; /* NULL: the open ones */
    bool is_watched;
    int64_t every_ms;
};

static void print_stage(struct json_out *json, const struct status_stage *stage)
{
    json_begin(json, NULL, '{');
    json_add_string(json, "stage", stage->name);
    json_add_string(json, "reason", stage->reason);
    json_add_int(json, "backlog", stage->backlog);
    json_add_int(json, "messages", stage->messages);
    json_add_int(json, "in_hand", stage->in_hand);
    json_add_int(json, "parked", stage->parked);
    json_add_int(json, "dead", stage->dead);
    json_add_int(json, "workers", stage->workers);
    json_add_int(json, "passed", stage->passed);
    json_add_int(json, "finished", stage->finished);
    json_add_int(json, "retried", stage->retried);
    json_add_int(json, "waited", stage->waited);
    json_end(json, '}');
}

static void print_run(struct json_out *json, const struct run_view *run, int64_t now_ms)
{
    char time[CLOCK_ISO_BYTES];
    int64_t eta = results_is_over(run) ? -1 : look_eta_ms(run, now_ms);

    json_begin(json, NULL, '{');
    json_add_string(json, "run", run->id);
    json_add_string(json, "state", run->state);
    json_add_bool(json, "is_cancelled", run->is_cancelled);
    look_print_pause(json, run);
    json_add_string(json, "source", run->source_name);
    json_add_string(json, "operator", run->operator_);
    json_add_string(json, "created", run->created_ms > 0 ? clock_iso(run->created_ms, time) : NULL);
    json_add_int(json, "batches", run->batches);
    json_add_int(json, "come", run->come);
    json_add_int(json, "total", run->expected);
    json_add_int(json, "ended", run->ended);
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        json_add_int(json, outcome_name((enum outcome)outcome), run->outcomes[outcome]);
    json_add_int(json, "dead", run->dead);
    json_add_string(json, "manifest", run->manifest_path);
    if (eta >= 0)
        json_add_string(json, "ends", clock_iso(now_ms + eta, time));
    else
        json_add_null(json, "ends");
    json_end(json, '}');
}

static int show_json(const struct status_view *view, const struct run_view *runs, size_t count,
                     struct err *err)
{
    struct json_out json;
    struct buf line;
    char time[CLOCK_ISO_BYTES];
    int rc;

    buf_init(&line, 4 * 1024 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "now", clock_iso(view->now_ms, time));
    json_begin(&json, "stages", '[');
    for (int i = 0; i < STATUS_STAGES; i++)
        print_stage(&json, &view->stages[i]);
    json_end(&json, ']');
    if (view->breaker_ms > 0) {
        json_begin(&json, "breaker", '{');
        json_add_string(&json, "code", view->breaker_code);
        json_add_string(&json, "text", view->breaker_text);
        json_add_string(&json, "since", clock_iso(view->breaker_ms, time));
        json_end(&json, '}');
    } else {
        json_add_null(&json, "breaker");
    }
    json_add_string(&json, "redis", view->server[0] != '\0' ? view->server : NULL);
    json_begin(&json, "runs", '[');
    for (size_t i = 0; i < count; i++)
        print_run(&json, &runs[i], view->now_ms);
    json_end(&json, ']');
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static int show_stages(const struct status_view *view, struct err *err)
{
    struct table table;
    int rc;

    table_init(&table, "stage|>backlog|>in hand|>parked|>dead|>workers|why");
    for (int i = 0; i < STATUS_STAGES; i++) {
        const struct status_stage *stage = &view->stages[i];
        char backlog[32];

        /* What stands in ingest is counted in messages of up to 1,000 devices. */
        snprintf(backlog, sizeof(backlog), "%s%lld", i == 0 && stage->backlog > 0 ? "<=" : "",
                 (long long)stage->backlog);
        table_add(&table, stage->name);
        table_add(&table, backlog);
        table_add_int(&table, stage->in_hand);
        table_add_int(&table, stage->parked);
        table_add_int(&table, stage->dead);
        table_add_int(&table, stage->workers);
        table_add(&table, stage->reason);
    }
    rc = table_show(&table, err);
    table_release(&table);
    if (rc == 0 && view->server[0] != '\0') {
        char line[STATUS_REASON_MAX + 16];

        snprintf(line, sizeof(line), "\nredis: %s\n", view->server);
        rc = ctl_print(line, strlen(line), err);
    }
    return rc;
}

static const char *state_of(const struct run_view *run)
{
    if (results_is_over(run))
        return run->state;
    return run->is_cancelled ? "cancelling" : run->paused_ms > 0 ? "paused" : run->state;
}

static int show_pauses(const struct run_view *runs, size_t count, struct err *err)
{
    char text[LOOK_PAUSE_BYTES], line[LOOK_PAUSE_BYTES + 128];

    for (size_t i = 0; i < count; i++) {
        if (runs[i].paused_ms == 0 || results_is_over(&runs[i]))
            continue;
        snprintf(line, sizeof(line), "\nrun %s: paused: %s\n", runs[i].id, look_pause(&runs[i], text));
        if (ctl_print(line, strlen(line), err) != 0)
            return -1;
    }
    return 0;
}

static int show_runs(const struct status_view *view, const struct run_view *runs, size_t count,
                     struct err *err)
{
    struct table table;
    int rc;

    if (count == 0)
        return ctl_print("\nno open run\n", strlen("\nno open run\n"), err);
    table_init(&table, "run|state|>ended|>total|>failed|>dead|>left|source");
    for (size_t i = 0; i < count; i++) {
        const struct run_view *run = &runs[i];
        int64_t eta = results_is_over(run) ? -1 : look_eta_ms(run, view->now_ms);
        char left[32];

        table_add(&table, run->id);
        table_add(&table, state_of(run));
        table_add_int(&table, run->ended);
        table_add_int(&table, run->expected);
        table_add_int(&table, run->outcomes[OUTCOME_FAILED]);
        table_add_int(&table, run->dead);
        table_add(&table, eta >= 0 ? clock_duration(eta, left) : NULL);
        table_add(&table, run->source_name);
    }
    rc = ctl_print("\n", 1, err);
    if (rc == 0)
        rc = table_show(&table, err);
    table_release(&table);
    return rc == 0 ? show_pauses(runs, count, err) : -1;
}

/* The runs that are not over among the newest, or the one asked for. */
static int find_runs(struct ctl *ctl, const char *run, struct pool *pool, struct run_view **runs_r,
                     size_t *count_r, struct err *err)
{
    const char **ids = &run;
    size_t count = 1, kept = 0;
    struct run_view *runs = NULL;

    if (run == NULL && runs_list(ctl->redis, &ctl->keys, RUNS_MAX, pool, &ids, &count, err) != 0)
        return -1;
    runs = pool_array(pool, count + 1, sizeof(*runs));
    if (runs == NULL)
        return pool_failed(pool, err);
    for (size_t i = 0; i < count; i++) {
        struct err why = ERR_INIT;

        if (look_run(ctl, ids[i], pool, &runs[kept], &why) != 0) {
            if (run == NULL && why.code == ERR_NOT_FOUND)
                continue; /* it went between the two looks */
            *err = why;
            return -1;
        }
        if (run != NULL || !results_is_over(&runs[kept]))
            kept++;
    }
    *runs_r = runs;
    *count_r = kept;
    return 0;
}

static int show_once(struct ctl *ctl, const struct status_options *options, struct pool *pool,
                     struct err *err)
{
    struct status_view view;
    struct run_view *runs = NULL;
    size_t count = 0;

    if (look_status(ctl, pool, &view, err) != 0 ||
        find_runs(ctl, options->run, pool, &runs, &count, err) != 0)
        return -1;
    if (ctl->is_json)
        return show_json(&view, runs, count, err);
    if (options->is_watched && ctl->is_out_terminal && ctl_print("\033[H\033[J", 6, err) != 0)
        return -1;
    if (show_stages(&view, err) != 0)
        return -1;
    return show_runs(&view, runs, count, err);
}

static int watch(struct ctl *ctl, const struct status_options *options, struct pool *pool, struct err *err)
{
    if (ctl_catch_signals(ctl, err) != 0)
        return -1;
    do {
        struct err why = ERR_INIT;

        pool_reset(pool);
        if (show_once(ctl, options, pool, &why) != 0) {
            if (!ctl_is_passing(&why)) {
                *err = why;
                return -1;
            }
            if (ctl_outlast(ctl, &why, err) != 0)
                return err->code == ERR_STOPPED ? CTL_DONE : -1;
        }
        if (fflush(stdout) != 0)
            return err_set(err, ERR_IO, 0, "stdout");
    } while (!ctl_wait(ctl, options->every_ms));
    return CTL_DONE;
}

int cmd_status(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct status_options options = { .every_ms = 1000 };
    const struct ctl_option rows[] = {
        { .name = "run",
          .kind = CTL_TEXT,
          .to.text = &options.run,
          .value = "ID",
          .help = "this run, also when it is over" },
        { .name = "watch",
          .kind = CTL_FLAG,
          .to.flag = &options.is_watched,
          .help = "again and again until ^C" },
        { .name = "every",
          .kind = CTL_DURATION,
          .to.number = &options.every_ms,
          .value = "TIME",
          .help = "with --watch: how often (1s)" },
    };
    struct pool *pool;
    int first, rc;

    rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);
    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (ctl_open_redis(ctl, err) != 0)
        return -1;
    pool = pool_new(POOL_BYTES);
    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = options.is_watched ? watch(ctl, &options, pool, err) : show_once(ctl, &options, pool, err);
    pool_free(pool);
    return rc;
}

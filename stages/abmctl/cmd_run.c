/* abmctl run list, show and close, and cancel: runs as a whole. */
#include "commands.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "domain/approvers.h"
#include "domain/message.h"
#include "look.h"
#include "queue/control.h"
#include "queue/repair.h"
#include "queue/runs.h"
#include "results.h"
#include "table.h"

#define POOL_BYTES (64u * 1024 * 1024)

/* look: NULL where nobody looked for what is missing. */
static void print_run(struct json_out *json, const struct run_view *run, const struct repair_look *look)
{
    char time[CLOCK_ISO_BYTES];

    json_begin(json, NULL, '{');
    json_add_string(json, "run", run->id);
    json_add_string(json, "state", run->state);
    json_add_string(json, "mode", run->mode);
    json_add_bool(json, "is_cancelled", run->is_cancelled);
    look_print_pause(json, run);
    json_add_string(json, "resumed_by", run->resumed_by);
    json_add_string(json, "created", run->created_ms > 0 ? clock_iso(run->created_ms, time) : NULL);
    json_add_string(json, "closed", run->closed_ms > 0 ? clock_iso(run->closed_ms, time) : NULL);
    json_add_string(json, "operator", run->operator_);
    json_add_string(json, "source", run->source_name);
    json_add_string(json, "source_sha256", run->source_sha256);
    json_add_string(json, "mapping_sha256", run->mapping_sha256);
    json_add_string(json, "git_commit", run->git_commit);
    if (run->is_only_new)
        json_add_bool(json, "only_new", true);
    if (run->plan_sha256 != NULL) {
        json_add_string(json, "plan_sha256", run->plan_sha256);
        approvers_print(json, "approvers", approvers_are_valid(run->approvers) ? run->approvers : NULL);
    }
    json_add_int(json, "batches", run->batches);
    json_add_int(json, "come", run->come);
    json_add_int(json, "malformed", run->malformed);
    json_add_int(json, "total", run->expected);
    json_add_int(json, "ended", run->ended);
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        json_add_int(json, outcome_name((enum outcome)outcome), run->outcomes[outcome]);
    json_add_int(json, "dead", run->dead);
    json_add_int(json, "manifests", run->manifest);
    json_add_string(json, "manifest", run->manifest_path);
    if (look != NULL) {
        json_add_int(json, "missing_batches", repair_missing_batches(look));
        json_add_int(json, "missing_devices", repair_missing_devices(look));
    }
    json_end(json, '}');
}

static int show_list(struct ctl *ctl, const struct run_view *runs, size_t count, struct err *err)
{
    struct table table;
    struct buf line;
    int rc;

    if (ctl->is_json) {
        struct json_out json;

        buf_init(&line, POOL_BYTES);
        json_out_init(&json, &line);
        json_begin(&json, NULL, '[');
        for (size_t i = 0; i < count; i++)
            print_run(&json, &runs[i], NULL);
        json_end(&json, ']');
        rc = ctl_print_line(&line, err);
        buf_release(&line);
        return rc;
    }
    table_init(&table, "run|state|created|>ended|>total|>failed|>dead|source");
    for (size_t i = 0; i < count; i++) {
        char time[CLOCK_ISO_BYTES];

        table_add(&table, runs[i].id);
        table_add(&table, runs[i].state);
        table_add(&table, runs[i].created_ms > 0 ? clock_iso(runs[i].created_ms, time) : NULL);
        table_add_int(&table, runs[i].ended);
        table_add_int(&table, runs[i].expected);
        table_add_int(&table, runs[i].outcomes[OUTCOME_FAILED]);
        table_add_int(&table, runs[i].dead);
        table_add(&table, runs[i].source_name);
    }
    rc = table_show(&table, err);
    table_release(&table);
    return rc;
}

static int list(struct ctl *ctl, int64_t max, struct pool *pool, struct err *err)
{
    struct runbook book = shared_runbook(&ctl->shared);
    struct run_view *runs;
    const char **ids;
    size_t count, kept = 0;

    if (runs_list(ctl->redis, &ctl->keys, (size_t)max, pool, &ids, &count, err) != 0)
        return -1;
    runs = pool_array(pool, count + 1, sizeof(*runs));
    if (runs == NULL)
        return pool_failed(pool, err);
    for (size_t i = 0; i < count; i++) {
        int found = runbook_view(&book, ids[i], pool, &runs[kept], err);

        if (found < 0)
            return -1;
        kept += (size_t)found;
    }
    return show_list(ctl, runs, kept, err);
}

int cmd_run_list(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    int64_t max = 20;
    const struct ctl_option rows[] = {
        { .name = "max",
          .kind = CTL_INT,
          .to.number = &max,
          .value = "N",
          .help = "at most so many, the newest (20)",
          .min = 1,
          .max = 10000 },
    };
    struct pool *pool;
    int first, rc = ctl_options(ctl, rows, 1, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (ctl_open_redis(ctl, err) != 0)
        return -1;
    pool = pool_new(POOL_BYTES);
    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = list(ctl, max, pool, err);
    pool_free(pool);
    return rc;
}

static void show_line(const char *name, const char *value)
{
    printf("%-14s %s\n", name, ctl_shown(value));
}

/* A line each: more of them than one line shows. */
static void show_approvers(const struct run_view *run)
{
    const char *id = approvers_are_valid(run->approvers) ? run->approvers : NULL;

    for (; id != NULL && *id != '\0'; id += id[64] == ',' ? 65 : 64)
        printf("%-14s %.64s\n", "approved by", id);
}

static void show_missing(const struct run_view *run, const struct repair_look *look)
{
    int64_t batches = repair_missing_batches(look), devices = repair_missing_devices(look);

    if (batches == 0 && devices == 0)
        return;
    printf("%-14s %lld batches and %lld devices stand nowhere\n", "missing", (long long)batches,
           (long long)devices);
    printf("%-14s abmctl run repair --run %s --%s FILE puts them back\n", "", ctl_shown(run->id),
           run->plan_sha256 != NULL ? "plan" : "input");
}

static int show_one(struct ctl *ctl, const struct run_view *run, const struct repair_look *look,
                    struct err *err)
{
    char time[CLOCK_ISO_BYTES], batches[80], paused[LOOK_PAUSE_BYTES];
    struct json_out json;
    struct buf line;
    int rc;

    if (ctl->is_json) {
        buf_init(&line, 64 * 1024);
        json_out_init(&json, &line);
        print_run(&json, run, look);
        rc = ctl_print_line(&line, err);
        buf_release(&line);
        return rc;
    }
    snprintf(batches, sizeof(batches), "%lld of %lld came, %lld malformed", (long long)run->come,
             (long long)run->batches, (long long)run->malformed);
    show_line("run", run->id);
    show_line("state", run->state);
    if (run->paused_ms > 0)
        printf("%-14s %s\n", "paused", look_pause(run, paused));
    if (run->resumed_by != NULL)
        show_line("resumed by", run->resumed_by);
    show_line("source", run->source_name);
    show_line("sha256", run->source_sha256);
    show_line("mapping", run->mapping_sha256);
    show_line("operator", run->operator_);
    show_line("git commit", run->git_commit);
    if (run->plan_sha256 != NULL)
        show_line("plan", run->plan_sha256);
    show_approvers(run);
    show_line("created", run->created_ms > 0 ? clock_iso(run->created_ms, time) : NULL);
    show_line("closed", run->closed_ms > 0 ? clock_iso(run->closed_ms, time) : NULL);
    show_line("batches", batches);
    printf("%-14s %lld of %lld devices\n", "ended", (long long)run->ended, (long long)run->expected);
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        if (run->outcomes[outcome] > 0)
            printf("  %-12s %lld\n", outcome_name((enum outcome)outcome), (long long)run->outcomes[outcome]);
    printf("%-14s %lld\n", "dead letters", (long long)run->dead);
    printf("%-14s %lld\n", "manifests", (long long)run->manifest);
    show_line("manifest", run->manifest_path);
    show_missing(run, look);
    return 0;
}

/* The one operand of show and close. */
static int open_with_run(struct ctl *ctl, int argc, char **argv, const char **run_r, struct err *err)
{
    int first, rc = ctl_options(ctl, NULL, 0, argc, argv, 1, 1, &first, err);

    if (rc != 0)
        return rc;
    *run_r = argv[first];
    if (!run_id_is_valid(*run_r))
        return err_set(err, ERR_RUN_ID, 0, "'%.100s' is no run id", *run_r);
    return ctl_open_redis(ctl, err);
}

int cmd_run_show(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *run = NULL;
    struct repair_look look;
    struct run_view view;
    struct pool *pool;
    int rc = open_with_run(ctl, argc, argv, &run, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    pool = pool_new(POOL_BYTES);
    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = look_run(ctl, run, pool, &view, err);
    if (rc == 0)
        rc = repair_look(ctl->redis, &ctl->keys, run, &look, NULL, NULL, err);
    if (rc == 0)
        rc = show_one(ctl, &view, &look, err);
    pool_free(pool);
    return rc;
}

/* No batch is missing: either its devices are still on their way, or some of them stand nowhere. */
static int refuse_whole(struct ctl *ctl, const char *run, struct err *err)
{
    struct repair_look look;
    int64_t missing;

    if (repair_look(ctl->redis, &ctl->keys, run, &look, NULL, NULL, err) != 0)
        return -1;
    missing = repair_missing_devices(&look);
    if (missing == 0)
        return err_set(err, ERR_RUN_STATE, 0,
                       "run %s misses no batch: it closes by itself once all its devices ended", run);
    return err_set(
        err, ERR_RUN_STATE, 0,
        "run %s misses no batch, but %lld of its devices stand nowhere: abmctl run repair --run %s "
        "--input FILE (--plan FILE where it applies one) puts them back",
        run, (long long)missing, run);
}

static int refuse(const char *run, enum control_answer answer, const char *state, struct err *err)
{
    if (answer == CONTROL_NONE)
        return err_set(err, ERR_NOT_FOUND, 0, "there is no run '%s'", run);
    return err_set(err, ERR_RUN_STATE, 0, "run %s is %s already", run, state);
}

static int show_done(struct ctl *ctl, const char *run, const char *what, int64_t left, int64_t moved,
                     struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    if (!ctl->is_json) {
        printf("run %s: %s, %lld devices are still on their way\n", run, what, (long long)left);
        return 0;
    }
    buf_init(&line, 4096);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "run", run);
    json_add_string(&json, "done", what);
    json_add_int(&json, "left", left);
    if (moved >= 0)
        json_add_int(&json, "unparked", moved);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

int cmd_run_close(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    char state[CONTROL_STATE_BYTES];
    enum control_answer answer;
    const char *run = NULL;
    int64_t left;
    int rc = open_with_run(ctl, argc, argv, &run, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (control_close(ctl->redis, &ctl->keys, run, &answer, state, &left, err) != 0)
        return -1;
    if (answer == CONTROL_WHOLE)
        return refuse_whole(ctl, run, err);
    if (answer != CONTROL_DONE)
        return refuse(run, answer, state, err);
    return show_done(ctl, run, "closes as incomplete", left, -1, err);
}

int cmd_cancel(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    char state[CONTROL_STATE_BYTES];
    enum control_answer answer;
    const char *run = NULL;
    int64_t left, moved;
    const struct ctl_option rows[] = {
        { .name = "run", .kind = CTL_TEXT, .to.text = &run, .value = "ID", .help = "the run to cancel" },
    };
    int first, rc = ctl_options(ctl, rows, 1, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (run == NULL)
        return err_set(err, ERR_USAGE, 0, "cancel: --run is missing");
    if (!run_id_is_valid(run))
        return err_set(err, ERR_RUN_ID, 0, "'%.100s' is no run id", run);
    if (ctl_open_redis(ctl, err) != 0 ||
        control_cancel(ctl->redis, &ctl->keys, run, &answer, state, &left, err) != 0)
        return -1;
    if (answer != CONTROL_DONE && answer != CONTROL_AGAIN)
        return refuse(run, answer, state, err);
    /* Again also for a run that was cancelled before: the first time may have been cut short here. */
    if (control_unpark(ctl->redis, &ctl->keys, run, &moved, err) != 0)
        return -1;
    return show_done(ctl, run, answer == CONTROL_AGAIN ? "was cancelled before" : "cancelled", left, moved,
                     err);
}

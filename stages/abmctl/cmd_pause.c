/* abmctl pause and resume: a stage reads no more until it is resumed, and what is in hand goes on; or nothing
 * is sent for a run until it is. */
#include "commands.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "domain/message.h"
#include "queue/control.h"
#include "queue/status.h"
#include "who.h"

#define REASON_BYTES 301 /* of a run's pause, which each look of each worker reads */

static int check_stage(const char *stage, struct err *err)
{
    const char *names[STATUS_STAGES], *near;

    for (int i = 0; i < STATUS_STAGES; i++)
        names[i] = status_stage_name(i);
    if (status_stage_of(stage) >= 0)
        return 0;
    near = str_nearest(stage, names, STATUS_STAGES);
    if (near != NULL)
        return err_set(err, ERR_USAGE, 0, "unknown stage '%.100s' - did you mean '%s'?", stage, near);
    return err_set(err, ERR_USAGE, 0, "unknown stage '%.100s': validate, import, assign, verify or audit",
                   stage);
}

static int show(struct ctl *ctl, const char *stage, bool is_changed, const char *text, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    if (!ctl->is_json) {
        printf("%s\n", ctl_shown(text));
        return 0;
    }
    buf_init(&line, 16 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "stage", stage);
    json_add_bool(&json, "changed", is_changed);
    json_add_string(&json, "text", text);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

/* --- runs --- */

static int show_run(struct ctl *ctl, const char *run, bool is_changed, int64_t moved, const char *text,
                    struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    if (!ctl->is_json) {
        printf("%s\n", ctl_shown(text));
        return 0;
    }
    buf_init(&line, 16 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "run", run);
    json_add_bool(&json, "changed", is_changed);
    if (moved >= 0)
        json_add_int(&json, "unparked", moved);
    json_add_string(&json, "text", text);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static int refuse_run(const char *run, enum control_answer answer, const char *state, struct err *err)
{
    if (answer == CONTROL_NONE)
        return err_set(err, ERR_NOT_FOUND, 0,
                       "there is no run '%s', or no batch of it has come to validate yet", run);
    return err_set(err, ERR_RUN_STATE, 0, "run %s is %s already", run, state);
}

static int pause_run(struct ctl *ctl, const char *run, const char *reason, struct err *err)
{
    char who[WHO_BYTES], text[512], time[CLOCK_ISO_BYTES], state[CONTROL_STATE_BYTES];
    enum control_answer answer;
    int64_t since;

    if (control_pause_run(ctl->redis, &ctl->keys, run, who_operator(who), reason, &answer, state, &since,
                          err) != 0)
        return -1;
    if (answer != CONTROL_DONE && answer != CONTROL_AGAIN)
        return refuse_run(run, answer, state, err);
    snprintf(text, sizeof(text), "run %s %s since %s: abmctl resume --run %s lets it go on", run,
             answer == CONTROL_DONE ? "is paused" : "was paused before,", clock_iso(since, time), run);
    return show_run(ctl, run, answer == CONTROL_DONE, -1, text, err);
}

/* Moves what is parked also where the run was not paused: the first time may have been cut short here. */
static int resume_run(struct ctl *ctl, const char *run, const char *by, struct err *err)
{
    char text[512], took[32], state[CONTROL_STATE_BYTES];
    enum control_answer answer;
    int64_t paused, moved;

    if (control_resume_run(ctl->redis, &ctl->keys, run, by, &answer, state, &paused, err) != 0)
        return -1;
    if (answer != CONTROL_DONE && answer != CONTROL_AGAIN)
        return refuse_run(run, answer, state, err);
    if (control_unpark(ctl->redis, &ctl->keys, run, &moved, err) != 0)
        return -1;
    if (answer == CONTROL_DONE)
        snprintf(text, sizeof(text), "run %s goes on after a pause of %s", run, clock_duration(paused, took));
    else
        snprintf(text, sizeof(text), "run %s was not paused", run);
    return show_run(ctl, run, answer == CONTROL_DONE, moved, text, err);
}

/* To what fits, at a character's edge. */
static void shorten(const char *text, char *out, size_t size)
{
    size_t len;

    snprintf(out, size, "%s", text);
    for (len = strlen(out); !str_is_utf8(out, len);)
        out[--len] = '\0';
}

/* A stage by its name, or a run by --run: one of the two. */
static int check_target(const char *verb, const char *run, int operands, struct err *err)
{
    if (run != NULL && operands > 0)
        return err_set(err, ERR_USAGE, 0, "%s: a stage or --run, not both", verb);
    if (run == NULL && operands == 0)
        return err_set(err, ERR_USAGE, 0, "%s: name a stage, or a run by --run ID", verb);
    if (run != NULL && !run_id_is_valid(run))
        return err_set(err, ERR_RUN_ID, 0, "'%.100s' is no run id", run);
    return 0;
}

/* --- the verbs --- */

static int pause_stage(struct ctl *ctl, const char *stage, const char *reason, struct err *err)
{
    char who[WHO_BYTES], text[512], time[CLOCK_ISO_BYTES];
    int64_t since;
    int rc;

    if (check_stage(stage, err) != 0 || ctl_open_redis(ctl, err) != 0)
        return -1;
    rc = control_pause(ctl->redis, &ctl->keys, stage, who_operator(who), reason, &since, err);
    if (rc < 0)
        return -1;
    snprintf(text, sizeof(text), "%s %s since %s", stage, rc == 1 ? "is paused" : "was paused before,",
             clock_iso(since, time));
    return show(ctl, stage, rc == 1, text, err);
}

static int resume_stage(struct ctl *ctl, const char *stage, struct err *err)
{
    char text[512], took[32];
    int64_t paused;
    int rc;

    if (check_stage(stage, err) != 0 || ctl_open_redis(ctl, err) != 0)
        return -1;
    rc = control_resume(ctl->redis, &ctl->keys, stage, &paused, err);
    if (rc < 0)
        return -1;
    if (rc == 1)
        snprintf(text, sizeof(text), "%s goes on after a pause of %s", stage, clock_duration(paused, took));
    else
        snprintf(text, sizeof(text), "%s was not paused", stage);
    return show(ctl, stage, rc == 1, text, err);
}

int cmd_pause(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *reason = "no reason given", *run = NULL;
    const struct ctl_option rows[] = {
        { .name = "run",
          .kind = CTL_TEXT,
          .to.text = &run,
          .value = "ID",
          .help = "in place of a stage: nothing is sent for this run until it is resumed" },
        { .name = "reason",
          .kind = CTL_TEXT,
          .to.text = &reason,
          .value = "TEXT",
          .help = "why: status shows it" },
    };
    char short_reason[REASON_BYTES];
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 1, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (check_target("pause", run, argc - first, err) != 0)
        return -1;
    if (run == NULL)
        return pause_stage(ctl, argv[first], reason, err);
    shorten(reason, short_reason, sizeof(short_reason));
    return ctl_open_redis(ctl, err) != 0 ? -1 : pause_run(ctl, run, short_reason, err);
}

int cmd_resume(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *by = NULL, *run = NULL;
    const struct ctl_option rows[] = {
        { .name = "run",
          .kind = CTL_TEXT,
          .to.text = &run,
          .value = "ID",
          .help = "in place of a stage: this run goes on, also past the brake that has stopped it" },
        { .name = "operator",
          .kind = CTL_TEXT,
          .to.text = &by,
          .value = "NAME",
          .help = "with --run: who lets it go on ($ABM_OPERATOR, the CI job, or user@host)" },
    };
    char who[WHO_BYTES];
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 1, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (check_target("resume", run, argc - first, err) != 0)
        return -1;
    if (run == NULL && by != NULL)
        return err_set(err, ERR_USAGE, 0, "resume: --operator goes with --run");
    if (by != NULL && (by[0] == '\0' || strlen(by) >= WHO_BYTES || !str_is_utf8(by, strlen(by))))
        return err_set(err, ERR_USAGE, 0, "--operator: wanted UTF-8, 1 to %d bytes", WHO_BYTES - 1);
    if (run == NULL)
        return resume_stage(ctl, argv[first], err);
    return ctl_open_redis(ctl, err) != 0 ? -1
                                         : resume_run(ctl, run, by != NULL ? by : who_operator(who), err);
}

/* abmctl pause and resume: a stage reads no more until it is resumed; what is in hand goes on. */
#include "commands.h"

#include "base/clock.h"
#include "base/str.h"
#include "queue/control.h"
#include "queue/status.h"
#include "who.h"

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

int cmd_pause(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *reason = NULL, *stage;
    const struct ctl_option rows[] = {
        { .name = "reason",
          .kind = CTL_TEXT,
          .to.text = &reason,
          .value = "TEXT",
          .help = "why: status shows it" },
    };
    char who[WHO_BYTES], text[512], time[CLOCK_ISO_BYTES];
    int64_t since;
    int first, rc = ctl_options(ctl, rows, 1, argc, argv, 1, 1, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    stage = argv[first];
    if (check_stage(stage, err) != 0 || ctl_open_redis(ctl, err) != 0)
        return -1;
    rc = control_pause(ctl->redis, &ctl->keys, stage, who_operator(who),
                       reason != NULL ? reason : "no reason given", &since, err);
    if (rc < 0)
        return -1;
    snprintf(text, sizeof(text), "%s %s since %s", stage, rc == 1 ? "is paused" : "was paused before,",
             clock_iso(since, time));
    return show(ctl, stage, rc == 1, text, err);
}

int cmd_resume(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    char text[512], took[32];
    const char *stage;
    int64_t paused;
    int first, rc = ctl_options(ctl, NULL, 0, argc, argv, 1, 1, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    stage = argv[first];
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

/* abmctl plan: what ABM would have to change so that a device file and its rules hold. */
#include "commands.h"

#include <sys/stat.h>

#include "plan_out.h"
#include "planning.h"

struct plan {
    struct planning planning;
    struct plan_out out;
};

static int show_one(void *ctx, const struct planned *planned, struct err *err)
{
    return planned->is_kept ? 0 : plan_out_add(ctx, planned->kind, &planned->entry, err);
}

static void fill_head(const struct planning *planning, struct plan_head *head)
{
    head->input_name = planning->source.name;
    head->input_sha256 = planning->source.sha256;
    head->mapping_sha256 = planning->rules.sha256;
    head->is_complete = planning->is_complete;
    head->is_only_new = planning->is_only_new;
    head->unchanged = planning->counts[PLAN_SAME];
    head->rejected = planning_rejected(planning);
    head->duplicate = planning->rows.duplicate;
    head->kept = planning->kept;
}

/* The plan would take the place of the very file that it is made of. */
static int check_path(const struct plan *plan, struct err *err)
{
    const struct stat *input = &plan->planning.source.seen;
    struct stat st;

    if (plan->out.path != NULL && stat(plan->out.path, &st) == 0 && st.st_dev == input->st_dev &&
        st.st_ino == input->st_ino)
        return err_set(err, ERR_USAGE, 0, "-o %s is the input itself", plan->out.path);
    return 0;
}

static int go(struct plan *plan, struct ctl *ctl, struct err *err)
{
    struct planning *planning = &plan->planning;
    const struct plan_entries entries = { planning_entries, planning };

    if (planning_open(planning, ctl, err) != 0 || plan_out_open(&plan->out, ctl, err) != 0 ||
        check_path(plan, err) != 0 || planning_look(planning, err) != 0 ||
        planning_count(planning, show_one, &plan->out, err) != 0)
        return -1;
    fill_head(planning, &plan->out.head);
    plan_out_brake(&plan->out, planning->changed, planning->existing);
    if (planning->unknown > 0)
        ctl_say(ctl, "of those to add ABM does not have %lld yet: the run makes them known first",
                (long long)planning->unknown);
    return plan_out_finish(&plan->out, &entries, err);
}

int cmd_plan(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct plan plan = { .planning = { .source.fd = -1 } };
    struct planning *planning = &plan.planning;
    const struct ctl_option rows[] = {
        PLANNING_OPTIONS(*planning),
        { .name = "out",
          .letter = 'o',
          .kind = CTL_TEXT,
          .to.text = &plan.out.path,
          .value = "FILE",
          .help = "write the plan there, for abmctl apply" },
        { .name = "complete",
          .kind = CTL_FLAG,
          .to.flag = &planning->is_complete,
          .help = "the input is the whole truth: what it does not name is to be removed" },
        { .name = "only-new",
          .kind = CTL_FLAG,
          .to.flag = &planning->is_only_new,
          .help = "leave every existing assignment as it is" },
        { .name = "verbose",
          .letter = 'v',
          .kind = CTL_FLAG,
          .to.flag = &plan.out.is_verbose,
          .help = "name every serial, also on a terminal" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (planning->input == NULL)
        return err_set(err, ERR_USAGE, 0, "plan: --input is missing");
    if (planning->is_complete && planning->is_only_new)
        return err_set(err, ERR_USAGE, 0, "plan: --complete removes, --only-new lets nothing be removed");
    rc = go(&plan, ctl, err);
    plan_out_release(&plan.out);
    planning_release(planning);
    return rc != 0 ? -1 : CTL_DONE;
}

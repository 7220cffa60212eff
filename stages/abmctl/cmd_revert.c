/* abmctl revert: the plan back to what a run found, made of its signed evidence. */
#include "commands.h"

#include "domain/message.h"
#include "kept.h"
#include "plan_out.h"
#include "planning.h"
#include "reverting.h"
#include "roll_read.h"

struct revert {
    struct roll_source source;
    struct plan_out out;

    struct ctl *ctl;
    struct roll roll;
    struct ctl_portal portal;
    struct estate *estate;
    int64_t gone, changed, on_server; /* as struct reverted has them */
    int64_t untold;                   /* of the entries: their records do not tell the server of before */
    int64_t failed;                   /* left out: nothing proves what became of them */
    int64_t existing;                 /* assignments that the run left and that are to be changed */
};

/* What was sent of a device that failed, and whether ABM took it later, its record does not say. */
static void leave_failed(struct revert *revert)
{
    struct roll *roll = &revert->roll;
    size_t kept = 0;

    for (size_t i = 0; i < roll->count; i++)
        if (roll->at[i].outcome != OUTCOME_FAILED)
            roll->at[kept++] = roll->at[i];
    revert->failed = (int64_t)(roll->count - kept);
    roll->count = kept;
}

static int look(struct revert *revert, struct err *err)
{
    if (ctl_portal_open(revert->ctl, &revert->portal, err) != 0 ||
        estate_open(&revert->estate, revert->ctl, &revert->portal.api, false, err) != 0)
        return -1;
    for (size_t i = 0; i < revert->roll.count; i++)
        if (estate_want(revert->estate, revert->roll.at[i].serial, err) != 0)
            return -1;
    return estate_read(revert->estate, err);
}

static void judge(const struct revert *revert, size_t i, struct reverted *reverted)
{
    struct estate_device now;

    estate_find(revert->estate, revert->roll.at[i].serial, &now);
    revert_judge(&revert->roll.at[i], &now, reverted);
}

static int count(struct revert *revert, struct err *err)
{
    struct plan_head *head = &revert->out.head;
    int64_t changed = 0;

    for (size_t i = 0; i < revert->roll.count; i++) {
        struct reverted reverted;
        bool is_existing;

        judge(revert, i, &reverted);
        revert->gone += reverted.is_gone;
        revert->changed += reverted.is_changed;
        revert->on_server += reverted.is_on_server;
        if (reverted.is_gone)
            continue;
        revert->untold += reverted.kind != PLAN_SAME && !revert->roll.at[i].tells_from_server;
        is_existing = reverted.kind == PLAN_SAME ? reverted.entry.to_blueprint_id != NULL
                                                 : reverted.entry.from_blueprint_id != NULL;
        head->unchanged += reverted.kind == PLAN_SAME;
        revert->existing += is_existing;
        changed += is_existing && reverted.kind != PLAN_SAME;
        if (plan_out_add(&revert->out, reverted.kind, &reverted.entry, err) != 0)
            return -1;
    }
    head->rejected = revert->gone;
    head->reverts = revert->source.run;
    plan_out_brake(&revert->out, changed, revert->existing);
    return 0;
}

/* For plan_entries; those to be removed by serial. */
static int each(void *ctx, enum plan_kind kind, struct plan_writer *writer, struct err *err)
{
    struct revert *revert = ctx;

    if (kind == PLAN_REMOVE)
        roll_sort_by_serial(&revert->roll);
    else
        roll_sort(&revert->roll);
    for (size_t i = 0; i < revert->roll.count; i++) {
        struct reverted reverted;

        judge(revert, i, &reverted);
        if (!reverted.is_gone && reverted.kind == kind &&
            plan_writer_add(writer, kind, &reverted.entry, err) != 0)
            return err_prefix(err, "device %s", reverted.entry.serial);
    }
    return 0;
}

static void tell(const struct revert *revert)
{
    struct ctl *ctl = revert->ctl;

    if (revert->changed > 0)
        ctl_say(
            ctl,
            "%lld of these devices were changed since run %s: apply will end them as conflicts, and change "
            "nothing of them",
            (long long)revert->changed, revert->source.run);
    if (revert->failed > 0)
        ctl_say(
            ctl,
            "%lld devices are left out: they failed in run %s, and nothing proves what became of them; plan "
            "shows what they have now",
            (long long)revert->failed, revert->source.run);
    if (revert->gone > 0)
        ctl_say(ctl, "%lld devices are left out: ABM does not have them any more", (long long)revert->gone);
    if (revert->untold > 0)
        ctl_say(
            ctl,
            "%lld devices stay on the server that they are on: their records do not tell the one of before",
            (long long)revert->untold);
    if (revert->on_server > 0)
        ctl_say(ctl,
                "%lld devices were on no MDM server before: they stay on theirs, since ABM takes none away "
                "from a device that has a blueprint",
                (long long)revert->on_server);
}

static int go(struct revert *revert, struct ctl *ctl, struct err *err)
{
    const struct plan_entries entries = { each, revert };

    revert->ctl = ctl;
    if (ctl_open_org(ctl, err) != 0 || plan_out_open(&revert->out, ctl, err) != 0 ||
        roll_read(ctl, &revert->source, &revert->roll, err) != 0)
        return -1;
    leave_failed(revert);
    roll_sort(&revert->roll);
    if (look(revert, err) != 0 || count(revert, err) != 0)
        return -1;
    tell(revert);
    return plan_out_finish(&revert->out, &entries, err);
}

static void release(struct revert *revert)
{
    plan_out_release(&revert->out);
    estate_free(revert->estate);
    ctl_portal_close(&revert->portal);
    roll_release(&revert->roll);
}

int cmd_revert(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct revert revert = { .gone = 0 };
    const struct ctl_option rows[] = {
        { .name = "run",
          .kind = CTL_TEXT,
          .to.text = &revert.source.run,
          .value = "ID",
          .help = "the run to take back" },
        { .name = "out",
          .letter = 'o',
          .kind = CTL_TEXT,
          .to.text = &revert.out.path,
          .value = "FILE",
          .help = "write the plan there, for abmctl apply" },
        { .name = "verbose",
          .letter = 'v',
          .kind = CTL_FLAG,
          .to.flag = &revert.out.is_verbose,
          .help = "name every serial, also on a terminal" },
        kept_path_option(&revert.source.path),
        kept_pubkey_option(&revert.source.pubkey),
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (revert.source.run == NULL)
        return err_set(err, ERR_USAGE, 0, "revert: --run is missing");
    if (!run_id_is_valid(revert.source.run))
        return err_set(err, ERR_RUN_ID, 0, "--run '%.100s' is no run id", revert.source.run);
    rc = go(&revert, ctl, err);
    release(&revert);
    return rc != 0 ? -1 : CTL_DONE;
}

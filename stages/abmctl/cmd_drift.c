/* abmctl drift: what in ABM no longer is as declared - by a device file and its rules, or by the evidence. */
#include "commands.h"

#include "drift_show.h"
#include "kept.h"
#include "planning.h"
#include "roll_read.h"

struct drifting {
    struct planning planning; /* with --input */
    struct roll_source source;
    bool is_verbose, has_exit_code;

    struct ctl *ctl;
    struct drift drift;
    struct roll roll; /* without */
    struct ctl_portal portal;
    struct estate *estate;
};

static int add_planned(void *ctx, const struct planned *planned, struct err *err)
{
    struct drifting *drifting = ctx;
    const struct plan_wanted wanted = { .blueprint_id = planned->entry.to_blueprint_id,
                                        .mdm_server_id = planned->entry.mdm_server_id };

    return drift_add(&drifting->drift, planned->entry.serial, &wanted, &planned->seen, err);
}

static int by_input(struct drifting *drifting, struct err *err)
{
    struct planning *planning = &drifting->planning;

    drifting->drift.declared_by = "input";
    if (planning_open(planning, drifting->ctl, err) != 0 || planning_look(planning, err) != 0 ||
        planning_count(planning, add_planned, drifting, err) != 0)
        return -1;
    drifting->drift.rejected = planning_rejected(planning);
    return 0;
}

static int by_evidence(struct drifting *drifting, struct err *err)
{
    struct ctl *ctl = drifting->ctl;
    struct roll *roll = &drifting->roll;

    drifting->drift.declared_by = "evidence";
    drifting->source.is_declared = true;
    if (roll_read(ctl, &drifting->source, roll, err) != 0)
        return -1;
    roll_sort_by_serial(roll);
    if (ctl_portal_open(ctl, &drifting->portal, err) != 0 ||
        estate_open(&drifting->estate, ctl, &drifting->portal.api, false, err) != 0)
        return -1;
    for (size_t i = 0; i < roll->count; i++)
        if (estate_want(drifting->estate, roll->at[i].serial, err) != 0)
            return -1;
    if (estate_read(drifting->estate, err) != 0)
        return -1;
    for (size_t i = 0; i < roll->count; i++) {
        const struct roll_entry *entry = &roll->at[i];
        const struct plan_wanted wanted = { .is_remove = entry->blueprint_id == NULL,
                                            .blueprint_id = entry->blueprint_id,
                                            .mdm_server_id = entry->mdm_server_id };
        struct estate_device found;
        struct plan_seen seen;

        estate_find(drifting->estate, entry->serial, &found);
        seen = planning_seen(&found);
        if (drift_add(&drifting->drift, entry->serial, &wanted, &seen, err) != 0)
            return -1;
    }
    return 0;
}

static int go(struct drifting *drifting, struct ctl *ctl, struct err *err)
{
    size_t most = drifting->is_verbose || !ctl->is_out_terminal ? 0 : DRIFT_SHOWN_MAX;

    drifting->ctl = ctl;
    if ((drifting->planning.input != NULL ? by_input(drifting, err) : by_evidence(drifting, err)) != 0 ||
        drift_show(&drifting->drift, ctl, most, err) != 0)
        return -1;
    /* What was not looked at, as where ABM no longer has a blueprint, is not as declared for all that is
     * known.
     */
    return drifting->has_exit_code && drifting->drift.count + (size_t)drifting->drift.rejected > 0 ? CTL_NO
                                                                                                   : CTL_DONE;
}

static void release(struct drifting *drifting)
{
    drift_release(&drifting->drift);
    estate_free(drifting->estate);
    ctl_portal_close(&drifting->portal);
    roll_release(&drifting->roll);
    planning_release(&drifting->planning);
}

int cmd_drift(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct drifting drifting = { .planning = { .source.fd = -1 } };
    const struct ctl_option rows[] = {
        PLANNING_OPTIONS(drifting.planning),
        { .name = "exit-code",
          .kind = CTL_FLAG,
          .to.flag = &drifting.has_exit_code,
          .help = "exit with 1 where something is not as declared, or was not looked at" },
        { .name = "verbose",
          .letter = 'v',
          .kind = CTL_FLAG,
          .to.flag = &drifting.is_verbose,
          .help = "name every device, also on a terminal" },
        kept_path_option(&drifting.source.path),
        kept_pubkey_option(&drifting.source.pubkey),
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (drifting.planning.input == NULL && drifting.planning.blueprints != NULL)
        return err_set(err, ERR_USAGE, 0, "drift: --blueprints needs --input");
    rc = go(&drifting, ctl, err);
    release(&drifting);
    return rc;
}

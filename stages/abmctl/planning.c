#include "planning.h"

#include <string.h>

#define LOOK_ROWS 4096 /* rows between two looks at signals and progress */

int planning_open(struct planning *planning, struct ctl *ctl, struct err *err)
{
    int64_t wrong;

    planning->ctl = ctl;
    planning->source.fd = -1;
    planning->list = (struct rows_list){ .ctl = ctl };
    if (ctl_open_org(ctl, err) != 0 ||
        rules_file_load(&planning->rules,
                        planning->blueprints != NULL ? planning->blueprints : ctl->org->rules, err) != 0 ||
        serial_pattern_new(ctl->org->serial_pattern, &planning->pattern, err) != 0 ||
        source_open(&planning->source, planning->input, planning->format, err) != 0 ||
        rows_init(&planning->rows, planning->pattern, planning->rules.mapping, rows_list_row, &planning->list,
                  err) != 0 ||
        rows_visit(&planning->rows, &planning->source, NULL, NULL, err) != 0)
        return -1;
    rows_list_end(&planning->list, &planning->rows, planning->source.name);
    wrong = rows_wrong(&planning->rows);
    if (wrong > 0 && planning->is_complete)
        return err_set(err, ERR_COMPLETE_ROWS, 0,
                       "%s: %lld of %lld rows are wrong: with --complete their devices would be removed",
                       planning->source.name, (long long)wrong, (long long)planning->rows.total);
    if (wrong > 0 && planning->is_strict)
        return err_set(err, ERR_STRICT, 0, "%s: %lld of %lld rows are wrong; nothing is planned",
                       planning->source.name, (long long)wrong, (long long)planning->rows.total);
    return 0;
}

void planning_release(struct planning *planning)
{
    estate_free(planning->estate);
    targets_release(&planning->targets);
    ctl_portal_close(&planning->portal);
    rows_release(&planning->rows);
    if (planning->source.fd >= 0)
        source_close(&planning->source);
    serial_pattern_free(planning->pattern);
    if (planning->rules.mapping != NULL)
        rules_file_release(&planning->rules);
}

/* --- reading ABM --- */

static int look_up(struct planning *planning, struct err *err)
{
    if (++planning->visited % LOOK_ROWS != 0)
        return 0;
    if (ctl_is_stopped(planning->ctl))
        return err_set(err, ERR_STOPPED, 0, "stopped while reading %s", planning->source.name);
    ctl_progress(planning->ctl, "%s: %lld of %lld rows", planning->source.name, (long long)planning->visited,
                 (long long)planning->rows.total);
    return 0;
}

static int want(void *ctx, const struct device *device, const struct mapping_rule *rule, struct err *err)
{
    struct planning *planning = ctx;

    (void)rule;
    if (look_up(planning, err) != 0)
        return -1;
    return estate_want(planning->estate, device->serial, err);
}

int planning_look_by(struct planning *planning, const struct abm_api *api, struct err *err)
{
    struct ctl *ctl = planning->ctl;

    planning->visited = 0;
    if (targets_init(&planning->targets, ctl, &planning->rules, err) != 0 ||
        targets_find(&planning->targets, api, planning->rows.by_rule, err) != 0 ||
        estate_open(&planning->estate, ctl, api, planning->is_complete, err) != 0 ||
        rows_visit(&planning->rows, &planning->source, want, planning, err) != 0)
        return -1;
    return estate_read(planning->estate, err);
}

int planning_look(struct planning *planning, struct err *err)
{
    if (ctl_portal_open(planning->ctl, &planning->portal, err) != 0)
        return -1;
    return planning_look_by(planning, &planning->portal.api, err);
}

/* --- judging --- */

struct judging {
    struct planning *planning;
    planning_see_fn *see;
    void *ctx;
};

struct plan_seen planning_seen(const struct estate_device *device)
{
    static const enum plan_state states[] = {
        [ABM_STATE_ACCEPTED] = PLAN_STATE_ACCEPTED,
        [ABM_STATE_PROPAGATED] = PLAN_STATE_PROPAGATED,
        [ABM_STATE_FAILED] = PLAN_STATE_FAILED,
    };

    return (struct plan_seen){ device->is_there ? states[device->state] : PLAN_STATE_NONE,
                               device->blueprint_id, device->mdm_server_id };
}

static void judge(const struct plan_wanted *wanted, const struct estate_device *device,
                  struct planned *planned)
{
    planned->is_known = device->is_known;
    planned->seen = planning_seen(device);
    planned->entry.serial = device->serial;
    planned->kind = plan_judge(wanted, &planned->seen, &planned->entry);
}

static int judge_row(void *ctx, const struct device *device, const struct mapping_rule *rule, struct err *err)
{
    struct judging *judging = ctx;
    struct planning *planning = judging->planning;
    const struct target *target = rule != NULL ? targets_at(&planning->targets, rule) : NULL;
    struct planned planned = { .entry = { .country = device->country,
                                          .model = device->model,
                                          .order_number = device->order_number,
                                          .asset_tag = device->asset_tag } };
    struct estate_device found;
    struct plan_wanted wanted;

    if (look_up(planning, err) != 0)
        return -1;
    if (target == NULL || !target->is_usable)
        return 0;
    if (!estate_find(planning->estate, device->serial, &found))
        return err_set(err, ERR_INPUT_CHANGED, 0, "%s changed while it was read: row %lld has another serial",
                       planning->source.path, (long long)device->row);
    wanted = (struct plan_wanted){ .blueprint_id = target->blueprint_id, .mdm_server_id = target->server_id };
    judge(&wanted, &found, &planned);
    planned.is_kept = planning->is_only_new && planned.kind == PLAN_CHANGE;
    return judging->see(judging->ctx, &planned, err);
}

/* Whatever ABM has assigned that the input does not name. A FAILED assignment never was one. */
static int judge_removals(struct judging *judging, struct err *err)
{
    static const struct plan_wanted nothing = { .is_remove = true };
    struct planning *planning = judging->planning;
    size_t count = planning->is_complete ? estate_count(planning->estate) : 0;

    for (size_t i = 0; i < count; i++) {
        struct planned planned = { 0 };
        struct estate_device found;

        estate_at(planning->estate, i, &found);
        if (found.is_wanted)
            continue;
        judge(&nothing, &found, &planned);
        planned.entry.country = found.country;
        if (planned.kind != PLAN_REMOVE || planned.entry.from_blueprint_id == NULL)
            continue;
        if (judging->see(judging->ctx, &planned, err) != 0)
            return -1;
    }
    return 0;
}

int planning_each(struct planning *planning, planning_see_fn *see, void *ctx, struct err *err)
{
    struct judging judging = { planning, see, ctx };

    planning->visited = 0;
    if (rows_visit(&planning->rows, &planning->source, judge_row, &judging, err) != 0)
        return -1;
    ctl_progress_end(planning->ctl);
    return judge_removals(&judging, err);
}

struct counting {
    struct planning *planning;
    planning_see_fn *see;
    void *ctx;
};

static int count_one(void *ctx, const struct planned *planned, struct err *err)
{
    struct counting *counting = ctx;
    struct planning *planning = counting->planning;
    bool is_existing = planned->entry.from_blueprint_id != NULL;

    planning->existing += is_existing;
    if (planned->is_kept) {
        planning->kept++;
    } else {
        planning->counts[planned->kind]++;
        planning->changed += is_existing && planned->kind != PLAN_SAME;
        planning->unknown += planned->kind == PLAN_ADD && !planned->is_known;
    }
    return counting->see != NULL ? counting->see(counting->ctx, planned, err) : 0;
}

int planning_count(struct planning *planning, planning_see_fn *see, void *ctx, struct err *err)
{
    struct counting counting = { planning, see, ctx };

    memset(planning->counts, 0, sizeof(planning->counts));
    planning->kept = planning->unknown = planning->changed = planning->existing = 0;
    planning->untargeted = targets_untargeted(&planning->targets, planning->rows.by_rule);
    return planning_each(planning, count_one, &counting, err);
}

int64_t planning_rejected(const struct planning *planning)
{
    return planning->rows.rejected + planning->rows.unruled + planning->untargeted;
}

/* --- writing --- */

struct handing {
    enum plan_kind kind;
    struct plan_writer *writer;
};

static int hand_on(void *ctx, const struct planned *planned, struct err *err)
{
    struct handing *handing = ctx;

    if (planned->kind != handing->kind || planned->is_kept)
        return 0;
    if (plan_writer_add(handing->writer, planned->kind, &planned->entry, err) != 0)
        return err_prefix(err, "device %s", planned->entry.serial);
    return 0;
}

int planning_entries(void *ctx, enum plan_kind kind, struct plan_writer *writer, struct err *err)
{
    struct planning *planning = ctx;
    struct handing handing = { kind, writer };
    struct judging judging = { planning, hand_on, &handing };

    if (planning->counts[kind] == 0)
        return 0;
    return kind == PLAN_REMOVE ? judge_removals(&judging, err)
                               : planning_each(planning, hand_on, &handing, err);
}

#include "reverting.h"

#include <string.h>

#include "base/str.h"
#include "domain/outcome.h"
#include "planning.h"

/* What the run left, as if ABM showed it. */
static struct plan_seen left_by(const struct roll_entry *record)
{
    struct plan_seen left = { PLAN_STATE_PROPAGATED, record->blueprint_id, record->mdm_server_id };

    if (record->outcome == OUTCOME_REMOVED || record->blueprint_id == NULL)
        return (struct plan_seen){ .state = PLAN_STATE_NONE };
    if (record->mdm_server_id == NULL && record->tells_from_server)
        left.mdm_server_id = record->from_mdm_server_id; /* left as it was */
    return left;
}

static struct plan_wanted found_by(const struct roll_entry *record)
{
    return (struct plan_wanted){
        .is_remove = record->from_blueprint_id == NULL,
        .blueprint_id = record->from_blueprint_id,
        .mdm_server_id = record->tells_from_server ? record->from_mdm_server_id : NULL,
    };
}

static bool is_in_effect(const struct plan_seen *seen)
{
    return seen->state == PLAN_STATE_ACCEPTED || seen->state == PLAN_STATE_PROPAGATED;
}

static bool is_as_left(const struct plan_seen *left, const struct plan_seen *now)
{
    const char *blueprint = is_in_effect(now) ? now->blueprint_id : NULL;

    return str_eq(left->blueprint_id, blueprint) &&
           (left->mdm_server_id == NULL || str_eq(left->mdm_server_id, now->mdm_server_id));
}

void revert_judge(const struct roll_entry *record, const struct estate_device *now,
                  struct reverted *reverted_r)
{
    const struct plan_seen left = left_by(record), seen = planning_seen(now);
    const struct plan_wanted found = found_by(record);
    struct plan_entry ignored = { .row = 0 };

    memset(reverted_r, 0, sizeof(*reverted_r));
    reverted_r->kind = PLAN_SAME;
    reverted_r->entry.serial = record->serial;
    reverted_r->entry.to_blueprint_id = record->from_blueprint_id;
    reverted_r->is_on_server = !found.is_remove && record->tells_from_server &&
                               record->from_mdm_server_id == NULL && left.mdm_server_id != NULL &&
                               is_in_effect(&seen) && seen.mdm_server_id != NULL;
    if (plan_judge(&found, &seen, &ignored) == PLAN_SAME)
        return;
    if (!now->is_known) {
        reverted_r->is_gone = true;
        return;
    }
    reverted_r->kind = plan_judge(&found, &left, &reverted_r->entry);
    reverted_r->entry.country = now->country;
    reverted_r->is_changed = !is_as_left(&left, &seen);
    if (!reverted_r->is_changed && is_in_effect(&seen))
        reverted_r->entry.state = seen.state;
}

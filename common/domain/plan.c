#include "domain/plan.h"

#include "base/str.h"

static const char *const kind_names[] = { "add", "change", "remove", "unchanged" };
static const char *const state_names[] = { NULL, "ACCEPTED", "PROPAGATED", "FAILED" };

const char *plan_kind_name(enum plan_kind kind)
{
    return kind_names[kind];
}

const char *plan_state_name(enum plan_state state)
{
    return state_names[state];
}

enum plan_kind plan_judge(const struct plan_wanted *wanted, const struct plan_seen *seen,
                          struct plan_entry *entry)
{
    bool is_there = seen->state != PLAN_STATE_NONE;
    bool is_assigned = is_there && seen->state != PLAN_STATE_FAILED;
    const char *from = is_assigned ? seen->blueprint_id : NULL;
    const char *from_server = is_assigned ? seen->mdm_server_id : NULL;
    const char *to_server = wanted->is_remove ? NULL : wanted->mdm_server_id;

    entry->state = seen->state;
    entry->from_blueprint_id = from;
    entry->to_blueprint_id = wanted->is_remove ? NULL : wanted->blueprint_id;
    entry->mdm_server_id = to_server;
    entry->has_servers = (wanted->is_remove || to_server != NULL) && !str_eq(from_server, to_server);
    entry->from_mdm_server_id = entry->has_servers ? from_server : NULL;
    entry->to_mdm_server_id = entry->has_servers ? to_server : NULL;
    if (wanted->is_remove)
        return is_there ? PLAN_REMOVE : PLAN_SAME;
    if (from == NULL)
        return PLAN_ADD;
    return str_eq(from, wanted->blueprint_id) && !entry->has_servers ? PLAN_SAME : PLAN_CHANGE;
}

bool plan_would_pause(int64_t changes, int64_t existing, int percent)
{
    return changes * 100 > existing * percent;
}

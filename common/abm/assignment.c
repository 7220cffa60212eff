/* What of two assignments of one device counts (client.h). */
#include "abm/client.h"
#include "base/str.h"

static bool is_same(const struct abm_assignment *a, const struct abm_assignment *b)
{
    return a->state == b->state && str_eq(a->blueprint_id, b->blueprint_id) &&
           str_eq(a->mdm_server_id, b->mdm_server_id);
}

enum abm_newer abm_assignment_newer(const struct abm_assignment *known, const struct abm_assignment *other)
{
    if (known->updated_ms != 0 && other->updated_ms != 0 && known->updated_ms != other->updated_ms)
        return other->updated_ms > known->updated_ms ? ABM_TAKE : ABM_KEEP;
    if (is_same(known, other))
        return ABM_KEEP;
    if (known->state == ABM_STATE_PROPAGATED && other->state == ABM_STATE_PROPAGATED)
        return ABM_CONTRADICT;
    return known->state == ABM_STATE_PROPAGATED ? ABM_TAKE : ABM_KEEP;
}

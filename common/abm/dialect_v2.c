#include "abm/v2.h"

const struct abm_dialect abm_dialect_v2 = {
    .name = "abm-v2",
    .version = "2.0",
    .accept = V2_ACCEPT,
    .import = &v2_import,
    .read = &v2_read,
    .assign = &v2_assign,
    .unassign = &v2_unassign,
    .find = &v2_find,
    .devices = &v2_devices,
    .assignments = &v2_assignments,
    .blueprints = &v2_blueprints,
    .servers = &v2_servers,
    .probe = &v2_probe,
};

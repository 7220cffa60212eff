/**
 * v2.h - the operations of config/contract/abm-v2.openapi.yaml; dialect_v2.c gathers them.
 */
#ifndef ABM_V2_H
#define ABM_V2_H

#include "abm/dialect.h"

#define V2_ACCEPT      "application/vnd.api+json; version=2.0"
#define V2_JSON_API    "application/vnd.api+json"
#define V2_DEVICES_MAX 200  /* devices or ids a request */
#define V2_LIMIT_MAX   1000 /* entries a page */

#define V2_PAGES_MAX 5000 /* of the inventory: 5,000,000 devices */

/* V2_LIMIT_MAX as the text of a query. */
#define V2_STRING(number)  V2_STRING_(number)
#define V2_STRING_(number) #number
#define V2_LIMIT_TEXT      V2_STRING(V2_LIMIT_MAX)

extern const struct abm_op v2_import, v2_read, v2_assign, v2_unassign, v2_find, v2_devices, v2_assignments,
    v2_blueprints, v2_servers, v2_probe;

/**
 * Appends PATH?limit=...&filter[NAME]=KEY,KEY... with the keys (call->op->key) of the items that still want
 * an answer, each once. The keys are encoded, the commas between them are not: 200 make a long URL as it is.
 */
void v2_build_filtered(struct call *call, const char *path, const char *name);

/** Takes an entry that keeps the contract; its text is the document's. */
void v2_take_assignment(const struct json *entry, struct abm_assignment *assignment_r);

#endif

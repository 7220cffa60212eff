/**
 * import.h - the rule of abm-import: each device known to the organization, with its device id.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "abm/api.h"
#include "stage/stage.h"

/**
 * Gives every job a verdict: pass with device_id, or what ABM's answer leaves. What only the import needs
 * (country, model, order number, asset tag) ends here. Safe to repeat: ABM takes a known serial for done.
 *
 * @param api  borrowed for the call
 * @return 0; -1: nobody can go on (see abm_import), the whole batch goes back
 */
int import_batch(const struct abm_api *api, struct batch *batch, struct err *err);

#endif

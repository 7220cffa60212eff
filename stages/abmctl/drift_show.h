/**
 * drift_show.h - the devices that are no longer as declared: gathered, then shown as a table or as JSON.
 *
 *   {"org":"acme","declared_by":"input","checked":100,"as_declared":97,"drifted":3,"rejected":0,"devices":[
 *    {"serial":"C02XL0THJGH5","wanted":{"blueprint_id":"bp-1","mdm_server":"mdm-1"},
 *     "is":{"blueprint_id":null,"mdm_server":null,"state":null}},...]}
 *
 * A wanted blueprint of null: no assignment; a wanted server of null: any. state is ABM's, null where it
 * shows no assignment; one that is FAILED never took effect, so what is there is null as well.
 */
#ifndef ABMCTL_DRIFT_SHOW_H
#define ABMCTL_DRIFT_SHOW_H

#include "ctl.h"
#include "domain/plan.h"

#define DRIFT_SHOWN_MAX 20 /* devices named on a terminal */

/* All text is borrowed. */
struct drift_device {
    const char *serial;
    const char *wanted_blueprint_id, *wanted_server_id;
    const char *blueprint_id, *mdm_server_id;
    enum plan_state state;
};

struct drift {
    const char *declared_by; /* "input" or "evidence" */
    int64_t checked, rejected;
    struct drift_device *at;
    size_t count, room;
};

/** All zero is an empty one; drift_release takes it too. */
void drift_release(struct drift *drift);

/** Judges one device: counts it, and keeps it where it is not as wanted. ERR_NOMEM. */
int drift_add(struct drift *drift, const char *serial, const struct plan_wanted *wanted,
              const struct plan_seen *seen, struct err *err);

/** To stdout. most: devices named for people; 0: all. */
int drift_show(const struct drift *drift, struct ctl *ctl, size_t most, struct err *err);

#endif

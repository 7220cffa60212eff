/**
 * estate.h - what ABM shows of an organization's devices: ask for serials, read, look up. Read by pages or by
 * filters, whichever costs fewer requests (estate_way.h), through the shared limiter; nothing is changed.
 *
 * A device takes about 120 bytes, and ABM's own text is kept once for all devices that share it.
 */
#ifndef ABMCTL_ESTATE_H
#define ABMCTL_ESTATE_H

#include "abm/api.h"
#include "ctl.h"

#define ESTATE_DEVICES_MAX 2000000

struct estate;

/* What ABM shows of one device; text is the estate's. */
struct estate_device {
    const char *serial;
    const char *country;       /* as ABM has it, at most 64 bytes of text; NULL where !is_known */
    const char *device_id;     /* NULL where !is_known */
    const char *blueprint_id;  /* NULL where !is_there */
    const char *mdm_server_id; /* NULL: none */
    enum abm_state state;      /* where is_there */
    bool is_known;             /* ABM has the device */
    bool is_there;             /* an assignment, in any state: a FAILED one never took effect */
    bool is_wanted;            /* estate_want named it */
};

/**
 * @param ctl       for progress, ^C, the shared cache and waiting for Redis: ctl_open_redis comes before
 *                  (ctl->redis NULL: no cache, as in unit tests)
 * @param api       borrowed until estate_free (ctl_portal.h opens it)
 * @param is_whole  all devices of the organization are read, not only those asked for
 */
int estate_open(struct estate **estate_r, struct ctl *ctl, const struct abm_api *api, bool is_whole,
                struct err *err);
/** NULL-safe. */
void estate_free(struct estate *estate);

/** Asks for a device, before estate_read; twice is once. ERR_LIMIT, ERR_NOMEM. */
int estate_want(struct estate *estate, const char *serial, struct err *err);

/**
 * Reads. Trouble is tried again with back-off for up to 3 minutes without progress. -1: what that was, with
 * the operation (class SERVICE; a device that cannot be read is ERR_ABM_CONTRACT with its serial),
 * ERR_STOPPED after ^C, ERR_SETTINGS_*, ERR_SECRET*, ERR_LIMIT, ERR_NOMEM.
 */
int estate_read(struct estate *estate, struct err *err);

/** After estate_read: false where it is neither wanted nor (whole) of the organization; *device_r is then all
 * 0. */
bool estate_find(const struct estate *estate, const char *serial, struct estate_device *device_r);

/** How many devices there are: those wanted, and all that ABM has where the estate is whole. */
size_t estate_count(const struct estate *estate);
/** The i-th by serial (strcmp). */
void estate_at(const struct estate *estate, size_t i, struct estate_device *device_r);

#endif

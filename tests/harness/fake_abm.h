/**
 * fake_abm.h - abm/api.h without network: answers as the test scripts them, device by device, and a log of
 * what was asked.
 *
 * Unscripted devices get: import OK ("dev-SERIAL"), read NONE, assign ACCEPTED ("as-SERIAL"), unassign OK;
 * find and read what the inventory has.
 */
#ifndef HARNESS_FAKE_ABM_H
#define HARNESS_FAKE_ABM_H

#include "abm/api.h"

#define FAKE_ABM_MAX   512
#define FAKE_ABM_PAGE  1000
#define FAKE_ABM_ITEMS 200 /* devices a request */

enum fake_abm_call {
    FAKE_IMPORT,
    FAKE_READ,
    FAKE_ASSIGN,
    FAKE_UNASSIGN,
    FAKE_FIND,
    FAKE_DEVICES,     /* a page of abm_list_devices */
    FAKE_ASSIGNMENTS, /* a page of abm_list_assignments */
    FAKE_CALLS,
};

/* A device that ABM has. */
struct fake_abm_device {
    const char *serial, *country, *device_id;
    const char *blueprint_id; /* NULL: no assignment */
    const char *mdm_server_id;
    enum abm_state state;
    int64_t updated_ms;
    bool is_unreadable; /* its entry in the list of devices, and its assignment's, break the contract */
};

struct fake_abm_row {
    enum fake_abm_call call;
    const char *serial;
    struct abm_item answer; /* its device and fence are not used */
};

struct fake_abm {
    struct fake_abm_row script[FAKE_ABM_MAX];
    size_t script_count;
    enum err_code fail[FAKE_CALLS]; /* the call returns -1 with it; unscripted devices are UNSENT then */
    enum err_code fail_catalog;
    const char *blueprints[8]; /* known ones, from the first on */
    struct {
        const char *id, *name;
    } servers[8];

    /* The organization, in the order of its pages. With it find, read and the lists are not logged one by one
     * in `asked`, so that there may be any number of devices. */
    const struct fake_abm_device *inventory;
    size_t inventory_count;
    bool is_sorted; /* by serial: it is found faster */

    int calls[FAKE_CALLS];
    int requests[FAKE_CALLS];   /* what the calls would cost: 200 devices or a page each */
    int fail_first[FAKE_CALLS]; /* so many calls fail with fail_code before the first works */
    enum err_code fail_code;
    struct {
        enum fake_abm_call call;
        const char *serial;
    } asked[FAKE_ABM_MAX];
    size_t asked_count;
    int catalog_calls;
    void (*on_call)(void *user, enum fake_abm_call call); /* before each answers; NULL */
    void *user;
};

/** All zero is a valid start. */
struct abm_api fake_abm_of(struct fake_abm *fake);

/** The answer for a device from now on; the last one given counts. */
void fake_abm_script(struct fake_abm *fake, enum fake_abm_call call, const char *serial,
                     struct abm_item answer);
/** A read that shows an assignment. */
void fake_abm_shows(struct fake_abm *fake, const char *serial, const char *blueprint_id,
                    const char *mdm_server_id, enum abm_state state);
void fake_abm_shows_none(struct fake_abm *fake, const char *serial);

/** How often the call was made for the device. */
int fake_abm_asked(const struct fake_abm *fake, enum fake_abm_call call, const char *serial);

#endif

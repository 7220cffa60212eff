/**
 * fake_abm.h - abm/api.h without network: answers as the test scripts them, device by device, and a log of
 * what was asked.
 *
 * Unscripted devices get: import OK ("dev-SERIAL"), read NONE, assign ACCEPTED ("as-SERIAL"), unassign OK.
 */
#ifndef HARNESS_FAKE_ABM_H
#define HARNESS_FAKE_ABM_H

#include "abm/api.h"

#define FAKE_ABM_MAX 512

enum fake_abm_call { FAKE_IMPORT, FAKE_READ, FAKE_ASSIGN, FAKE_UNASSIGN, FAKE_CALLS };

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

    int calls[FAKE_CALLS];
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

/** runid.h - the id of a run, made of its date, its source and its hash: "2026-11-24-devices-7f3a". Pure. */
#ifndef ABMCTL_RUNID_H
#define ABMCTL_RUNID_H

#include <stdint.h>

#define RUNID_BYTES 65

/**
 * @param name    of the source, "devices.csv": its suffix goes, what an id may not hold becomes '-'
 * @param sha256  of its bytes, hex
 * @param try     1: as above; from 2 on "-2", "-3" ... are put behind it (the id is taken)
 */
void runid_make(int64_t now_ms, const char *name, const char *sha256, int try, char id[RUNID_BYTES]);

#endif

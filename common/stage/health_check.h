/**
 * health_check.h - is a worker of this stage on this host alive? Asked by `--health`, so that a container
 * needs no shell and no other program. Internal to the skeleton.
 */
#ifndef STAGE_HEALTH_CHECK_H
#define STAGE_HEALTH_CHECK_H

#include "stage/stage.h"

/** 0: a heartbeat of the last 30 s is there; -1 with the reason. */
int health_check(const struct settings *settings, const struct org_settings *org, const struct stage *stage,
                 struct err *err);

#endif

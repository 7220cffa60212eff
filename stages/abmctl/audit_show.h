/**
 * audit_show.h - how abmctl audit shows what it found: tables and lines for people, one JSON value under
 * --json. All return 0, or -1 with err.
 */
#ifndef ABMCTL_AUDIT_SHOW_H
#define ABMCTL_AUDIT_SHOW_H

#include "ctl.h"
#include "evidence/find.h"
#include "evidence/verify.h"

/** The manifests under path, by organization and sequence. A path that is not there yet has none. */
int audit_show_list(struct ctl *ctl, const char *path, struct err *err);
/** The records of one device, the newest last. */
int audit_show_hits(struct ctl *ctl, const struct find_hits *hits, struct err *err);
int audit_show_whole(struct ctl *ctl, const char *path, const struct verify_result *result, struct err *err);
int audit_show_proved(struct ctl *ctl, const char *path, const struct find_hit *hit, struct err *err);
/** The answer no: err tells what differs; it is used up by that. */
int audit_show_refuted(struct ctl *ctl, const char *path, struct err *err);
/** file NULL: none to be named. */
int audit_show_key(struct ctl *ctl, const char *file, const char *keyid, const char *algorithm,
                   const char *pem, struct err *err);

#endif

/**
 * plan_out.h - where a plan goes: to a file (-o), to stdout as the document (--json), or to people as a diff.
 */
#ifndef ABMCTL_PLAN_OUT_H
#define ABMCTL_PLAN_OUT_H

#include "ctl.h"
#include "plan_file.h"
#include "plan_show.h"
#include "who.h"

struct plan_out {
    /* the options */
    const char *path; /* -o; NULL: no file */
    bool is_verbose;  /* every serial, also on a terminal */

    struct ctl *ctl;
    struct plan_show *show; /* NULL under --json */
    struct plan_head head;  /* plan_out_open sets what the settings and the environment say */
    int64_t counts[PLAN_KINDS];
    char operator_[WHO_BYTES];
    char max_changes[8];
};

/** After the settings are open. plan_out_release is to be called whatever it returns. ERR_USAGE,
 * ERR_NOMEM, and where nothing can be written to path ERR_IO, ERR_FILE_DENIED. */
int plan_out_open(struct plan_out *out, struct ctl *ctl, struct err *err);
void plan_out_release(struct plan_out *out);

/** One judged device, for the diff and the counts; entry->serial is borrowed until the release. */
int plan_out_add(struct plan_out *out, enum plan_kind kind, const struct plan_entry *entry, struct err *err);

/** The brake of the organization, where one is set: changed of existing assignments would change. */
void plan_out_brake(struct plan_out *out, int64_t changed, int64_t existing);

/** Writes and shows the plan; head is complete. ERR_IO, ERR_FILE_DENIED, and what entries say. */
int plan_out_finish(struct plan_out *out, const struct plan_entries *entries, struct err *err);

/** "95", or "10.4" where it is no whole number: rounded up, so that it is above what it is above of. Pure. */
const char *plan_out_share(int64_t part, int64_t whole, char text[24]);

#endif

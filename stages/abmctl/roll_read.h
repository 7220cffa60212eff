/**
 * roll_read.h - a roll filled from kept evidence whose signatures and hashes hold.
 */
#ifndef ABMCTL_ROLL_READ_H
#define ABMCTL_ROLL_READ_H

#include "ctl.h"
#include "roll.h"

struct roll_source {
    const char *path;   /* --path; NULL: the organization's folder in the first sink */
    const char *pubkey; /* --pubkey; NULL: the configured signer's */
    const char *run;    /* of this run alone; NULL: of all */
    /* Besides those assigned and removed: true, those unchanged, which say what is to be as well; false,
     * those that failed. */
    bool is_declared;
};

/**
 * Reads the evidence of the organization. roll_release is to be called whatever it returns.
 *
 * @return 0; -1 with ERR_NOT_FOUND (no manifest), ERR_SIGNATURE, ERR_EVIDENCE, ERR_FILE_*, ERR_USAGE (no
 * folder known), ERR_STOPPED, ERR_LIMIT, ERR_NOMEM
 */
int roll_read(struct ctl *ctl, const struct roll_source *source, struct roll *roll, struct err *err);

#endif

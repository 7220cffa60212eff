/**
 * kept.h - where the organization's evidence is kept, and the key that it is checked with: for the verbs that
 * read it.
 */
#ifndef ABMCTL_KEPT_H
#define ABMCTL_KEPT_H

#include <limits.h>

#include "crypto/signer.h"
#include "crypto/verifier.h"
#include "ctl.h"

/** --path DIR and --pubkey FILE. */
struct ctl_option kept_path_option(const char **path);
struct ctl_option kept_pubkey_option(const char **pubkey);

/** *path stays where it is given, else it is `<first sink>/<org>` in buffer. ERR_USAGE where the first sink
 * is no folder. */
int kept_path(struct ctl *ctl, const char **path, char buffer[PATH_MAX], struct err *err);

/** The configured signer, for signer_free. */
int kept_signer(struct ctl *ctl, struct signer **signer_r, struct err *err);
/** The public key of a PEM file; file NULL: the configured signer's. */
int kept_verifier(struct ctl *ctl, const char *file, struct verifier *verifier_r, struct err *err);

#endif

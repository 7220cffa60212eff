/**
 * secrets.h - references that need more than this machine, as the settings say where to ask: vault: today.
 * Each program opens them once, after it has read its settings and before the first secret_resolve.
 */
#ifndef SECRETS_SECRETS_H
#define SECRETS_SECRETS_H

#include "domain/settings.h"
#include "secrets/vault_scheme.h"

/**
 * Serves what the settings configure; asks nothing of anybody.
 *
 * @param settings  borrowed until secrets_close
 *
 * @return 0; -1 with ERR_FILE_MISSING (secrets.vault.ca_file), ERR_NOMEM
 */
int secrets_open(const struct settings *settings, const struct vault_warn *warn, struct err *err)
    __attribute__((nonnull(1, 2, 3), warn_unused_result));

/** What has to be done in time: the lease of the token that Vault gave. To be called often; cheap. */
void secrets_tend(void);

void secrets_close(void);

#endif

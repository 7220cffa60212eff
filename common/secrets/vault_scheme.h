/**
 * vault_scheme.h - vault:PATH#FIELD as a scheme of crypto/secret.h. One client of Vault a process, made here;
 * used by the thread that resolves and refreshes secrets.
 *
 * A value is read again at most once a minute (or a second after it was distrusted). One that cannot be read
 * again stays as it is in hand, and that is told once a minute.
 */
#ifndef SECRETS_VAULT_SCHEME_H
#define SECRETS_VAULT_SCHEME_H

#include "secrets/vault.h"

#define VAULT_REFRESH_MS  60000
#define VAULT_DISTRUST_MS 1000 /* between two readings of a value that a server keeps refusing */
#define VAULT_WARN_MS     60000

/* Where warnings go; text never holds a secret. */
struct vault_warn {
    void (*warn)(void *user, const char *event, const char *text); /* NULL: nowhere */
    void *user;
};

/** Makes the client and serves vault: by it, in place of the one before. Asks nothing. As vault_new. */
int vault_scheme_serve(const struct vault_settings *settings, const struct vault_warn *warn, struct err *err)
    __attribute__((nonnull(1, 2, 3), warn_unused_result));

/** vault_tend; a failure is warned of. Nothing where vault: is not served. */
void vault_scheme_tend(void);

/** The client logs out and goes. References of vault: fail from here on; secrets in hand stay as they are. */
void vault_scheme_close(void);

#endif

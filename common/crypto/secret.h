/**
 * secret.h - a secret value, held in guarded memory (libsodium's: locked, fenced by pages that trap,
 * read-only once filled, wiped when freed) and reached by a reference from the settings:
 *
 *     env:NAME      a variable of the environment
 *     file:PATH     a file's bytes, one newline at the end taken off; read again by secret_refresh when it
 *                   changed
 *     systemd:NAME  the file NAME of $CREDENTIALS_DIRECTORY, as file:
 *
 * and by what is registered from above (secret_scheme.h; vault: by secrets/secrets.h).
 *
 * A reference is no secret and may be shown, the value never is: not in an error, not in a log. Where a
 * reference has no scheme that we know it may be the secret itself, pasted by mistake, so then it is not
 * shown either.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SECRET_MAX_BYTES 65536

struct secret;

/**
 * Resolves a reference now.
 *
 * @param reference         "env:NAME", "file:PATH", ...; copied
 * @param allow_mount_mode  a file that others may read is taken where it stands on a read-only mount
 * @param secret_r          out: the caller frees it with secret_free
 *
 * @return 0; -1 with ERR_SECRET (no such scheme, variable or file, empty, more than SECRET_MAX_BYTES),
 *         ERR_SECRET_MODE (others may read or write the file), ERR_NOMEM, or what a registered scheme says
 *         of its server (class SERVICE: asking again may help).
 */
int secret_resolve(const char *reference, bool allow_mount_mode, struct secret **secret_r, struct err *err)
    __attribute__((nonnull(1, 3, 4), warn_unused_result));

/** A copy of len bytes that were made here (a derived or unsealed key); the caller wipes its own. ERR_SECRET,
 * ERR_NOMEM. */
int secret_copy(const void *bytes, size_t len, struct secret **secret_r, struct err *err)
    __attribute__((nonnull(1, 3, 4), warn_unused_result));

/** Wipes and frees; NULL is taken. */
void secret_free(struct secret *secret);

/** The bytes, with a NUL behind them; borrowed until secret_refresh gives 1 or secret_free. A file's may hold
 * NULs within. */
const char *secret_text(const struct secret *secret) __attribute__((nonnull(1), returns_nonnull));
size_t secret_len(const struct secret *secret) __attribute__((nonnull(1)));

/**
 * Looks whether the value has changed where it comes from, and then takes the new one: a rotated token needs
 * no restart. Of a file it costs one stat(2) (another inode, size or time); what comes over a network is
 * asked for at most once a minute. Not to be called while another thread uses the secret.
 *
 * @return 1 it holds the new value; 0 nothing changed; -1 as secret_resolve: the value held stays.
 */
int secret_refresh(struct secret *secret, struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/** A server has refused the value: the next secret_refresh asks for it though the last time is not long ago.
 */
void secret_distrust(struct secret *secret) __attribute__((nonnull(1)));

/** Whether the syntax of a reference is one that secret_resolve takes, without resolving it. ERR_SECRET. */
int secret_check_reference(const char *reference, struct err *err)
    __attribute__((nonnull(1, 2), warn_unused_result));

/** The rule for a secret file: mode as of stat(2). Pure. */
bool secret_mode_is_safe(unsigned mode, bool is_read_only_mount, bool allow_mount_mode);

#endif

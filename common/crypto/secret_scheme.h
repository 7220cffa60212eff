/**
 * secret_scheme.h - what a scheme of references is ("env:", "file:"): one table of functions in a file of its
 * own. Those that need nothing but this machine stand beside this file and in secret.c's list; one that needs
 * more (a network, a desktop's keyring) is registered from above with secret_serve.
 */
#ifndef CRYPTO_SECRET_SCHEME_H
#define CRYPTO_SECRET_SCHEME_H

#include "crypto/secret.h"

struct secret_scheme {
    const char *prefix; /* "env:" */
    const char *form;   /* "env:NAME", for messages */
    size_t seen_bytes;  /* of secret->seen, zeroed at first; 0: the scheme keeps nothing */

    /** Is the text behind the prefix one that read takes? Nothing is asked. ERR_SECRET. */
    int (*check)(const char *target, struct err *err);
    /** Reads the value now and gives it to secret_hold. -1: the value held, if any, stays. */
    int (*read)(struct secret *secret, struct err *err);
    /** As secret_refresh; NULL: it never changes. */
    int (*refresh)(struct secret *secret, struct err *err);
    /** As secret_distrust; NULL: refresh looks each time anyway. */
    void (*distrust)(struct secret *secret);
};

struct secret {
    const struct secret_scheme *scheme; /* NULL: made by secret_copy */
    char *target;                       /* the reference behind its prefix */
    bool allow_mount_mode;
    void *seen;  /* the scheme's own: what it looks at to see a change */
    char *bytes; /* guarded: the value and a NUL; NULL: not read yet */
    size_t len;
};

/* secret_env.c, secret_file.c, secret_systemd.c */
extern const struct secret_scheme secret_env, secret_file, secret_systemd;

/**
 * From here on references with the scheme's prefix are its own; one of the same prefix is replaced. Called at
 * the start of a process, before any reference is resolved.
 *
 * @param scheme  lives as long as the process
 *
 * @return 0; -1 with ERR_BUG (too many)
 */
int secret_serve(const struct secret_scheme *scheme, struct err *err) __attribute__((nonnull(1, 2)));

/** Puts a copy of the value into fresh guarded memory in place of the one held. ERR_NOMEM. */
int secret_hold(struct secret *secret, const char *bytes, size_t len, struct err *err)
    __attribute__((nonnull(1, 2, 4), warn_unused_result));

/**
 * Reads the file into the secret, with all that file: holds against its kind, mode and size. Errors begin
 * with the reference. seen is where it puts what secret_file_has_changed compares.
 */
struct stat;
int secret_file_read(struct secret *secret, const char *path, struct stat *seen, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
/** A file that cannot be looked at counts as changed: reading it says what is wrong. */
bool secret_file_has_changed(const char *path, const struct stat *seen) __attribute__((nonnull(1, 2)));

/** "env:NAME: what" where the target is shown escaped. Returns -1. */
int secret_fail(const struct secret *secret, enum err_code code, int sys, const char *what, struct err *err)
    __attribute__((nonnull(1, 4, 5)));

#endif

#include "crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"

#define SHOWN_MAX 256

struct scheme;

struct secret {
    const struct scheme *scheme; /* NULL: made by secret_copy */
    char *target;                /* the reference behind its scheme */
    bool allow_mount_mode;
    struct stat seen; /* of the file when it was read */
    char *bytes;      /* guarded: the value and a NUL */
    size_t len;
};

/* One row a scheme. A resolver fills bytes and len; on failure it leaves them. */
struct scheme {
    const char *prefix;
    int (*check)(const char *target, struct err *err);
    int (*resolve)(struct secret *secret, struct err *err);
    bool (*has_changed)(const struct secret *secret);
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, 0, "no memory for a secret");
}

/* Puts a copy of the value into fresh guarded memory in place of the one held. */
static int hold(struct secret *secret, const char *bytes, size_t len, struct err *err)
{
    char *guarded = sodium_malloc(len + 1);

    if (guarded == NULL)
        return no_memory(err);
    memcpy(guarded, bytes, len);
    guarded[len] = '\0';
    sodium_mprotect_readonly(guarded);
    sodium_free(secret->bytes);
    secret->bytes = guarded;
    secret->len = len;
    return 0;
}

static int check_env(const char *name, struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    if (strspn(name, letters) == 0 || name[strspn(name, more)] != '\0')
        return err_set(err, ERR_SECRET, 0, "env: wants the name of a variable (letters, digits and _)");
    return 0;
}

static int resolve_env(struct secret *secret, struct err *err)
{
    const char *value = getenv(secret->target);
    size_t len;

    if (value == NULL)
        return err_set(err, ERR_SECRET, 0, "env:%s: the variable is not set", secret->target);
    len = strlen(value);
    if (len == 0)
        return err_set(err, ERR_SECRET, 0, "env:%s: the variable is empty", secret->target);
    if (len > SECRET_MAX_BYTES)
        return err_set(err, ERR_SECRET, 0, "env:%s: more than %d bytes", secret->target, SECRET_MAX_BYTES);
    return hold(secret, value, len, err);
}

static bool env_has_changed(const struct secret *secret)
{
    (void)secret;
    return false;
}

static int check_file(const char *path, struct err *err)
{
    if (path[0] == '\0')
        return err_set(err, ERR_SECRET, 0, "file: wants a path");
    return 0;
}

static int fail_file(const struct secret *secret, enum err_code code, int sys, const char *what,
                     struct err *err)
{
    struct buf shown;

    buf_init(&shown, 8 * SHOWN_MAX);
    str_escape(&shown, secret->target, strlen(secret->target), SHOWN_MAX);
    err_set(err, code, sys, "file:%s: %s", shown.data, what);
    buf_release(&shown);
    return -1;
}

bool secret_mode_is_safe(unsigned mode, bool is_read_only_mount, bool allow_mount_mode)
{
    return (mode & 0007) == 0 || (allow_mount_mode && is_read_only_mount && (mode & 0002) == 0);
}

/* At most SECRET_MAX_BYTES + 2 into room (a newline and one byte to see that it is too much). 0 or errno. */
static int read_all(int fd, char *room, size_t *len_r)
{
    size_t len = 0;

    while (len < SECRET_MAX_BYTES + 3) {
        ssize_t got = read(fd, room + len, SECRET_MAX_BYTES + 3 - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *len_r = len;
    return 0;
}

static int hold_file(struct secret *secret, int fd, struct err *err)
{
    char *room = sodium_malloc(SECRET_MAX_BYTES + 3);
    size_t len = 0;
    int sys, rc;

    if (room == NULL)
        return no_memory(err);
    sys = read_all(fd, room, &len);
    if (len > 0 && room[len - 1] == '\n')
        len--;
    if (len > 0 && room[len - 1] == '\r')
        len--;
    if (sys != 0)
        rc = fail_file(secret, ERR_SECRET, sys, "cannot read", err);
    else if (len == 0)
        rc = fail_file(secret, ERR_SECRET, 0, "the file is empty", err);
    else if (len > SECRET_MAX_BYTES)
        rc = fail_file(secret, ERR_SECRET, 0, "more than 65536 bytes", err);
    else
        rc = hold(secret, room, len, err);
    sodium_free(room);
    return rc;
}

/* Whether the open file may be taken for a secret. */
static int check_open_file(const struct secret *secret, int fd, const struct stat *st, struct err *err)
{
    struct statvfs mount;
    bool is_read_only = fstatvfs(fd, &mount) == 0 && (mount.f_flag & ST_RDONLY) != 0;

    if (!S_ISREG(st->st_mode))
        return fail_file(secret, ERR_SECRET, 0, "not a regular file", err);
    if (!secret_mode_is_safe(st->st_mode, is_read_only, secret->allow_mount_mode))
        return fail_file(secret, ERR_SECRET_MODE, 0, "others may read or write the file: chmod o-rwx", err);
    return 0;
}

static int resolve_file(struct secret *secret, struct err *err)
{
    int fd = open(secret->target, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int rc;

    if (fd < 0)
        return fail_file(secret, ERR_SECRET, errno, "cannot open", err);
    if (fstat(fd, &st) != 0)
        rc = fail_file(secret, ERR_SECRET, errno, "cannot look at it", err);
    else
        rc = check_open_file(secret, fd, &st, err);
    if (rc == 0)
        rc = hold_file(secret, fd, err);
    if (rc == 0)
        secret->seen = st;
    close(fd);
    return rc;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* A file that cannot be looked at counts as changed: reading it says what is wrong. */
static bool file_has_changed(const struct secret *secret)
{
    const struct stat *seen = &secret->seen;
    struct stat st;

    return stat(secret->target, &st) != 0 || st.st_dev != seen->st_dev || st.st_ino != seen->st_ino ||
           st.st_size != seen->st_size || !is_same_time(st.st_mtim, seen->st_mtim) ||
           !is_same_time(st.st_ctim, seen->st_ctim);
}

static int check_vault(const char *target, struct err *err)
{
    (void)target;
    return err_set(err, ERR_SECRET, 0, "vault: is not served by this version; use env:NAME or file:PATH");
}

/* A scheme without a resolver is one that its check refuses. */
static const struct scheme schemes[] = {
    { "env:", check_env, resolve_env, env_has_changed },
    { "file:", check_file, resolve_file, file_has_changed },
    { "vault:", check_vault, NULL, NULL },
};

/* Never names the reference: without a known scheme it may be the secret itself. */
static const struct scheme *find_scheme(const char *reference, struct err *err)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (!str_starts(reference, schemes[i].prefix))
            continue;
        return schemes[i].check(reference + strlen(schemes[i].prefix), err) == 0 ? &schemes[i] : NULL;
    }
    err_set(err, ERR_SECRET, 0, "a secret is given as env:NAME or file:PATH, not as the value itself");
    return NULL;
}

int secret_check_reference(const char *reference, struct err *err)
{
    return find_scheme(reference, err) != NULL ? 0 : -1;
}

int secret_resolve(const char *reference, bool allow_mount_mode, struct secret **secret_r, struct err *err)
{
    const struct scheme *scheme = find_scheme(reference, err);
    struct secret *secret;

    if (scheme == NULL)
        return -1;
    if (sodium_init() < 0)
        return err_set(err, ERR_SECRET, 0, "libsodium cannot be initialized");
    secret = calloc(1, sizeof(*secret));
    if (secret != NULL)
        secret->target = strdup(reference + strlen(scheme->prefix));
    if (secret == NULL || secret->target == NULL) {
        secret_free(secret);
        return no_memory(err);
    }
    secret->scheme = scheme;
    secret->allow_mount_mode = allow_mount_mode;
    if (scheme->resolve(secret, err) != 0) {
        secret_free(secret);
        return -1;
    }
    *secret_r = secret;
    return 0;
}

int secret_copy(const void *bytes, size_t len, struct secret **secret_r, struct err *err)
{
    struct secret *secret;

    if (sodium_init() < 0)
        return err_set(err, ERR_SECRET, 0, "libsodium cannot be initialized");
    if (len > SECRET_MAX_BYTES)
        return err_set(err, ERR_SECRET, 0, "a secret of more than %d bytes", SECRET_MAX_BYTES);
    secret = calloc(1, sizeof(*secret));
    if (secret == NULL)
        return no_memory(err);
    if (hold(secret, bytes, len, err) != 0) {
        secret_free(secret);
        return -1;
    }
    *secret_r = secret;
    return 0;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    sodium_free(secret->bytes); /* wipes */
    free(secret->target);
    free(secret);
}

const char *secret_text(const struct secret *secret)
{
    return secret->bytes;
}

size_t secret_len(const struct secret *secret)
{
    return secret->len;
}

int secret_refresh(struct secret *secret, struct err *err)
{
    if (secret->scheme == NULL || !secret->scheme->has_changed(secret))
        return 0;
    return secret->scheme->resolve(secret, err) == 0 ? 1 : -1;
}

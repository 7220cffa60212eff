/* secret_file.c - file:PATH: a file's bytes, one newline at the end taken off, read again when it changed. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "crypto/secret_scheme.h"

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
        return err_set(err, ERR_NOMEM, 0, "no memory for a secret");
    sys = read_all(fd, room, &len);
    if (len > 0 && room[len - 1] == '\n')
        len--;
    if (len > 0 && room[len - 1] == '\r')
        len--;
    if (sys != 0)
        rc = secret_fail(secret, ERR_SECRET, sys, "cannot read", err);
    else if (len == 0)
        rc = secret_fail(secret, ERR_SECRET, 0, "the file is empty", err);
    else if (len > SECRET_MAX_BYTES)
        rc = secret_fail(secret, ERR_SECRET, 0, "more than 65536 bytes", err);
    else
        rc = secret_hold(secret, room, len, err);
    sodium_free(room);
    return rc;
}

/* Whether the open file may be taken for a secret. */
static int check_open_file(const struct secret *secret, int fd, const struct stat *st, struct err *err)
{
    struct statvfs mount;
    bool is_read_only = fstatvfs(fd, &mount) == 0 && (mount.f_flag & ST_RDONLY) != 0;

    if (!S_ISREG(st->st_mode))
        return secret_fail(secret, ERR_SECRET, 0, "not a regular file", err);
    if (!secret_mode_is_safe(st->st_mode, is_read_only, secret->allow_mount_mode))
        return secret_fail(secret, ERR_SECRET_MODE, 0, "others may read or write the file: chmod o-rwx", err);
    return 0;
}

int secret_file_read(struct secret *secret, const char *path, struct stat *seen, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int rc;

    if (fd < 0)
        return secret_fail(secret, ERR_SECRET, errno, "cannot open", err);
    if (fstat(fd, &st) != 0)
        rc = secret_fail(secret, ERR_SECRET, errno, "cannot look at it", err);
    else
        rc = check_open_file(secret, fd, &st, err);
    if (rc == 0)
        rc = hold_file(secret, fd, err);
    if (rc == 0)
        *seen = st;
    close(fd);
    return rc;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool secret_file_has_changed(const char *path, const struct stat *seen)
{
    struct stat st;

    return stat(path, &st) != 0 || st.st_dev != seen->st_dev || st.st_ino != seen->st_ino ||
           st.st_size != seen->st_size || !is_same_time(st.st_mtim, seen->st_mtim) ||
           !is_same_time(st.st_ctim, seen->st_ctim);
}

static int check(const char *path, struct err *err)
{
    if (path[0] == '\0')
        return err_set(err, ERR_SECRET, 0, "file: wants a path");
    return 0;
}

static int read_file(struct secret *secret, struct err *err)
{
    return secret_file_read(secret, secret->target, secret->seen, err);
}

static int refresh(struct secret *secret, struct err *err)
{
    if (!secret_file_has_changed(secret->target, secret->seen))
        return 0;
    return read_file(secret, err) == 0 ? 1 : -1;
}

const struct secret_scheme secret_file = {
    .prefix = "file:",
    .form = "file:PATH",
    .seen_bytes = sizeof(struct stat),
    .check = check,
    .read = read_file,
    .refresh = refresh,
};

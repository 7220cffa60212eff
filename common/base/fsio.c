#include "base/fsio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/str.h"

#define CHUNK_BYTES    65536
#define PATH_SHOWN_MAX 512

static int fail(struct err *err, enum err_code code, int sys, const char *doing, const char *path)
{
    struct buf shown;

    buf_init(&shown, 8 * PATH_SHOWN_MAX);
    str_escape(&shown, path, strlen(path), PATH_SHOWN_MAX);
    err_set(err, code, sys, "cannot %s %s", doing, shown.data);
    buf_release(&shown);
    return -1;
}

static bool is_denied(int sys)
{
    return sys == EACCES || sys == EPERM || sys == EROFS;
}

static int fail_read(struct err *err, int sys, const char *path)
{
    enum err_code code = ERR_IO;

    if (sys == ENOENT || sys == ENOTDIR || sys == EISDIR || sys == ENAMETOOLONG)
        code = ERR_FILE_MISSING;
    else if (is_denied(sys))
        code = ERR_FILE_DENIED;
    return fail(err, code, sys, "read", path);
}

static int fail_write(struct err *err, int sys, const char *doing, const char *path)
{
    return fail(err, is_denied(sys) ? ERR_FILE_DENIED : ERR_IO, sys, doing, path);
}

/* 0, or errno; *is_over_r: the buffer is at its limit. */
static int read_all(int fd, struct buf *out, bool *is_over_r)
{
    char chunk[CHUNK_BYTES];

    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            return 0;
        if (buf_add(out, chunk, (size_t)got) != 0) {
            *is_over_r = true;
            return 0;
        }
    }
}

/* A pipe that nobody writes to holds nobody up: it is empty. One that somebody does is read as it comes. */
static int open_to_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0)
        (void)fcntl(fd, F_SETFL, O_RDONLY);
    return fd;
}

int fsio_read(const char *path, struct buf *out, struct err *err)
{
    bool is_over = false;
    int fd = open_to_read(path);
    int sys;

    if (fd < 0)
        return fail_read(err, errno, path);
    sys = read_all(fd, out, &is_over);
    close(fd);
    if (sys != 0)
        return fail_read(err, sys, path);
    if (is_over) {
        struct buf shown;

        buf_init(&shown, 8 * PATH_SHOWN_MAX);
        str_escape(&shown, path, strlen(path), PATH_SHOWN_MAX);
        buf_check(out, shown.data, err);
        buf_release(&shown);
        return -1;
    }
    return 0;
}

/* The folder that holds path: malloc'd, NULL without memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* 0 or errno. A file system that cannot sync folders (EINVAL) keeps the entry by its own means. */
static int sync_folder_of(const char *path)
{
    char *folder = folder_of(path);
    int fd, sys = 0;

    if (folder == NULL)
        return ENOMEM;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0)
        return errno;
    if (fsync(fd) != 0 && errno != EINVAL)
        sys = errno;
    close(fd);
    return sys;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, data, len);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return errno;
        data += wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

/* A temporary file beside path, open: its name (malloc'd). 0 or errno. */
static int open_beside(const char *path, unsigned mode, char **name_r, int *fd_r)
{
    char unique[17];
    char *name;
    int fd, sys;

    if (asprintf(&name, "%s.%s.tmp", path, rand_hex16(unique)) < 0)
        return ENOMEM;
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) {
        sys = errno;
        free(name);
        return sys;
    }
    *name_r = name;
    *fd_r = fd;
    return 0;
}

/* 0 or errno; sys: what went wrong before, which then stays. */
static int close_synced(int fd, int sys)
{
    if (sys == 0 && fsync(fd) != 0)
        sys = errno;
    if (close(fd) != 0 && sys == 0)
        sys = errno;
    return sys;
}

/* A synced temporary file beside path. Its name in *name_r (malloc'd) on success. 0 or errno. */
static int write_beside(const char *path, const void *data, size_t len, unsigned mode, char **name_r)
{
    int fd = -1, sys = open_beside(path, mode, name_r, &fd);

    if (sys != 0)
        return sys;
    sys = close_synced(fd, write_all(fd, data, len));
    if (sys != 0) {
        unlink(*name_r);
        free(*name_r);
    }
    return sys;
}

int fsio_write(const char *path, const void *data, size_t len, unsigned mode, struct err *err)
{
    char *name;
    int sys = write_beside(path, data, len, mode, &name);

    if (sys != 0)
        return fail_write(err, sys, "write", path);
    if (rename(name, path) != 0) {
        sys = errno;
        unlink(name);
    }
    free(name);
    if (sys == 0)
        sys = sync_folder_of(path);
    return sys == 0 ? 0 : fail_write(err, sys, "write", path);
}

/* What stands at path would give its place: a device or a link of the system's is not to. */
static int check_place(const char *path, struct err *err)
{
    const char *what;
    struct buf shown;
    struct stat st;

    if (lstat(path, &st) != 0 || S_ISREG(st.st_mode))
        return 0;
    what = S_ISDIR(st.st_mode) ? "a folder" : S_ISLNK(st.st_mode) ? "a symbolic link" : "a device or a pipe";
    buf_init(&shown, 8 * PATH_SHOWN_MAX);
    str_escape(&shown, path, strlen(path), PATH_SHOWN_MAX);
    err_set(err, ERR_USAGE, 0, "cannot write %s: it is %s, and a file would take its place: name another",
            shown.data, what);
    buf_release(&shown);
    return -1;
}

int fsio_draft_begin(struct fsio_draft *draft, const char *path, unsigned mode, struct err *err)
{
    int sys;

    *draft = (struct fsio_draft){ .path = path, .fd = -1 };
    if (check_place(path, err) != 0)
        return -1;
    sys = open_beside(path, mode, &draft->name, &draft->fd);
    return sys == 0 ? 0 : fail_write(err, sys, "write", path);
}

int fsio_draft_put(struct fsio_draft *draft, const void *data, size_t len, struct err *err)
{
    int sys = write_all(draft->fd, data, len);

    return sys == 0 ? 0 : fail_write(err, sys, "write", draft->path);
}

int fsio_draft_publish(struct fsio_draft *draft, struct err *err)
{
    int sys = close_synced(draft->fd, 0);

    draft->fd = -1;
    if (sys == 0 && rename(draft->name, draft->path) != 0)
        sys = errno;
    if (sys != 0) {
        fsio_draft_discard(draft);
        return fail_write(err, sys, "write", draft->path);
    }
    free(draft->name);
    draft->name = NULL;
    sys = sync_folder_of(draft->path);
    return sys == 0 ? 0 : fail_write(err, sys, "write", draft->path);
}

void fsio_draft_discard(struct fsio_draft *draft)
{
    if (draft->name == NULL)
        return;
    if (draft->fd >= 0)
        close(draft->fd);
    unlink(draft->name);
    free(draft->name);
    draft->name = NULL;
    draft->fd = -1;
}

/* Gives the file at name its place if nothing is there. Not every file system has hard links. 0 or errno. */
static int place_new(const char *name, const char *path)
{
    if (link(name, path) == 0)
        return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return errno;
    return renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

int fsio_write_new(const char *path, const void *data, size_t len, unsigned mode, struct err *err)
{
    char *name;
    int sys = write_beside(path, data, len, mode, &name);

    if (sys != 0)
        return fail_write(err, sys, "write", path);
    sys = place_new(name, path);
    unlink(name);
    free(name);
    if (sys == EEXIST)
        return 1;
    if (sys == 0)
        sys = sync_folder_of(path);
    return sys == 0 ? 0 : fail_write(err, sys, "write", path);
}

/* Makes the folder that path names up to its end; its parent is there. */
static int make_one(const char *path, unsigned mode, struct err *err)
{
    struct stat st;
    int sys;

    if (mkdir(path, (mode_t)mode) != 0) {
        sys = errno;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return 0;
        return fail_write(err, sys == EEXIST ? ENOTDIR : sys, "make folder", path);
    }
    sys = sync_folder_of(path);
    return sys == 0 ? 0 : fail_write(err, sys, "make folder", path);
}

int fsio_mkdirs(const char *path, unsigned mode, struct err *err)
{
    char *part = strdup(path);
    size_t len;
    int rc = 0;

    if (part == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a path");
    for (len = strlen(part); len > 1 && part[len - 1] == '/';)
        part[--len] = '\0';
    for (size_t i = 1; i < len && rc == 0; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = '\0';
        rc = make_one(part, mode, err);
        part[i] = '/';
    }
    if (rc == 0 && len > 0)
        rc = make_one(part, mode, err);
    free(part);
    return rc;
}

char *fsio_resolve(const char *anchor, const char *path)
{
    const char *slash = strrchr(anchor, '/');
    char *resolved;

    if (path[0] == '/' || slash == NULL)
        return strdup(path);
    if (asprintf(&resolved, "%.*s/%s", (int)(slash - anchor), anchor, path) < 0)
        return NULL;
    return resolved;
}

#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/str.h"

#define COPY_BYTES (256 * 1024)

static int choose_format(struct source *source, const char *format, struct err *err)
{
    if (format != NULL) {
        char name[16];

        snprintf(name, sizeof(name), "x.%.12s", format);
        if (input_format_of(name, &source->format, err) == 0)
            return 0;
        return err_set(err, ERR_USAGE, 0, "--format '%.100s': csv, yaml or jsonl", format);
    }
    if (strcmp(source->path, "-") != 0)
        return input_format_of(source->path, &source->format, err);
    source->format = INPUT_CSV;
    return 0;
}

void source_name(const char *path, char name[SOURCE_NAME_BYTES])
{
    const char *slash = strrchr(path, '/'), *last = slash != NULL ? slash + 1 : path;

    snprintf(name, SOURCE_NAME_BYTES, "%s", strcmp(last, "-") == 0 ? "stdin" : last);
    for (char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '_';
    for (size_t len = strlen(name); !str_is_utf8(name, len);)
        name[--len] = '\0';
}

static int cannot(const struct source *source, struct err *err)
{
    int sys = errno;
    enum err_code code = sys == EACCES || sys == EPERM ? ERR_FILE_DENIED : ERR_FILE_MISSING;

    return err_set(err, code, sys, "cannot read %s", source->path);
}

static int read_some(int fd, char *data, size_t cap, size_t *got_r)
{
    ssize_t got;

    do
        got = read(fd, data, cap);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    *got_r = (size_t)got;
    return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);

        if (put < 0 && errno != EINTR)
            return -1;
        if (put > 0) {
            data += put;
            len -= (size_t)put;
        }
    }
    return 0;
}

static int copy(const struct source *source, int to, struct err *err)
{
    char *data = malloc(COPY_BYTES);
    size_t got = 1;
    int rc = 0;

    if (data == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    while (rc == 0 && got > 0) {
        if (read_some(source->fd, data, COPY_BYTES, &got) != 0)
            rc = cannot(source, err);
        else if (write_all(to, data, got) != 0)
            rc = err_set(err, ERR_IO, errno, "the temporary copy of %s", source->path);
    }
    free(data);
    return rc;
}

/* A file that goes with the process: it has no name. */
static int open_temporary(struct err *err)
{
    const char *dir = getenv("TMPDIR");
    char path[4096];
    int fd;

    if (dir == NULL || dir[0] == '\0')
        dir = "/tmp";
    fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof(path), "%s/abmctl-XXXXXX", dir); /* not every file system has O_TMPFILE */
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "cannot make a temporary file in %s", dir);
    unlink(path);
    return fd;
}

static int spool(struct source *source, struct err *err)
{
    int fd = open_temporary(err);

    if (fd < 0)
        return -1;
    if (copy(source, fd, err) != 0) {
        close(fd);
        return -1;
    }
    if (source->fd != STDIN_FILENO)
        close(source->fd);
    source->fd = fd;
    source->is_spooled = true;
    return fstat(fd, &source->seen) == 0 ? 0 : cannot(source, err);
}

/* /dev/zero and its like would fill the disk with the copy. What a person types ends, and so does nothing. */
static bool is_endless(const struct source *source)
{
    const struct stat *seen = &source->seen;
    bool is_null = major(seen->st_rdev) == 1 && minor(seen->st_rdev) == 3;

    return (S_ISCHR(seen->st_mode) && !is_null && !isatty(source->fd)) || S_ISBLK(seen->st_mode);
}

int source_open(struct source *source, const char *path, const char *format, struct err *err)
{
    memset(source, 0, sizeof(*source));
    source->path = path;
    source->fd = -1;
    if (choose_format(source, format, err) != 0)
        return -1;
    source_name(path, source->name);
    source->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 || fstat(source->fd, &source->seen) != 0)
        return cannot(source, err);
    if (S_ISDIR(source->seen.st_mode)) {
        source_close(source);
        return err_set(err, ERR_FILE_MISSING, 0, "%s is a folder", path);
    }
    if (is_endless(source)) {
        source_close(source);
        return err_set(err, ERR_FILE_MISSING, 0, "%s is a device, which may have no end", path);
    }
    if (!S_ISREG(source->seen.st_mode) && spool(source, err) != 0) {
        source_close(source);
        return -1;
    }
    return 0;
}

void source_close(struct source *source)
{
    if (source->fd >= 0 && source->fd != STDIN_FILENO)
        close(source->fd);
    source->fd = -1;
}

int source_rewind(const struct source *source, struct err *err)
{
    return lseek(source->fd, 0, SEEK_SET) == 0 ? 0 : cannot(source, err);
}

int source_read_some(const struct source *source, char *data, size_t cap, size_t *got_r, struct err *err)
{
    return read_some(source->fd, data, cap, got_r) == 0 ? 0 : cannot(source, err);
}

static int read_hashed(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct source *source = ctx;

    if (source_read_some(source, data, cap, got_r, err) != 0)
        return -1;
    sha256_add(&source->hash, data, *got_r);
    return 0;
}

static int changed(const struct source *source, struct err *err)
{
    return err_set(err, ERR_INPUT_CHANGED, 0, "%s changed while it was read", source->path);
}

int source_read_all(struct source *source, const struct input_sink *sink, struct err *err)
{
    struct input_source input = { .name = source->name, .read = read_hashed, .ctx = source };
    char sha256[SHA256_HEX], rest[4096];
    size_t got = 0;

    if (source_rewind(source, err) != 0)
        return -1;
    sha256_init(&source->hash);
    if (input_read(source->format, &input, sink, err) != 0)
        return -1;
    do /* a reader may know the end before it has seen it */
        if (read_hashed(source, rest, sizeof(rest), &got, err) != 0)
            return -1;
    while (got > 0);
    sha256_end_hex(&source->hash, sha256);
    if (source->sha256[0] != '\0' && strcmp(source->sha256, sha256) != 0)
        return changed(source, err);
    memcpy(source->sha256, sha256, sizeof(sha256));
    return 0;
}

int source_check(const struct source *source, struct err *err)
{
    struct stat now;

    if (source->is_spooled)
        return 0; /* nobody else can reach it */
    if (fstat(source->fd, &now) != 0)
        return cannot(source, err);
    if (now.st_size != source->seen.st_size || now.st_mtim.tv_sec != source->seen.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != source->seen.st_mtim.tv_nsec)
        return changed(source, err);
    return 0;
}

/*
 * The sink "file:DIR". A file appears under its name complete, synced and read-only, or not at all: it is
 * written beside, synced, and linked to its name, which fails where the name is taken (link(2) never
 * overwrites).
 */
#include "evidence/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/rand.h"
#include "evidence/lines.h"

#define CHUNK_BYTES (64 * 1024)
#define KEPT_MODE   0440
#define FOLDER_MODE 0750

struct file_sink {
    struct sink sink;
    char *dir;
};

static const char *dir_of(const struct sink *sink)
{
    return ((const struct file_sink *)sink)->dir;
}

static int file_locate(struct sink *sink, const struct sink_place *place, struct buf *out, struct err *err)
{
    buf_addf(out, "%s/%s/%s/%s", dir_of(sink), place->org, place->run, place->name);
    return buf_check(out, "the path of evidence", err);
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, data, len);

        if (wrote < 0 && errno != EINTR)
            return -1;
        if (wrote > 0) {
            data += wrote;
            len -= (size_t)wrote;
        }
    }
    return 0;
}

/* Copies the file at path to fd; 0, or -1 with errno set. */
static int copy_file(int fd, const char *path, struct sha256 *sha)
{
    char chunk[CHUNK_BYTES];
    int from = open(path, O_RDONLY | O_CLOEXEC), sys = 0;
    ssize_t got;

    if (from < 0)
        return -1;
    while ((got = read(from, chunk, sizeof(chunk))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || write_all(fd, chunk, (size_t)got) != 0) {
            sys = errno;
            break;
        }
        sha256_add(sha, chunk, (size_t)got);
    }
    close(from);
    errno = sys;
    return sys == 0 ? 0 : -1;
}

static int write_content(int fd, const char *path, const struct sink_content *content, struct err *err)
{
    char hex[SHA256_HEX];
    struct sha256 sha;
    int rc;

    sha256_init(&sha);
    if (content->path != NULL) {
        rc = copy_file(fd, content->path, &sha);
    } else {
        sha256_add(&sha, content->data, content->len);
        rc = write_all(fd, content->data, content->len);
    }
    if (rc != 0 || fchmod(fd, KEPT_MODE) != 0 || fsync(fd) != 0)
        return err_set(err, ERR_SINK, errno, "cannot write %s", path);
    sha256_end_hex(&sha, hex);
    if (strcmp(hex, content->sha256) != 0)
        return err_set(err, ERR_EVIDENCE, 0, "%s: what was to be kept has changed on its way", path);
    return 0;
}

static int sync_folder(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), sys = 0;

    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        sys = errno;
    if (fd >= 0)
        close(fd);
    return sys == 0 ? 0 : err_set(err, ERR_SINK, sys, "cannot sync the folder %s", path);
}

static int check_same(const char *path, const char *sha256, struct err *err)
{
    char hex[SHA256_HEX];

    if (file_sha256(path, hex, err) != 0) {
        err->code = ERR_SINK;
        return -1;
    }
    if (strcmp(hex, sha256) != 0)
        return err_set(err, ERR_SINK_EXISTS, 0, "%s is there already, with other content", path);
    return 0;
}

/* Writes beside, then takes the name. */
static int put_new(const char *folder, const char *path, const struct sink_content *content, struct err *err)
{
    char unique[17], beside[PATH_MAX];
    int fd, rc;

    if (snprintf(beside, sizeof(beside), "%s/.%s.tmp", folder, rand_hex16(unique)) >= (int)sizeof(beside))
        return err_set(err, ERR_SINK, ENAMETOOLONG, "cannot write %s", path);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, ERR_SINK, errno, "cannot write in %s", folder);
    rc = write_content(fd, path, content, err);
    close(fd);
    if (rc == 0 && link(beside, path) != 0) {
        if (errno == EEXIST)
            rc = check_same(path, content->sha256, err);
        else
            rc = err_set(err, ERR_SINK, errno, "cannot create %s", path);
    }
    (void)unlink(beside);
    return rc == 0 ? sync_folder(folder, err) : -1;
}

static int file_put(struct sink *sink, const struct sink_place *place, const struct sink_content *content,
                    struct err *err)
{
    struct buf folder, path;
    int rc = -1;

    buf_init(&folder, PATH_MAX);
    buf_init(&path, PATH_MAX);
    buf_addf(&folder, "%s/%s/%s", dir_of(sink), place->org, place->run);
    if (buf_check(&folder, "the path of evidence", err) != 0 || file_locate(sink, place, &path, err) != 0)
        goto out;
    if (fsio_mkdirs(folder.data, FOLDER_MODE, err) != 0) {
        err->code = ERR_SINK;
        goto out;
    }
    if (access(path.data, F_OK) ==
        0) /* one that a closer before us put there: synced again, it may not have been */
        rc = check_same(path.data, content->sha256, err) == 0 ? sync_folder(folder.data, err) : -1;
    else
        rc = put_new(folder.data, path.data, content, err);
out:
    buf_release(&folder);
    buf_release(&path);
    return rc;
}

static int file_look(struct sink *sink, const struct sink_place *place, char sha256_r[SHA256_HEX],
                     struct err *err)
{
    struct buf path;
    int rc = -1;

    buf_init(&path, PATH_MAX);
    if (file_locate(sink, place, &path, err) == 0) {
        if (file_sha256(path.data, sha256_r, err) == 0)
            rc = 1;
        else if (err->code == ERR_FILE_MISSING)
            rc = 0;
        else
            err->code = ERR_SINK;
    }
    if (rc == 0)
        err_reset(err);
    buf_release(&path);
    return rc;
}

static int file_read(struct sink *sink, const struct sink_place *place, struct buf *out, struct err *err)
{
    struct buf path;
    int rc = -1;

    buf_init(&path, PATH_MAX);
    if (file_locate(sink, place, &path, err) == 0) {
        if (fsio_read(path.data, out, err) == 0)
            rc = 1;
        else if (err->code == ERR_FILE_MISSING)
            rc = 0;
        else if (err->code != ERR_LIMIT && err->code != ERR_NOMEM)
            err->code = ERR_SINK;
    }
    if (rc == 0)
        err_reset(err);
    buf_release(&path);
    return rc;
}

static void file_free(struct sink *sink)
{
    free(((struct file_sink *)sink)->dir);
    free(sink);
}

int sink_file_open(const char *dir, struct sink **sink_r, struct err *err)
{
    static const struct sink_ops ops = { file_put, file_look, file_read, file_locate, file_free };
    struct file_sink *made = calloc(1, sizeof(*made));

    if (made != NULL)
        made->dir = strdup(dir);
    if (made == NULL || made->dir == NULL) {
        free(made);
        return err_set(err, ERR_NOMEM, 0, "no memory for the sink file:%s", dir);
    }
    made->sink.ops = &ops;
    *sink_r = &made->sink;
    return 0;
}

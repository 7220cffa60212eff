#include "evidence/spool.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/str.h"
#include "domain/message.h"
#include "evidence/record.h"

#define RULE_SHOWN_MAX                                                                                       \
    4096 /* of six bytes each where all are escaped: with all else within RECORD_LINE_MAX */

bool spool_name_is_safe(const char *name)
{
    return name != NULL && run_id_is_valid(name);
}

int spool_folder(const struct spool *spool, const char *run, struct buf *out, struct err *err)
{
    if (!spool_name_is_safe(spool->org))
        return err_set(err, ERR_SETTINGS, 0,
                       "the organization's name is no folder name: use letters, digits, . _ -");
    if (!spool_name_is_safe(run))
        return err_set(err, ERR_RUN_ID, 0, "a run's name is no folder name");
    buf_addf(out, "%s/%s/%s", spool->dir, spool->org, run);
    return buf_check(out, "the path of a run's parts", err);
}

struct printed {
    size_t from, len;
    struct record_head head;
};

static int by_row(const void *a, const void *b)
{
    return record_compare(&((const struct printed *)a)->head, &((const struct printed *)b)->head);
}

static void replace_if_longer(const char **text, size_t max, const char *instead)
{
    if (*text != NULL && strnlen(*text, max + 1) > max)
        *text = instead;
}

/*
 * A line above RECORD_LINE_MAX could never be merged, and its run never be closed. No stage makes such a
 * device, but whoever may write to audit's stream may: its texts are shortened, as those of a refused device
 * are.
 */
static int print_shortened(struct buf *text, const char *run, const struct device *device, struct err *err)
{
    struct device copy = *device;
    struct pool *pool = pool_new(4 * DEVICE_SHOWN_MAX);
    int rc = -1;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a record");
    if (device_shorten(&copy, pool, err) != 0)
        goto out;
    replace_if_longer(&copy.code, DEVICE_ID_MAX, NULL);
    replace_if_longer(&copy.from_blueprint_id, DEVICE_ID_MAX, NULL);
    replace_if_longer(&copy.from_mdm_server_id, DEVICE_ID_MAX, NULL);
    replace_if_longer(&copy.assignment_id, DEVICE_ID_MAX, NULL);
    replace_if_longer(&copy.rule, RULE_SHOWN_MAX, "(too long to be recorded)");
    record_print(text, run, &copy);
    rc = 0;
out:
    pool_free(pool);
    return rc;
}

static int print_line(struct buf *text, const char *run, const struct device *device, struct err *err)
{
    size_t from = text->len;

    record_print(text, run, device);
    if (text->is_failed || text->len - from <= RECORD_LINE_MAX)
        return 0;
    buf_truncate(text, from);
    return print_shortened(text, run, device, err);
}

/* The lines are sorted, not the devices: merging compares lines, and both must agree. */
static int print_sorted(struct buf *out, const char *run, const struct device *const *devices, size_t count,
                        struct err *err)
{
    struct printed *lines = calloc(count + 1, sizeof(*lines));
    struct buf text;
    int rc = -1;

    if (lines == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory to sort %zu records", count);
    buf_init(&text, SPOOL_PART_MAX);
    for (size_t i = 0; i < count; i++) {
        lines[i].from = text.len;
        if (print_line(&text, run, devices[i], err) != 0)
            goto out;
        lines[i].len = text.len - lines[i].from;
    }
    if (buf_check(&text, "a part of the record", err) != 0)
        goto out;
    for (size_t i = 0; i < count; i++)
        if (!record_read_head(text.data + lines[i].from, lines[i].len, &lines[i].head)) {
            err_set(err, ERR_BUG, 0, "the record of row %lld cannot be read back",
                    (long long)devices[i]->row);
            goto out;
        }
    qsort(lines, count, sizeof(*lines), by_row);
    for (size_t i = 0; i < count; i++)
        buf_add(out, text.data + lines[i].from, lines[i].len);
    rc = buf_check(out, "a part of the record", err);
out:
    buf_release(&text);
    free(lines);
    return rc;
}

/* path: the run's folder. */
static int put_part(struct buf *path, const char *uid, const struct buf *text, struct err *err)
{
    size_t folder_len = path->len;
    int rc = -1;

    /* Twice: a closer that is through with an earlier manifest may remove the empty folder in between. */
    for (int turn = 0; turn < 2 && rc != 0; turn++) {
        buf_truncate(path, folder_len);
        rc = fsio_mkdirs(path->data, 0750, err);
        buf_addf(path, "/%s.jsonl", uid);
        if (buf_check(path, "the path of a part", err) != 0)
            return -1;
        if (rc == 0)
            rc = fsio_write(path->data, text->data, text->len, 0640, err);
    }
    if (rc != 0) {
        err->code = ERR_SPOOL;
        err_prefix(err, "audit.spool");
    }
    return rc;
}

int spool_write(const struct spool *spool, const char *run, const char *uid,
                const struct device *const *devices, size_t count, char sha256_r[SHA256_HEX], struct err *err)
{
    struct buf path, text;
    int rc = -1;

    buf_init(&path, PATH_MAX);
    buf_init(&text, SPOOL_PART_MAX);
    if (!spool_name_is_safe(uid)) {
        err_set(err, ERR_MSG_MALFORMED, 0, "a message's uid is no file name");
        goto out;
    }
    if (spool_folder(spool, run, &path, err) != 0 || print_sorted(&text, run, devices, count, err) != 0)
        goto out;
    if (put_part(&path, uid, &text, err) != 0)
        goto out;
    sha256_hex(text.data, text.len, sha256_r);
    rc = 0;
out:
    buf_release(&path);
    buf_release(&text);
    return rc;
}

/* Removes a folder of plain files, as mergers make them. */
static void remove_work(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    (void)rmdir(path);
}

void spool_clean(const struct spool *spool, const char *run, const struct run_part *parts, size_t count)
{
    struct err ignored = ERR_INIT;
    struct dirent *entry;
    struct buf path;
    size_t folder_len;
    DIR *dir;

    buf_init(&path, PATH_MAX);
    if (spool_folder(spool, run, &path, &ignored) != 0)
        goto out;
    folder_len = path.len;
    for (size_t i = 0; i < count; i++) {
        buf_addf(&path, "/%s", parts[i].name);
        if (spool_name_is_safe(parts[i].name) && !path.is_failed)
            (void)unlink(path.data);
        buf_truncate(&path, folder_len);
    }
    dir = opendir(path.data);
    if (dir == NULL)
        goto out;
    while ((entry = readdir(dir)) != NULL) {
        if (!str_starts(entry->d_name, ".merge-") && !str_starts(entry->d_name, ".close-"))
            continue;
        buf_addf(&path, "/%s", entry->d_name);
        if (!path.is_failed)
            remove_work(path.data);
        buf_truncate(&path, folder_len);
    }
    closedir(dir);
    (void)rmdir(path.data); /* fails where another part came meanwhile, and rightly so */
out:
    buf_release(&path);
}

static bool is_old(const char *path, int64_t min_age_ms)
{
    struct stat st;

    return lstat(path, &st) == 0 && clock_real_ms() - (int64_t)st.st_mtime * 1000 >= min_age_ms;
}

void spool_remove(const struct spool *spool, const char *run, int64_t min_age_ms)
{
    struct err ignored = ERR_INIT;
    struct dirent *entry;
    struct buf path;
    size_t folder_len;
    DIR *dir = NULL;

    buf_init(&path, PATH_MAX);
    if (spool_folder(spool, run, &path, &ignored) == 0)
        dir = opendir(path.data);
    if (dir == NULL)
        goto out;
    folder_len = path.len;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        buf_addf(&path, "/%s", entry->d_name);
        if (!path.is_failed && is_old(path.data, min_age_ms) && unlink(path.data) != 0)
            remove_work(path.data);
        buf_truncate(&path, folder_len);
    }
    closedir(dir);
    (void)rmdir(path.data);
out:
    buf_release(&path);
}

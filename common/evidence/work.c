#include "evidence/work.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/rand.h"
#include "evidence/lines.h"
#include "evidence/merge.h"

static void remove_folder(const char *path)
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

static int final_folder(const struct spool *spool, const char *run, int64_t first_number, const char *root,
                        struct buf *folder, struct err *err)
{
    if (spool_folder(spool, run, folder, err) != 0)
        return -1;
    buf_addf(folder, "/.close-%" PRId64 "-%.16s", first_number, root);
    return buf_check(folder, "the path of record files", err);
}

/* True where folder holds exactly these bytes under all names of the set. */
static bool holds(const char *folder, const struct manifest_file *files, size_t count)
{
    struct err ignored = ERR_INIT;

    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX], hex[SHA256_HEX];

        if (snprintf(path, sizeof(path), "%s/%s", folder, files[i].name) >= (int)sizeof(path) ||
            file_sha256(path, hex, &ignored) != 0 || strcmp(hex, files[i].sha256) != 0)
            return false;
    }
    return true;
}

/* Gives what was merged its final name; where an equal folder has it already (a closer before us), that one
 * stays. */
static int settle_folder(const char *merged, const char *final, const struct record_set *set, struct err *err)
{
    for (int turn = 0; turn < 2; turn++) {
        if (rename(merged, final) == 0)
            return 0;
        if (errno != EEXIST && errno != ENOTEMPTY)
            break;
        if (holds(final, set->files, set->file_count)) {
            remove_folder(merged);
            return 0;
        }
        remove_folder(final); /* a crash of the machine left it half written */
    }
    return err_set(err, ERR_SPOOL, errno, "cannot rename %s", merged);
}

int work_build(const struct spool *spool, const char *run, const struct run_part *parts, size_t count,
               int64_t first_number, struct pool *pool, struct record_set *set_r, struct buf *folder,
               struct err *err)
{
    struct buf source, work;
    char unique[17];
    int rc = -1;

    buf_init(&source, PATH_MAX);
    buf_init(&work, PATH_MAX);
    if (spool_folder(spool, run, &source, err) != 0)
        goto out;
    buf_addf(&work, "%s/.merge-%s", source.data, rand_hex16(unique));
    if (buf_check(&work, "the path of record files", err) != 0)
        goto out;
    if (fsio_mkdirs(work.data, 0750, err) != 0) {
        err->code = ERR_SPOOL;
        goto out;
    }
    struct merge_input input = {
        .folder = source.data, .parts = parts, .count = count, .work = work.data, .first_number = first_number
    };

    rc = merge_parts(&input, pool, set_r, err);
    if (rc == 0)
        rc = final_folder(spool, run, first_number, set_r->merkle_root, folder, err);
    if (rc == 0)
        rc = settle_folder(work.data, folder->data, set_r, err);
    if (rc != 0)
        remove_folder(work.data);
out:
    buf_release(&source);
    buf_release(&work);
    return rc;
}

int work_find(const struct spool *spool, const char *run, const struct manifest *manifest, struct buf *folder,
              struct err *err)
{
    int64_t first = manifest->file_count > 0 ? manifest_records_number(manifest->files[0].name) : 1;

    if (final_folder(spool, run, first, manifest->merkle_root, folder, err) != 0)
        return -1;
    if (holds(folder->data, manifest->files, manifest->file_count))
        return 1;
    buf_reset(folder);
    return 0;
}

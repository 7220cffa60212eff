#include "evidence/record_files.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

void record_files_init(struct record_files *files, const char *folder, int64_t first_number,
                       int64_t lines_max, struct pool *pool)
{
    memset(files, 0, sizeof(*files));
    files->folder = folder;
    files->next_number = first_number;
    files->lines_max = lines_max;
    files->pool = pool;
    merkle_init(&files->merkle);
}

static int grow(struct record_files *files, struct err *err)
{
    size_t room = files->room > 0 ? files->room * 2 : 16;
    struct manifest_file *bigger;

    if (files->set.file_count < files->room)
        return 0;
    if (files->set.file_count == MANIFEST_FILES_MAX)
        return err_set(err, ERR_LIMIT, 0, "more than %d record files in one manifest", MANIFEST_FILES_MAX);
    bigger = pool_array(files->pool, room, sizeof(*bigger));
    if (bigger == NULL)
        return pool_failed(files->pool, err);
    if (files->set.file_count > 0)
        memcpy(bigger, files->set.files, files->set.file_count * sizeof(*bigger));
    files->set.files = bigger;
    files->room = room;
    return 0;
}

static int begin_file(struct record_files *files, struct err *err)
{
    char name[MANIFEST_NAME_MAX], path[PATH_MAX];
    struct manifest_file *file;

    if (grow(files, err) != 0)
        return -1;
    manifest_records_name(files->next_number, name);
    if (snprintf(path, sizeof(path), "%s/%s", files->folder, name) >= (int)sizeof(path))
        return err_set(err, ERR_SPOOL, ENAMETOOLONG, "cannot write %s", name);
    file = &files->set.files[files->set.file_count];
    *file = (struct manifest_file){ .name = pool_strdup(files->pool, name) };
    if (file->name == NULL)
        return pool_failed(files->pool, err);
    files->file = fopen(path, "wxe");
    if (files->file == NULL)
        return err_set(err, ERR_SPOOL, errno, "cannot write %s", path);
    sha256_init(&files->sha);
    files->set.file_count++;
    files->next_number++;
    return 0;
}

static int end_file(struct record_files *files, struct err *err)
{
    struct manifest_file *file = &files->set.files[files->set.file_count - 1];
    char hex[SHA256_HEX];
    int rc = fclose(files->file);

    files->file = NULL;
    if (rc != 0)
        return err_set(err, ERR_SPOOL, errno, "cannot write %s/%s", files->folder, file->name);
    sha256_end_hex(&files->sha, hex);
    file->sha256 = pool_strdup(files->pool, hex);
    return file->sha256 != NULL ? 0 : pool_failed(files->pool, err);
}

int record_files_add(struct record_files *files, const struct record_head *head, const char *line, size_t len,
                     struct err *err)
{
    struct manifest_file *file;

    if (files->file == NULL && begin_file(files, err) != 0)
        return -1;
    if (fwrite(line, 1, len, files->file) != len || putc_unlocked('\n', files->file) == EOF)
        return err_set(err, ERR_SPOOL, errno, "cannot write to %s", files->folder);
    sha256_add(&files->sha, line, len);
    sha256_add(&files->sha, "\n", 1);
    merkle_add(&files->merkle, line, len);
    files->set.outputs[head->outcome]++;
    files->set.total++;
    file = &files->set.files[files->set.file_count - 1];
    file->count++;
    return file->count >= files->lines_max ? end_file(files, err) : 0;
}

int record_files_end(struct record_files *files, struct record_set *set_r, struct err *err)
{
    if (files->file != NULL && end_file(files, err) != 0)
        return -1;
    merkle_end(&files->merkle, files->set.merkle_root);
    *set_r = files->set;
    return 0;
}

void record_files_release(struct record_files *files)
{
    if (files->file != NULL)
        (void)fclose(files->file);
    files->file = NULL;
}

#include "csv_split.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/str.h"
#include "domain/csv_rows.h"

#define OUT_BYTES (256 * 1024) /* written at once */

bool csv_split_bytes(const char *text, int64_t *bytes_r)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = { { "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 }, { "B", 1 }, { "", 1 } };
    size_t len = strlen(text), digits = strspn(text, "0123456789");
    char number[24];

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        int64_t count;

        if (strcasecmp(text + digits, units[i].name) != 0 || digits >= sizeof(number) || digits > len)
            continue;
        snprintf(number, sizeof(number), "%.*s", (int)digits, text);
        if (!str_to_int(number, 1, INT64_MAX / units[i].bytes, &count))
            return false;
        *bytes_r = count * units[i].bytes;
        return true;
    }
    return false;
}

void csv_split_part_name(const struct csv_split *split, size_t i, char *name, size_t size)
{
    snprintf(name, size, "%s-%04zu.csv", split->name, i + 1);
}

/* --- the target --- */

/* The input's name without its suffix; what a file name cannot hold source.c has replaced. */
static void choose_name(struct csv_split *split, const struct source *source)
{
    size_t len = strlen(source->name);

    if (len > 4 && strcasecmp(source->name + len - 4, ".csv") == 0)
        len -= 4;
    snprintf(split->name, sizeof(split->name), "%.*s", (int)len, source->name);
}

/* "NAME-0001.csv", with however many digits. */
static bool is_part_name(const struct csv_split *split, const char *entry)
{
    size_t len = strlen(split->name), digits;

    if (strncmp(entry, split->name, len) != 0 || entry[len] != '-')
        return false;
    digits = strspn(entry + len + 1, "0123456789");
    return digits > 0 && strcasecmp(entry + len + 1 + digits, ".csv") == 0;
}

static int refuse_parts(const struct csv_split *split, struct err *err)
{
    DIR *dir = opendir(split->dir);
    struct dirent *entry;
    int rc = 0;

    if (dir == NULL)
        return err_set(err, errno == EACCES ? ERR_FILE_DENIED : ERR_IO, errno, "cannot read the folder %s",
                       split->dir);
    while (rc == 0 && (entry = readdir(dir)) != NULL)
        if (is_part_name(split, entry->d_name))
            rc =
                err_set(err, ERR_FILE_EXISTS, 0, "%s/%s is there already: it would be mixed with these parts",
                        split->dir, entry->d_name);
    closedir(dir);
    return rc;
}

static int fail_write(const struct csv_split *split, const char *what, struct err *err)
{
    return err_set(err, errno == EACCES || errno == EPERM ? ERR_FILE_DENIED : ERR_IO, errno, "%s/%s",
                   split->dir, what);
}

static int open_target(struct csv_split *split, struct err *err)
{
    char path[4096];
    struct stat seen;

    split->is_dir_made = stat(split->dir, &seen) != 0 && errno == ENOENT;
    if (split->is_dir_made && fsio_mkdirs(split->dir, 0777, err) != 0)
        return -1;
    if (refuse_parts(split, err) != 0)
        return -1;
    split->dir_fd = open(split->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (split->dir_fd < 0)
        return fail_write(split, ".", err);
    if (snprintf(path, sizeof(path), "%s/.csv-split-XXXXXX", split->dir) >= (int)sizeof(path))
        return err_set(err, ERR_USAGE, 0, "-o: the path is too long");
    if (mkdtemp(path) == NULL)
        return fail_write(split, ".", err);
    snprintf(split->hidden, sizeof(split->hidden), "%s", strrchr(path, '/') + 1);
    return 0;
}

/* A part's path from dir_fd while it is written. */
static void hidden_path(const struct csv_split *split, size_t i, char *path, size_t size)
{
    char name[180];

    csv_split_part_name(split, i, name, sizeof(name));
    snprintf(path, size, "%s/%s", split->hidden, name);
}

/* --- parts --- */

/* The disk is full, or the like: told by the name that the part was to have. */
static int fail_part(const struct csv_split *split, struct err *err)
{
    char name[180];
    int sys = errno;

    csv_split_part_name(split, split->count - 1, name, sizeof(name));
    errno = sys;
    return fail_write(split, name, err);
}

static int flush(struct csv_split *split, struct err *err)
{
    size_t done = 0;

    while (done < split->out.len) {
        ssize_t put = write(split->part_fd, split->out.data + done, split->out.len - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail_part(split, err);
        done += (size_t)put;
    }
    buf_reset(&split->out);
    return 0;
}

static int put(struct csv_split *split, const char *bytes, size_t len, struct err *err)
{
    if (split->out.len + len > OUT_BYTES && flush(split, err) != 0)
        return -1;
    buf_add(&split->out, bytes, len);
    split->parts[split->count - 1].bytes += (int64_t)len;
    return buf_check(&split->out, "the part", err);
}

static int end_part(struct csv_split *split, struct err *err)
{
    int fd = split->part_fd, rc;

    if (fd < 0)
        return 0;
    rc = flush(split, err);
    split->part_fd = -1;
    if (close(fd) != 0 && rc == 0) /* where a full disk shows on some file systems */
        rc = fail_part(split, err);
    return rc;
}

static int begin_part(struct csv_split *split, struct err *err)
{
    char path[256];

    if (end_part(split, err) != 0)
        return -1;
    if (split->count == CSV_SPLIT_PARTS_MAX)
        return err_set(err, ERR_LIMIT, 0,
                       "%s makes more than %d files of %lld rows and %lld bytes: raise --rows or --bytes",
                       split->source->name, CSV_SPLIT_PARTS_MAX, (long long)split->max_rows,
                       (long long)split->max_bytes);
    if (split->count == split->room) {
        size_t room = split->room > 0 ? 2 * split->room : 64;
        struct csv_part *parts = realloc(split->parts, room * sizeof(*parts));

        if (parts == NULL)
            return err_set(err, ERR_NOMEM, 0, "no memory");
        split->parts = parts;
        split->room = room;
    }
    hidden_path(split, split->count, path, sizeof(path));
    split->part_fd = openat(split->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (split->part_fd < 0)
        return fail_write(split, path, err);
    split->parts[split->count++] = (struct csv_part){ 0 };
    return put(split, split->header, split->header_len, err);
}

static int take_header(void *ctx, const struct csv_bytes *header, struct err *err)
{
    struct csv_split *split = ctx;

    split->header = malloc(header->len);
    if (split->header == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    memcpy(split->header, header->bytes, header->len);
    split->header_len = header->len;
    return 0;
}

static int take_row(void *ctx, const struct csv_bytes *row, struct err *err)
{
    struct csv_split *split = ctx;
    struct csv_part *part = split->count > 0 ? &split->parts[split->count - 1] : NULL;
    int64_t len = (int64_t)row->len;

    if ((int64_t)split->header_len + len > split->max_bytes)
        return err_set(err, ERR_LIMIT, 0,
                       "%s: row %lld (line %zu) has %lld bytes, with the header %lld: more than --bytes %lld",
                       split->source->name, (long long)row->row, row->line, (long long)len,
                       (long long)split->header_len + (long long)len, (long long)split->max_bytes);
    if (part == NULL || part->rows == split->max_rows || part->bytes + len > split->max_bytes) {
        if (begin_part(split, err) != 0)
            return -1;
        part = &split->parts[split->count - 1];
        part->first_row = row->row;
    }
    part->rows++;
    part->last_row = row->row;
    split->rows++;
    return put(split, row->bytes, row->len, err);
}

static int read_some(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct csv_split *split = ctx;

    if (ctl_is_stopped(split->ctl))
        return err_set(err, ERR_STOPPED, 0, "%s: stopped; nothing is left in %s", split->source->name,
                       split->dir);
    ctl_progress(split->ctl, "%lld rows in %zu files", (long long)split->rows, split->count);
    return source_read_some(split->source, data, cap, got_r, err);
}

static int write_parts(struct csv_split *split, struct err *err)
{
    struct input_source input = { .name = split->source->name, .read = read_some, .ctx = split };
    struct csv_rows_sink sink = { .header = take_header, .row = take_row, .ctx = split };
    size_t max = split->max_bytes < CSV_ROWS_MAX ? (size_t)split->max_bytes : CSV_ROWS_MAX;

    if (source_rewind(split->source, err) != 0 || csv_rows_read(&input, max, &sink, err) != 0 ||
        end_part(split, err) != 0)
        return -1;
    return source_check(split->source, err);
}

/* --- names --- */

/* Never over a file that has come there meanwhile; link(2) where the file system cannot say so in one step.
 */
static int name_part(struct csv_split *split, size_t i, struct err *err)
{
    char from[256], to[180];

    hidden_path(split, i, from, sizeof(from));
    csv_split_part_name(split, i, to, sizeof(to));
    if (renameat2(split->dir_fd, from, split->dir_fd, to, RENAME_NOREPLACE) == 0)
        return 0;
    if ((errno == EINVAL || errno == ENOSYS) && linkat(split->dir_fd, from, split->dir_fd, to, 0) == 0) {
        unlinkat(split->dir_fd, from, 0);
        return 0;
    }
    if (errno == EEXIST)
        return err_set(err, ERR_FILE_EXISTS, 0, "%s/%s is there already", split->dir, to);
    return fail_write(split, to, err);
}

static int name_parts(struct csv_split *split, struct err *err)
{
    if (syncfs(split->dir_fd) != 0) /* at once: there may be thousands of parts */
        return fail_write(split, ".", err);
    for (; split->named < split->count; split->named++)
        if (name_part(split, split->named, err) != 0)
            return -1;
    return fsync(split->dir_fd) == 0 || errno == EINVAL ? 0 : fail_write(split, ".", err);
}

/* Nothing of ours stays but what succeeded. */
static void clean(struct csv_split *split, bool is_done)
{
    char path[256];

    if (split->part_fd >= 0)
        close(split->part_fd);
    split->part_fd = -1;
    for (size_t i = 0; split->hidden[0] != '\0' && i < split->count; i++) {
        if (i >= split->named)
            hidden_path(split, i, path, sizeof(path));
        else
            csv_split_part_name(split, i, path, sizeof(path));
        if (!is_done || i >= split->named)
            unlinkat(split->dir_fd, path, 0);
    }
    if (split->hidden[0] != '\0')
        unlinkat(split->dir_fd, split->hidden, AT_REMOVEDIR);
    if (split->dir_fd >= 0)
        close(split->dir_fd);
    split->dir_fd = -1;
    if (!is_done && split->is_dir_made)
        rmdir(split->dir);
}

int csv_split(struct csv_split *split, struct source *source, struct err *err)
{
    int rc;

    split->source = source;
    split->dir_fd = split->part_fd = -1;
    buf_init(&split->out, OUT_BYTES + CSV_ROWS_MAX);
    choose_name(split, source);
    rc = open_target(split, err);
    if (rc == 0)
        rc = write_parts(split, err);
    if (rc == 0)
        rc = name_parts(split, err);
    clean(split, rc == 0);
    return rc;
}

void csv_split_release(struct csv_split *split)
{
    buf_release(&split->out);
    free(split->header);
    free(split->parts);
    split->header = NULL;
    split->parts = NULL;
}

#include "plan_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/rand.h"

#define BUFFER_BYTES 65536
#define POOL_BYTES   (1024u * 1024) /* a head: its texts, and its approvals of at most 160 KiB */
#define NEW_MODE     0666           /* less the umask */

/* --- writing --- */

/* Where the bytes go: to a hash, and in the second pass to the file, too. */
struct output {
    struct sha256 hash;
    struct fsio_draft *draft; /* NULL with fd -1: only hashed */
    int fd;                   /* where there is no draft */
    char *buffer;
    size_t len;
};

static int write_fd(int fd, const char *data, size_t len, struct err *err)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);

        if (put < 0 && errno != EINTR)
            return err_set(err, ERR_IO, errno, "stdout");
        if (put > 0) {
            data += put;
            len -= (size_t)put;
        }
    }
    return 0;
}

static int write_out(struct output *output, const char *data, size_t len, struct err *err)
{
    return output->draft != NULL ? fsio_draft_put(output->draft, data, len, err)
                                 : write_fd(output->fd, data, len, err);
}

static int flush(struct output *output, struct err *err)
{
    size_t len = output->len;

    output->len = 0;
    return write_out(output, output->buffer, len, err);
}

static int put(void *ctx, const char *data, size_t len, bool is_hashed, struct err *err)
{
    struct output *output = ctx;

    if (is_hashed)
        sha256_add(&output->hash, data, len);
    if (output->buffer == NULL)
        return 0;
    if (len > BUFFER_BYTES - output->len && flush(output, err) != 0)
        return -1;
    if (len > BUFFER_BYTES)
        return write_out(output, data, len, err);
    memcpy(output->buffer + output->len, data, len);
    output->len += len;
    return 0;
}

/* Once through all entries. plan_sha256 NULL: only for the hash. */
static int pass(struct output *output, const struct plan_head *head, const struct plan_entries *entries,
                const char *plan_sha256, char sha256_r[SHA256_HEX], struct err *err)
{
    const struct plan_sink sink = { put, output };
    struct plan_writer writer;
    int rc = 0;

    sha256_init(&output->hash);
    plan_writer_init(&writer, head, plan_sha256, &sink);
    for (int kind = 0; kind < PLAN_KINDS && rc == 0; kind++)
        rc = entries->each(entries->ctx, (enum plan_kind)kind, &writer, err);
    if (rc == 0)
        rc = plan_writer_end(&writer, err);
    if (rc == 0)
        sha256_end_hex(&output->hash, sha256_r);
    plan_writer_release(&writer);
    return rc;
}

static int write_plan(struct output *output, const struct plan_head *head, const struct plan_entries *entries,
                      const char *plan_sha256, struct err *err)
{
    char again[SHA256_HEX];
    int rc;

    output->buffer = malloc(BUFFER_BYTES);
    if (output->buffer == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory to write a plan");
    rc = pass(output, head, entries, plan_sha256, again, err);
    if (rc == 0)
        rc = flush(output, err);
    if (rc == 0 && strcmp(again, plan_sha256) != 0)
        rc = err_set(err, ERR_BUG, 0, "the plan's entries were others the second time");
    free(output->buffer);
    return rc;
}

int plan_file_print(int fd, const struct plan_head *head, const struct plan_entries *entries,
                    char sha256_r[SHA256_HEX], struct err *err)
{
    struct output output = { .fd = fd };

    if (pass(&output, head, entries, NULL, sha256_r, err) != 0)
        return -1;
    return write_plan(&output, head, entries, sha256_r, err);
}

int plan_file_write(const char *path, const struct plan_head *head, const struct plan_entries *entries,
                    char sha256_r[SHA256_HEX], struct err *err)
{
    struct fsio_draft draft;
    struct output output = { .fd = -1 };
    int rc;

    if (pass(&output, head, entries, NULL, sha256_r, err) != 0 ||
        fsio_draft_begin(&draft, path, NEW_MODE, err) != 0)
        return -1;
    output.draft = &draft;
    rc = write_plan(&output, head, entries, sha256_r, err);
    if (rc == 0)
        rc = fsio_draft_publish(&draft, err);
    fsio_draft_discard(&draft);
    return rc;
}

/* --- reading --- */

/* One reading under way. */
struct input {
    struct plan_file *file;
    const struct plan_entry_sink *sink; /* NULL: the first reading, of which the marks are kept */
    struct sha256 hash;
    size_t entries;
};

static int read_some(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct input *input = ctx;
    ssize_t got;

    do
        got = read(input->file->fd, data, cap);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set(err, ERR_IO, errno, "cannot read it");
    *got_r = (size_t)got;
    return 0;
}

static void hash_some(void *ctx, const char *data, size_t len)
{
    sha256_add(&((struct input *)ctx)->hash, data, len);
}

static void ignore_some(void *ctx, const char *data, size_t len)
{
    (void)ctx, (void)data, (void)len;
}

static int changed(const struct plan_file *file, struct err *err)
{
    return err_set(err, ERR_INPUT_CHANGED, 0, "plan %s changed while it was read", file->path);
}

/* Of all that was read up to this entry's end. Nobody can make bytes that have a certain one: the key is this
 * process's own. */
static uint64_t mark_of(const struct input *input)
{
    struct sha256 hash = input->hash;
    unsigned char bytes[SHA256_BYTES];
    uint64_t mark;

    sha256_add(&hash, input->file->key, sizeof(input->file->key));
    sha256_end(&hash, bytes);
    memcpy(&mark, bytes, sizeof(mark));
    return mark;
}

static int keep_mark(struct plan_file *file, uint64_t mark, struct err *err)
{
    size_t room = file->room > 0 ? 2 * file->room : 1024;
    uint64_t *marks;

    if (file->mark_count == file->room) {
        marks = realloc(file->marks, room * sizeof(*marks));
        if (marks == NULL)
            return err_set(err, ERR_NOMEM, 0, "no memory for a plan of more than %zu devices", file->room);
        file->marks = marks;
        file->room = room;
    }
    file->marks[file->mark_count++] = mark;
    return 0;
}

/* Entries are handed out before the rest is read, so each is held against what the first reading found: the
 * hash at the end would come too late for those that were published by then. */
static int take_entry(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    struct input *input = ctx;
    struct plan_file *file = input->file;
    uint64_t mark = mark_of(input);

    if (input->sink == NULL)
        return keep_mark(file, mark, err);
    if (input->entries >= file->mark_count || file->marks[input->entries] != mark)
        return changed(file, err);
    input->entries++;
    return input->sink->entry(input->sink->ctx, kind, entry, err);
}

/* Reads all of it, from the begin; the hash of what it says in sha256_r. As plan_read. */
static int read_plan(struct plan_file *file, const struct plan_entry_sink *sink, struct pool *pool,
                     struct plan_head *head_r, char sha256_r[SHA256_HEX], struct err *err)
{
    struct input input = { .file = file, .sink = sink };
    const struct plan_source source = { read_some, hash_some, &input };
    const struct plan_entry_sink each = { take_entry, &input };
    int rc;

    if (lseek(file->fd, 0, SEEK_SET) != 0)
        return err_set(err, ERR_IO, errno, "cannot read it");
    sha256_init(&input.hash);
    rc = plan_read(&source, &each, pool, head_r, err);
    if (rc == 0)
        sha256_end_hex(&input.hash, sha256_r);
    return rc;
}

/* Why a document was not taken: it may be no plan, or one of a newer version, whatever was found first. */
static int explain(struct plan_file *file, struct err *err)
{
    struct input input = { .file = file };
    const struct plan_source source = { read_some, ignore_some, &input };
    struct err why = ERR_INIT;
    struct plan_guess guess;

    if (lseek(file->fd, 0, SEEK_SET) != 0 || plan_guess(&source, &guess, &why) != 0)
        return -1;
    if (!guess.is_plan)
        return err_set(err, ERR_PLAN_FORMAT, 0, "it is no plan");
    if (guess.version > PLAN_VERSION)
        return err_set(err, ERR_PLAN_VERSION, 0,
                       "it was written by a newer version: its version is %lld, this abmctl knows up to %d",
                       (long long)guess.version, PLAN_VERSION);
    return -1;
}

/* What can be said by a look at the file alone, so before anything is read. */
static int check_file(const struct plan_file *file, struct err *err)
{
    const struct stat *seen = &file->seen;

    if (S_ISDIR(seen->st_mode))
        return err_set(err, ERR_PLAN_FORMAT, 0, "it is a folder");
    if (!S_ISREG(seen->st_mode))
        return err_set(err, ERR_PLAN_FORMAT, 0, "it is no file that can be read twice");
    if (seen->st_size == 0)
        return err_set(err, ERR_PLAN_FORMAT, 0, "it is empty");
    if (seen->st_size > PLAN_MAX_BYTES)
        return err_set(err, ERR_PLAN_FORMAT, 0, "it has %lld bytes, a plan at most %d",
                       (long long)seen->st_size, PLAN_MAX_BYTES);
    return 0;
}

static int check_content(struct plan_file *file, struct err *err)
{
    char sha256[SHA256_HEX];

    if (read_plan(file, NULL, file->pool, &file->head, sha256, err) != 0)
        return err->code == ERR_PLAN_ALTERED ? explain(file, err) : -1;
    if (strcmp(sha256, file->head.plan_sha256) != 0)
        return err_set(err, ERR_PLAN_ALTERED, 0, "its plan_sha256 is %s, but that of what it says is %s",
                       file->head.plan_sha256, sha256);
    return 0;
}

static int open_file(struct plan_file *file, struct err *err)
{
    /* A pipe that nobody writes to must not hold us up. */
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &file->seen) != 0) {
        enum err_code code = errno == EACCES || errno == EPERM ? ERR_FILE_DENIED : ERR_FILE_MISSING;

        return err_set(err, code, errno, "cannot read it");
    }
    if (check_file(file, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(file->key) / sizeof(file->key[0]); i++)
        file->key[i] = rand_u32();
    file->pool = pool_new(POOL_BYTES);
    return file->pool != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "no memory to read it");
}

int plan_file_open(struct plan_file *file, const char *path, struct err *err)
{
    *file = (struct plan_file){ .path = path, .fd = -1 };
    if (open_file(file, err) == 0 && check_content(file, err) == 0)
        return 0;
    plan_file_close(file);
    return err_prefix(err, "plan %s", path);
}

void plan_file_close(struct plan_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    pool_free(file->pool);
    file->pool = NULL;
    free(file->marks);
    file->marks = NULL;
    file->mark_count = file->room = 0;
}

int plan_file_each(struct plan_file *file, const struct plan_entry_sink *sink, struct err *err)
{
    struct pool *pool = pool_new(POOL_BYTES);
    char sha256[SHA256_HEX];
    struct plan_head head;
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory to read plan %s", file->path);
    rc = read_plan(file, sink, pool, &head, sha256, err);
    if (rc < 0 && err->code == ERR_PLAN_ALTERED)
        rc = changed(file, err);
    if (rc == 0 && strcmp(sha256, file->head.plan_sha256) != 0)
        rc = changed(file, err);
    pool_free(pool);
    return rc;
}

int plan_file_check(const struct plan_file *file, struct err *err)
{
    struct stat now;

    if (fstat(file->fd, &now) != 0)
        return err_set(err, ERR_IO, errno, "cannot read plan %s", file->path);
    if (now.st_size != file->seen.st_size || now.st_mtim.tv_sec != file->seen.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != file->seen.st_mtim.tv_nsec)
        return changed(file, err);
    return 0;
}

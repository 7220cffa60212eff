/* The plan's file with one more approval: its bytes as they are, but for the list. */
#include "approval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"

#define COPY_BYTES 65536

/* The bytes from..to of the plan. */
static int copy(const struct plan_file *file, off_t from, off_t to, struct fsio_draft *draft, char *buffer,
                struct err *err)
{
    while (from < to) {
        size_t wanted = to - from < COPY_BYTES ? (size_t)(to - from) : COPY_BYTES;
        ssize_t got = pread(file->fd, buffer, wanted, from);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_IO, errno, "cannot read plan %s", file->path);
        if (got == 0)
            return err_set(err, ERR_INPUT_CHANGED, 0, "plan %s changed while it was read", file->path);
        if (fsio_draft_put(draft, buffer, (size_t)got, err) != 0)
            return -1;
        from += got;
    }
    return 0;
}

/* The member with its comma: the list as it is, less its bracket, and the new one. */
static int print_list(struct buf *out, const char *list, const char *envelope, struct err *err)
{
    buf_add_str(out, "\"approvals\":[");
    if (list != NULL) {
        buf_add(out, list + 1, strlen(list) - 2);
        buf_add_char(out, ',');
    }
    buf_add_str(out, envelope);
    buf_add_str(out, "],");
    return buf_check(out, "the list of approvals", err);
}

/* A plan that was written to this place meanwhile stays: ours would be the old one with a signature. */
static int check_place(const struct plan_file *file, struct err *err)
{
    struct stat now;

    if (stat(file->path, &now) != 0 || now.st_dev != file->seen.st_dev || now.st_ino != file->seen.st_ino)
        return err_set(err, ERR_INPUT_CHANGED, 0, "plan %s was replaced while it was read", file->path);
    return plan_file_check(file, err);
}

/* Mode and owner stay: whoever shares the plan can go on reading it. */
static int keep_access(const struct plan_file *file, const struct fsio_draft *draft, struct err *err)
{
    const struct stat *seen = &file->seen;
    bool is_mine = seen->st_uid == geteuid() && seen->st_gid == getegid();

    if (!is_mine && fchown(draft->fd, seen->st_uid, seen->st_gid) != 0 && errno != EPERM)
        return err_set(err, ERR_IO, errno, "cannot give plan %s its owner", file->path);
    if (fchmod(draft->fd, seen->st_mode & 07777) != 0)
        return err_set(err, ERR_IO, errno, "cannot give plan %s its mode", file->path);
    return 0;
}

static int write_draft(const struct plan_file *file, const struct buf *list, struct fsio_draft *draft,
                       struct err *err)
{
    off_t at = (off_t)file->head.approvals_at, behind = at + (off_t)file->head.approvals_len;
    char *buffer = malloc(COPY_BYTES);
    int rc = -1;

    if (buffer == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory to copy plan %s", file->path);
    if (keep_access(file, draft, err) == 0 && copy(file, 0, at, draft, buffer, err) == 0 &&
        fsio_draft_put(draft, list->data, list->len, err) == 0 &&
        copy(file, behind, file->seen.st_size, draft, buffer, err) == 0)
        rc = check_place(file, err);
    free(buffer);
    return rc;
}

int approval_add(const struct plan_file *file, size_t count, const char *envelope, struct err *err)
{
    struct fsio_draft draft;
    struct buf list;
    int rc;

    if (count >= PLAN_APPROVALS_MAX)
        return err_set(err, ERR_PLAN_APPROVALS, 0, "plan %s has %zu approvals, and may have %d", file->path,
                       count, PLAN_APPROVALS_MAX);
    buf_init(&list, PLAN_APPROVALS_MAX * PLAN_APPROVAL_MAX + 64);
    rc = print_list(&list, file->head.approvals, envelope, err);
    if (rc == 0)
        rc = fsio_draft_begin(&draft, file->path, 0600, err);
    if (rc == 0) {
        rc = write_draft(file, &list, &draft, err);
        if (rc == 0)
            rc = fsio_draft_publish(&draft, err);
        fsio_draft_discard(&draft);
    }
    buf_release(&list);
    return rc;
}

/**
 * plan_file.h - plan documents (domain/plan.h) as files: written whole with their hash, read and checked
 * against it. Memory is bounded, however large the plan: 8 bytes of each entry are kept.
 */
#ifndef ABMCTL_PLAN_FILE_H
#define ABMCTL_PLAN_FILE_H

#include <sys/stat.h>

#include "crypto/sha256.h"
#include "domain/plan.h"

/* Where the entries of a plan come from. */
struct plan_entries {
    /**
     * Hands every entry of that kind to plan_writer_add. Called for each kind in the order add, change,
     * remove, and all that twice: it must say the same both times. -1 with err.
     */
    int (*each)(void *ctx, enum plan_kind kind, struct plan_writer *writer, struct err *err);
    void *ctx;
};

/**
 * Writes the plan to path: a temporary file beside it, fsync, rename. An existing file is replaced at once or
 * not at all.
 *
 * @param sha256_r  out: plan_sha256
 * @return 0; -1 with ERR_IO, ERR_FILE_DENIED, ERR_PLAN_FORMAT (see plan_writer), ERR_BUG (the entries were
 *         others the second time), and what `each` said
 */
int plan_file_write(const char *path, const struct plan_head *head, const struct plan_entries *entries,
                    char sha256_r[SHA256_HEX], struct err *err);
/** The same to an open file (stdout), which nothing can take back: it is written only in the second pass. */
int plan_file_print(int fd, const struct plan_head *head, const struct plan_entries *entries,
                    char sha256_r[SHA256_HEX], struct err *err);

/* A plan that was read and checked once. */
struct plan_file {
    const char *path; /* as given, borrowed */
    int fd;
    struct stat seen; /* of the file when it was opened */
    struct pool *pool;
    struct plan_head head;

    /* plan_file.c's own: what each entry was when the whole was checked. */
    uint32_t key[4];
    uint64_t *marks;
    size_t mark_count, room;
};

/**
 * Opens a plan and checks all of it that needs neither settings nor a server: its size first, then every
 * byte, the order and values of its entries, and its hash. Signatures of approvals are approval.h's.
 *
 * @return 0 and *file filled, closed by plan_file_close; -1 with ERR_FILE_MISSING, ERR_FILE_DENIED, ERR_IO,
 *         ERR_PLAN_FORMAT (no plan at all: a folder, a pipe, empty, too large, something else),
 * ERR_PLAN_VERSION, ERR_PLAN_ALTERED (also truncated and reformatted ones)
 */
int plan_file_open(struct plan_file *file, const char *path, struct err *err);
/** May be called twice, and after a failed open. */
void plan_file_close(struct plan_file *file);

/**
 * Reads it again from the begin and hands out the entries, in order; each only where it, and all before it,
 * is what plan_file_open has checked, whatever was done to the file since. sink.entry may return 1 to end it
 * early.
 *
 * @return 0; 1 where the sink ended it; -1 with ERR_INPUT_CHANGED (other bytes than at the open; those handed
 *         out by then are the plan's), and what the sink said
 */
int plan_file_each(struct plan_file *file, const struct plan_entry_sink *sink, struct err *err);

/** Whether the file is still the one that was opened, by size and time. ERR_INPUT_CHANGED. */
int plan_file_check(const struct plan_file *file, struct err *err);

#endif

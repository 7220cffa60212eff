/**
 * fsio.h - files written whole and synced, read with a limit. Paths in messages are escaped.
 */
#ifndef BASE_FSIO_H
#define BASE_FSIO_H

#include <stdbool.h>

#include "base/buf.h"

/** Appends the file's bytes to out (whose limit holds). A pipe is read to its end; one that nobody writes to
 * is empty. ERR_FILE_MISSING, ERR_FILE_DENIED, ERR_LIMIT, ERR_IO. */
int fsio_read(const char *path, struct buf *out, struct err *err);

/**
 * Writes path whole: a temporary file beside it, fsync, rename, fsync of the folder. mode as for open(2).
 * An existing file is replaced at once or not at all. ERR_IO (the text names a full disk), ERR_FILE_DENIED.
 */
int fsio_write(const char *path, const void *data, size_t len, unsigned mode, struct err *err);

/**
 * The same, but never over an existing file (link(2) decides, so two writers cannot both win).
 * @return 0 written; 1 where it already exists (nothing is changed); -1 with err.
 */
int fsio_write_new(const char *path, const void *data, size_t len, unsigned mode, struct err *err);

/* A file that is written piece by piece, as fsio_write writes it whole: beside its place until it is done. */
struct fsio_draft {
    const char *path; /* borrowed */
    char *name;       /* of the temporary file; NULL: there is none */
    int fd;
};

/** As fsio_write; also ERR_USAGE where path is there and no file (a device, a link, a folder). */
int fsio_draft_begin(struct fsio_draft *draft, const char *path, unsigned mode, struct err *err);
int fsio_draft_put(struct fsio_draft *draft, const void *data, size_t len, struct err *err);
/** fsync, rename, fsync of the folder; the draft is gone, whatever comes of it. */
int fsio_draft_publish(struct fsio_draft *draft, struct err *err);
/** Removes the temporary file. Does nothing after fsio_draft_publish or a failed begin. */
void fsio_draft_discard(struct fsio_draft *draft);

/** mkdir -p; each created folder is synced into its parent. Existing ones are left as they are. */
int fsio_mkdirs(const char *path, unsigned mode, struct err *err);

/** The path relative to the folder of file `anchor`, unless path is absolute; malloc'd, NULL without memory.
 */
char *fsio_resolve(const char *anchor, const char *path);

#endif

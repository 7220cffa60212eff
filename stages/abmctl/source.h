/**
 * source.h - a device file as push reads it: twice, from the begin, and unchanged in between. What cannot be
 * read twice (a pipe) is copied to a temporary file without a name first.
 */
#ifndef ABMCTL_SOURCE_H
#define ABMCTL_SOURCE_H

#include <sys/stat.h>

#include "crypto/sha256.h"
#include "domain/input.h"

#define SOURCE_NAME_BYTES 129

struct source {
    const char *path;             /* as given; "-": stdin */
    char name[SOURCE_NAME_BYTES]; /* the last part of the path, at most 128 bytes of UTF-8 without control
                                     characters */
    enum input_format format;
    int fd;
    bool is_spooled;
    struct stat seen; /* of the file when it was opened */
    struct sha256 hash;
    char sha256[SHA256_HEX]; /* of all its bytes, after the first source_read_all */
};

/** The last part of a path ("-": "stdin") as `name` has it. */
void source_name(const char *path, char name[SOURCE_NAME_BYTES]);

/**
 * @param format  "csv", "yaml" or "jsonl"; NULL: by the name's suffix, and CSV for "-"
 * @return 0; -1 with ERR_FILE_MISSING (a folder and a device too), ERR_FILE_DENIED, ERR_INPUT_FORMAT,
 * ERR_USAGE (no such format), ERR_IO
 */
int source_open(struct source *source, const char *path, const char *format, struct err *err);
void source_close(struct source *source);

/**
 * Reads it whole, from the begin. The first time its hash is kept; after that other bytes are
 * ERR_INPUT_CHANGED (rows have been handed out by then: see source_check).
 */
int source_read_all(struct source *source, const struct input_sink *sink, struct err *err);

/** For who reads it as bytes, and once: back to its begin, then up to cap bytes at a time; *got_r 0: the end.
 */
int source_rewind(const struct source *source, struct err *err);
int source_read_some(const struct source *source, char *data, size_t cap, size_t *got_r, struct err *err);

/** Whether the file is still the one that was opened, by size and time. ERR_INPUT_CHANGED. */
int source_check(const struct source *source, struct err *err);

#endif

#include "evidence/ship.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* 1: the sink holds exactly these bytes; 0: nothing of that name; -1: other bytes, or err. */
static int look(struct sink *sink, const struct sink_place *place, const char *sha256, struct err *err)
{
    char hex[SHA256_HEX];
    int rc = sink_look(sink, place, hex, err);

    if (rc <= 0 || strcmp(hex, sha256) == 0)
        return rc;
    return err_set(err, ERR_SINK_EXISTS, 0, "%s of run %s is in the sink already, with other content",
                   place->name, place->run);
}

static int put(struct sink *sink, const struct sink_place *place, const struct sink_content *content,
               struct err *err)
{
    int rc;

    if (sink_put(sink, place, content, err) != 0)
        return -1;
    rc = look(sink, place, content->sha256, err);
    if (rc == 0)
        return err_set(err, ERR_SINK, 0, "%s of run %s was kept, but is not there", place->name, place->run);
    return rc < 0 ? -1 : 0;
}

static int check_files(const struct closing *closing, const char *run, const struct manifest_file *files,
                       size_t count, bool *is_all_there_r, struct err *err)
{
    *is_all_there_r = true;
    for (size_t i = 0; i < closing->sink_count; i++) {
        for (size_t at = 0; at < count; at++) {
            struct sink_place place = { closing->spool.org, run, files[at].name };
            int rc = look(closing->sinks[i], &place, files[at].sha256, err);

            if (rc < 0)
                return -1;
            if (rc == 0)
                *is_all_there_r = false;
        }
    }
    return 0;
}

int ship_precheck(const struct closing *closing, const char *run, const struct manifest_file *files,
                  size_t count, struct err *err)
{
    bool is_all_there;

    return check_files(closing, run, files, count, &is_all_there, err);
}

int ship_needs_records(const struct closing *closing, const struct shipment *shipment, struct err *err)
{
    bool is_all_there;

    if (check_files(closing, shipment->run, shipment->manifest->files, shipment->manifest->file_count,
                    &is_all_there, err) != 0)
        return -1;
    return is_all_there ? 0 : 1;
}

static int put_file(const struct closing *closing, struct sink *sink, const struct shipment *shipment,
                    const struct manifest_file *file, const char *folder, struct err *err)
{
    struct sink_place place = { closing->spool.org, shipment->run, file->name };
    struct sink_content content = { .sha256 = file->sha256 };
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", folder, file->name) >= (int)sizeof(path))
        return err_set(err, ERR_SPOOL, 0, "the path of %s is too long", file->name);
    content.path = path;
    return put(sink, &place, &content, err);
}

int ship_all(const struct closing *closing, const struct shipment *shipment, const char *folder,
             struct err *err)
{
    const struct manifest *manifest = shipment->manifest;
    char sha256[SHA256_HEX];

    sha256_hex(shipment->envelope->data, shipment->envelope->len, sha256);
    for (size_t i = 0; i < closing->sink_count; i++) {
        struct sink_place place = { closing->spool.org, shipment->run, shipment->name };
        struct sink_content content = { .data = shipment->envelope->data,
                                        .len = shipment->envelope->len,
                                        .sha256 = sha256 };

        for (size_t at = 0; folder != NULL && at < manifest->file_count; at++)
            if (put_file(closing, closing->sinks[i], shipment, &manifest->files[at], folder, err) != 0)
                return -1;
        if (put(closing->sinks[i], &place, &content, err) != 0)
            return -1;
    }
    return 0;
}

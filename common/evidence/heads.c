#include "evidence/heads.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "evidence/lines.h"
#include "evidence/manifest.h"

/* The number of records in the file at path; -1 err. */
static int64_t read_heads(const char *path, heads_see_fn *see, void *user, struct err *err)
{
    struct lines lines;
    const char *line;
    size_t len;
    int rc;

    if (lines_open(&lines, path, err) != 0)
        return -1;
    while ((rc = lines_next(&lines, &line, &len, err)) == 1) {
        struct record_head head;

        if (!record_read_head(line, len, &head)) {
            rc = err_set(err, ERR_EVIDENCE, 0, "line %" PRId64 " is no record", lines.count);
            break;
        }
        see(user, &head);
    }
    lines_close(&lines);
    return rc == 0 ? lines.count : -1;
}

int heads_of_parts(const struct spool *spool, const char *run, const struct run_part *parts, size_t count,
                   heads_see_fn *see, void *user, struct err *err)
{
    struct buf path;
    size_t folder_len;
    int rc = -1;

    buf_init(&path, PATH_MAX);
    if (spool_folder(spool, run, &path, err) != 0)
        goto out;
    folder_len = path.len;
    for (size_t i = 0; i < count; i++) {
        int64_t found;

        if (!spool_name_is_safe(parts[i].name)) {
            err_set(err, ERR_PARTS, 0, "the run book lists a part whose name is no file name");
            goto out;
        }
        buf_addf(&path, "/%s", parts[i].name);
        if (buf_check(&path, "the path of a part", err) != 0)
            goto out;
        found = read_heads(path.data, see, user, err);
        if (found < 0) {
            err->code = ERR_PARTS;
            goto out;
        }
        if (found != parts[i].count) {
            err_set(err, ERR_PARTS, 0, "%s has %" PRId64 " records, the run book lists %" PRId64, path.data,
                    found, parts[i].count);
            goto out;
        }
        buf_truncate(&path, folder_len);
    }
    rc = 0;
out:
    buf_release(&path);
    return rc;
}

int heads_of_records(const char *folder, int64_t files, heads_see_fn *see, void *user, struct err *err)
{
    for (int64_t number = 1; number <= files; number++) {
        char path[PATH_MAX], name[MANIFEST_NAME_MAX];

        manifest_records_name(number, name);
        if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
            return err_set(err, ERR_EVIDENCE, 0, "the path of the record files is too long");
        if (read_heads(path, see, user, err) < 0)
            return err_prefix(err, "%s", path);
    }
    return 0;
}

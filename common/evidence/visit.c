#include "evidence/visit.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "evidence/lines.h"

static int read_lines(struct lines *lines, struct visit_record *record, const struct visitor *visitor,
                      struct err *err)
{
    int rc;

    while ((rc = lines_next(lines, &record->line, &record->len, err)) > 0) {
        if (!record_read_head(record->line, record->len, &record->head))
            return err_set(err, ERR_EVIDENCE, 0, "line %" PRId64 " is no record", lines->count);
        if (visitor->record(visitor->ctx, record, err) != 0)
            return -1;
    }
    return rc;
}

/* Whoever put something else in a record file's place has touched the evidence; a disk that fails has not. */
static int refuse_file(struct err *err)
{
    if (err->code == ERR_FILE_MISSING)
        return err_set(err, ERR_EVIDENCE, 0, "the manifest names it, but it is missing");
    if (err->code == ERR_IO && err->sys == 0)
        return err_set(err, ERR_EVIDENCE, 0, "the manifest names it, but it is no regular file");
    return -1;
}

static int read_file(const char *path, const struct manifest_file *file, struct visit_record *record,
                     const struct visitor *visitor, struct err *err)
{
    char hex[SHA256_HEX];
    struct lines lines;
    int rc;

    if (lines_open(&lines, path, err) != 0)
        return refuse_file(err);
    rc = read_lines(&lines, record, visitor, err);
    if (rc == 0) {
        lines_sha256(&lines, hex);
        if (strcmp(hex, file->sha256) != 0)
            rc = err_set(err, ERR_EVIDENCE, 0, "its SHA-256 is %s, the manifest says %s", hex, file->sha256);
        else if (lines.count != file->count)
            rc = err_set(err, ERR_EVIDENCE, 0, "it has %" PRId64 " records, the manifest says %" PRId64,
                         lines.count, file->count);
    }
    lines_close(&lines);
    return rc;
}

int visit_manifest(const struct tree_manifest *manifest, const struct visitor *visitor, struct err *err)
{
    struct visit_record record = { .manifest = manifest };

    for (size_t i = 0; i < manifest->manifest.file_count; i++) {
        const struct manifest_file *file = &manifest->manifest.files[i];
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/%s", manifest->folder, file->name) >= (int)sizeof(path))
            return err_set(err, ERR_IO, 0, "%s: its path is too long", file->name);
        if (read_file(path, file, &record, visitor, err) != 0)
            return err_prefix(err, "%s", path);
    }
    return 0;
}

struct visiting {
    const char *org, *run;
    const struct visitor *visitor;
    int64_t manifests;
};

static int visit_one(void *ctx, const struct tree_manifest *found, struct err *err)
{
    struct visiting *visiting = ctx;

    if ((visiting->org != NULL && strcmp(visiting->org, found->manifest.org) != 0) ||
        (visiting->run != NULL && strcmp(visiting->run, found->manifest.run) != 0))
        return 0;
    visiting->manifests++;
    return visit_manifest(found, visiting->visitor, err);
}

int visit_evidence(const char *path, const struct verifier *verifier, const char *org, const char *run,
                   const struct visitor *visitor, int64_t *manifests_r, struct err *err)
{
    struct visiting visiting = { .org = org, .run = run, .visitor = visitor };
    struct tree_visitor tree_visitor = { visit_one, &visiting };
    bool is_tree;
    size_t count;
    int rc = tree_walk(path, verifier, &tree_visitor, &is_tree, &count, err);

    *manifests_r = visiting.manifests;
    return rc;
}

#include "evidence/find.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "evidence/lines.h"

struct finding {
    const struct buf *begin; /* how the record of the serial begins */
    struct pool *pool;
    struct find_hits *hits;
};

static int add_hit(struct finding *finding, const struct tree_manifest *found, int64_t index,
                   const char *line, size_t len, struct err *err)
{
    struct find_hits *hits = finding->hits;
    struct pool *pool = finding->pool;
    struct find_hit *hit;

    if (hits->count == hits->room) {
        size_t room = hits->room > 0 ? hits->room * 2 : 8;
        struct find_hit *bigger = pool_array(pool, room, sizeof(*bigger));

        if (bigger == NULL)
            return pool_failed(pool, err);
        if (hits->count > 0)
            memcpy(bigger, hits->at, hits->count * sizeof(*bigger));
        hits->at = bigger;
        hits->room = room;
    }
    hit = &hits->at[hits->count++];
    *hit = (struct find_hit){
        .org = pool_strdup(pool, found->manifest.org),
        .run = pool_strdup(pool, found->manifest.run),
        .folder = pool_strdup(pool, found->folder),
        .manifest = pool_strdup(pool, found->name),
        .sequence = found->manifest.sequence,
        .timestamp_ms = found->manifest.timestamp_ms,
        .index = index,
        .line = pool_strndup(pool, line, len),
        .len = len,
        .plan_sha256 = pool_strdup(pool, found->manifest.plan_sha256),
        .plan_approvers = pool_strdup(pool, found->manifest.plan_approvers),
    };
    if ((hit->plan_sha256 == NULL && found->manifest.plan_sha256 != NULL) ||
        (hit->plan_approvers == NULL && found->manifest.plan_approvers != NULL))
        return pool_failed(pool, err);
    if (hit->org == NULL || hit->run == NULL || hit->folder == NULL || hit->manifest == NULL ||
        hit->line == NULL)
        return pool_failed(pool, err);
    return 0;
}

static int open_records(struct lines *lines, const char *folder, const char *name, struct err *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return err_set(err, ERR_IO, 0, "%s: its path is too long", name);
    return lines_open(lines, path, err);
}

static int search_manifest(void *ctx, const struct tree_manifest *found, struct err *err)
{
    struct finding *finding = ctx;
    int64_t index = 0;
    int rc = 0;

    for (size_t i = 0; i < found->manifest.file_count && rc == 0; i++) {
        struct lines lines;
        const char *line;
        size_t len;

        if (open_records(&lines, found->folder, found->manifest.files[i].name, err) != 0)
            return -1;
        while ((rc = lines_next(&lines, &line, &len, err)) > 0) {
            if (len > finding->begin->len && memcmp(line, finding->begin->data, finding->begin->len) == 0 &&
                add_hit(finding, found, index, line, len, err) != 0) {
                rc = -1;
                break;
            }
            index++;
        }
        lines_close(&lines);
    }
    return rc;
}

static int by_sequence(const void *left, const void *right)
{
    const struct find_hit *a = left, *b = right;
    int order = strcmp(a->org, b->org);

    if (order == 0)
        order = (a->sequence > b->sequence) - (a->sequence < b->sequence);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

int evidence_find(const char *path, const char *serial, const struct verifier *verifier, struct pool *pool,
                  struct find_hits *hits_r, struct err *err)
{
    struct buf begin;
    struct finding finding = { .begin = &begin, .pool = pool, .hits = hits_r };
    struct tree_visitor visitor = { search_manifest, &finding };
    bool is_tree;
    size_t count;
    int rc;

    memset(hits_r, 0, sizeof(*hits_r));
    buf_init(&begin, 64 * 1024);
    buf_add_str(&begin, "{\"serial\":");
    json_quote(&begin, serial, strlen(serial));
    buf_add_char(&begin, ',');
    rc = buf_check(&begin, "the serial", err);
    if (rc == 0)
        rc = tree_walk(path, verifier, &visitor, &is_tree, &count, err);
    if (rc == 0 && hits_r->count > 0)
        qsort(hits_r->at, hits_r->count, sizeof(*hits_r->at), by_sequence);
    buf_release(&begin);
    return rc;
}

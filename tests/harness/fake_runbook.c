#include "harness/fake_runbook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake_run *find(struct fake_runbook *fake, const char *id)
{
    for (size_t i = 0; i < fake->count; i++)
        if (strcmp(fake->runs[i].view.id, id) == 0)
            return &fake->runs[i];
    return NULL;
}

static int view(void *ctx, const char *id, struct pool *pool, struct run_view *view_r, struct err *err)
{
    struct fake_run *run = find(ctx, id);

    (void)pool;
    (void)err;
    if (run == NULL)
        return 0;
    *view_r = run->view;
    return 1;
}

static int parts(void *ctx, const char *id, struct pool *pool, struct run_part **parts_r, size_t *count_r,
                 struct err *err)
{
    struct fake_run *run = find(ctx, id);
    struct run_part *list = pool_array(pool, run != NULL ? run->part_count : 0, sizeof(*list));

    if (list == NULL)
        return pool_failed(pool, err);
    *parts_r = list;
    *count_r = run != NULL ? run->part_count : 0;
    for (size_t i = 0; i < *count_r; i++)
        list[i] = (struct run_part){ pool_strdup(pool, run->parts[i].name),
                                     pool_strdup(pool, run->parts[i].sha256), run->parts[i].count };
    return 0;
}

static int mapping(void *ctx, const char *sha256, struct pool *pool, const char **text_r, size_t *len_r,
                   struct err *err)
{
    const struct fake_runbook *fake = ctx;

    (void)pool;
    (void)err;
    if (fake->mapping_sha256 == NULL || strcmp(fake->mapping_sha256, sha256) != 0)
        return 0;
    *text_r = fake->mapping;
    *len_r = strlen(fake->mapping);
    return 1;
}

void fake_runbook_init(struct fake_runbook *fake)
{
    static const struct runbook_ops ops = { view, parts, mapping };

    memset(fake, 0, sizeof(*fake));
    fake->runbook.ops = &ops;
    fake->runbook.ctx = fake;
}

void fake_runbook_release(struct fake_runbook *fake)
{
    for (size_t i = 0; i < fake->count; i++)
        free(fake->runs[i].parts);
}

struct fake_run *fake_runbook_add(struct fake_runbook *fake, const char *id)
{
    struct fake_run *run;

    if (fake->count == FAKE_RUNBOOK_RUNS)
        abort();
    run = &fake->runs[fake->count++];
    run->view = (struct run_view){
        .id = id, .state = "closing", .mode = "apply", .batches = 1, .come = 1, .created_ms = 1
    };
    run->parts = calloc(FAKE_RUNBOOK_PARTS, sizeof(*run->parts));
    if (run->parts == NULL)
        abort();
    return run;
}

void fake_run_list_part(struct fake_run *run, const char *uid, const char *sha256, int64_t count)
{
    struct fake_part *part;

    if (run->part_count == FAKE_RUNBOOK_PARTS)
        abort();
    part = &run->parts[run->part_count++];
    snprintf(part->name, sizeof(part->name), "%s.jsonl", uid);
    snprintf(part->sha256, sizeof(part->sha256), "%s", sha256);
    part->count = count;
    run->view.ended += count;
    run->view.expected += count;
}

void fake_run_close(struct fake_run *run, const char *manifest_path, const char *payload_sha256,
                    int64_t records_files)
{
    snprintf(run->manifest_path, sizeof(run->manifest_path), "%s", manifest_path);
    snprintf(run->payload_sha256, sizeof(run->payload_sha256), "%s", payload_sha256);
    run->view.state = "closed";
    run->view.manifest++;
    run->view.records_files = records_files;
    run->view.manifest_path = run->manifest_path;
    run->view.previous_payload_sha256 = run->payload_sha256;
    run->part_count = 0;
}

#include "plan_feed.h"

#include <string.h>

/* The server that was seen: where the plan changes it, the one before; else the one wanted is there. A device
 * to be removed had none where the plan names none. */
static void expect_server(enum plan_kind kind, const struct plan_entry *entry, bool is_revert,
                          struct device *device)
{
    device->expect_mdm_server_id = entry->has_servers ? entry->from_mdm_server_id : entry->mdm_server_id;
    device->expects_no_server =
        device->expect_mdm_server_id == NULL && (entry->has_servers || (kind == PLAN_REMOVE && !is_revert));
}

void plan_feed_device(enum plan_kind kind, const struct plan_entry *entry, bool is_revert,
                      struct device *device_r)
{
    bool is_remove = kind == PLAN_REMOVE;

    *device_r = (struct device){
        .row = entry->row,
        .serial = entry->serial,
        .country = entry->country,
        .model = entry->model,
        .order_number = entry->order_number,
        .asset_tag = entry->asset_tag,
        .action = is_remove ? ACTION_REMOVE : ACTION_ASSIGN,
        .blueprint_id = is_remove ? NULL : entry->to_blueprint_id,
        .mdm_server_id = is_remove ? NULL : entry->mdm_server_id,
        .expect = EXPECT_UNASSIGNED,
    };
    if (entry->from_blueprint_id == NULL)
        return;
    device_r->expect = EXPECT_STATE;
    device_r->expect_blueprint_id = entry->from_blueprint_id;
    expect_server(kind, entry, is_revert, device_r);
}

struct feeding {
    struct batcher *batcher;
    bool is_revert;
};

static int add(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    const struct feeding *feeding = ctx;
    struct device device;

    plan_feed_device(kind, entry, feeding->is_revert, &device);
    return batcher_device(feeding->batcher, &device, err);
}

static int pass(void *ctx, struct batcher *batcher, struct err *err)
{
    struct plan_feed *plan = ctx;
    struct feeding feeding = { batcher, plan->file->head.reverts != NULL };
    const struct plan_entry_sink sink = { .entry = add, .ctx = &feeding };

    return plan_file_each(plan->file, &sink, err) != 0 ? -1 : batcher_end(batcher, err);
}

static int check(const void *ctx, struct err *err)
{
    return plan_file_check(((const struct plan_feed *)ctx)->file, err);
}

/* A run of the plan has only what is to change: its brake is to know the rest too. Where the plan was made
 * with the brake it says how many assignments it counted. */
static int64_t unchanged_of(const struct plan_head *head)
{
    if (head->brake.max_changes != NULL)
        return head->brake.existing > head->brake.changes ? head->brake.existing - head->brake.changes : 0;
    return head->unchanged + head->kept;
}

struct feed plan_feed_open(struct plan_feed *plan, struct plan_file *file, const char *approvers)
{
    static const struct feed_ops ops = { .pass = pass, .check = check };

    plan->file = file;
    source_name(file->path, plan->name);
    return (struct feed){
        .ops = &ops,
        .ctx = plan,
        .path = file->path,
        .name = plan->name,
        .sha256 = file->head.plan_sha256,
        .mapping_sha256 = file->head.mapping_sha256,
        .git_commit = file->head.git_commit,
        .plan_sha256 = file->head.plan_sha256,
        .plan_unchanged = unchanged_of(&file->head),
        .approvers = approvers,
    };
}

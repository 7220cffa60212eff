#include "assign.h"

#include "../api_call.h"
#include "base/clock.h"
#include "base/str.h"
#include "change.h"
#include "weigh.h"

/* What the read shows to be in effect, or on its way there. FAILED never took effect: nothing is assigned. */
struct seen {
    const char *blueprint_id;
    const char *mdm_server_id;
    bool is_in_effect;
    bool is_there; /* ABM holds an assignment in any state */
};

static struct seen seen_of(const struct abm_item *item)
{
    struct seen seen = { .is_there = item->kind == ABM_OK };

    if (seen.is_there && item->state != ABM_STATE_FAILED) {
        seen.blueprint_id = item->blueprint_id;
        seen.mdm_server_id = item->mdm_server_id;
        seen.is_in_effect = item->state == ABM_STATE_PROPAGATED;
    }
    return seen;
}

static bool is_wanted(const struct device *device, const struct seen *seen)
{
    if (device->action == ACTION_REMOVE)
        return !seen->is_there;
    return seen->blueprint_id != NULL && str_eq(seen->blueprint_id, device->blueprint_id) &&
           (device->mdm_server_id == NULL || str_eq(seen->mdm_server_id, device->mdm_server_id));
}

/* Judged against the note where there is one: what is there now may be our own doing. */
static bool is_expected(const struct device *device, const struct seen *seen)
{
    const char *blueprint_id = device->is_noted ? device->from_blueprint_id : seen->blueprint_id;
    const char *mdm_server_id = device->is_noted ? device->from_mdm_server_id : seen->mdm_server_id;

    switch (device->expect) {
    case EXPECT_ANY: return true;
    case EXPECT_UNASSIGNED: return blueprint_id == NULL;
    case EXPECT_STATE:
        if (!str_eq(blueprint_id, device->expect_blueprint_id))
            return false;
        if (device->expects_no_server)
            return mdm_server_id == NULL;
        return device->expect_mdm_server_id == NULL || str_eq(mdm_server_id, device->expect_mdm_server_id);
    }
    return false;
}

static const char *state_text(struct pool *pool, const char *blueprint_id, const char *mdm_server_id)
{
    if (blueprint_id == NULL)
        return "no assignment";
    if (mdm_server_id == NULL)
        return blueprint_id;
    return pool_printf(pool, "%s on %s", blueprint_id, mdm_server_id);
}

static int refuse_state(struct job *job, const struct seen *seen, struct pool *pool, struct err *err)
{
    const struct device *device = job->device;
    const char *found = device->is_noted
                            ? state_text(pool, device->from_blueprint_id, device->from_mdm_server_id)
                            : state_text(pool, seen->blueprint_id, seen->mdm_server_id);
    const char *expected = state_text(pool, device->expect_blueprint_id,
                                      device->expects_no_server ? "no server" : device->expect_mdm_server_id);
    const char *text;

    if (found == NULL || expected == NULL)
        return pool_failed(pool, err);
    text = pool_printf(pool, "found %s, the plan expected %s", found, expected);
    if (text == NULL)
        return pool_failed(pool, err);
    job_finish(job, OUTCOME_CONFLICT, ERR_STATE_DIFFERS, text);
    return 0;
}

/* Whether this run changes an assignment that was there before it: a note tells what was. */
static bool is_existing(const struct device *device, const struct seen *seen)
{
    return (device->is_noted ? device->from_blueprint_id : seen->blueprint_id) != NULL;
}

static int keep_existing(struct job *job, const struct seen *seen, struct pool *pool, struct err *err)
{
    const char *found = state_text(pool, seen->blueprint_id, seen->mdm_server_id);
    const char *text = found != NULL ? pool_printf(pool, "has %s; --only-new leaves it", found) : NULL;

    if (text == NULL)
        return pool_failed(pool, err);
    job_finish(job, OUTCOME_UNCHANGED, ERR_KEPT_EXISTING, text);
    return 0;
}

static void found_done(struct job *job, const struct seen *seen)
{
    const struct device *device = job->device;
    bool is_remove = device->action == ACTION_REMOVE;

    if (!is_remove && !seen->is_in_effect)
        job_pass(job);
    else if (!device->is_noted)
        job_finish(job, OUTCOME_UNCHANGED, ERR_NONE, NULL);
    else if (device->is_maybe_sent)
        job_pass(job);
    else
        job_finish(job, is_remove ? OUTCOME_REMOVED : OUTCOME_ASSIGNED, ERR_NONE, NULL);
}

/* Judges what was read. *change_r: what is left to do; CHANGE_NONE where the job has its verdict. weighing_r:
 * job is NULL where nothing was read. */
static int judge(struct job *job, const struct abm_item *item, struct pool *pool, enum change *change_r,
                 struct weighing *weighing_r, struct err *err)
{
    struct device *device = job->device;
    struct seen seen = seen_of(item);

    *change_r = CHANGE_NONE;
    *weighing_r = (struct weighing){ .job = NULL };
    if (api_call_verdict(job, item))
        return 0;
    *weighing_r = (struct weighing){ .job = job, .is_existing = is_existing(device, &seen) };
    if (is_wanted(device, &seen)) {
        device->assignment_id = item->assignment_id;
        found_done(job, &seen);
        return 0;
    }
    if (!is_expected(device, &seen))
        return refuse_state(job, &seen, pool, err);
    if (device->is_only_new && weighing_r->is_existing)
        return keep_existing(job, &seen, pool, err);
    device->assignment_id = NULL;
    weighing_r->is_change = true;
    *change_r = device->action == ACTION_REMOVE ? CHANGE_REMOVE : CHANGE_SET;
    if (!device->is_noted) {
        device->from_blueprint_id = seen.blueprint_id;
        device->from_mdm_server_id = seen.mdm_server_id;
    }
    return 0;
}

/* Tasks that the brake has not held. */
static int weigh_tasks(struct assign *assign, struct batch *batch, const struct weighing *list, size_t read,
                       struct change_task *tasks, size_t *count, struct err *err)
{
    size_t kept = 0;
    int rc = weigh_read(&assign->brake, batch, list, read, err);

    for (size_t i = 0; i < *count; i++) {
        if (rc == 0 && tasks[i].job->verdict == VERDICT_NONE)
            tasks[kept++] = tasks[i];
        else
            change_forget(&tasks[i]);
    }
    *count = kept;
    return rc;
}

/* Which jobs to read. A letter that was replayed from before the import goes there first. */
static int pick_jobs(struct assign *assign, struct batch *batch, struct api_call *call, struct err *err)
{
    if (api_call_init(call, batch->count, batch->pool, err) != 0 ||
        weigh_held(&assign->brake, batch, err) != 0)
        return -1;
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = &batch->jobs[i];

        if (job->is_redelivered && job->device->is_noted)
            job->device->is_maybe_sent = true;
        if (job->verdict != VERDICT_NONE)
            continue;
        if (job->device->device_id == NULL)
            job_send(job, "import");
        else
            api_call_add(call, job);
    }
    return 0;
}

int assign_batch(struct assign *assign, struct batch *batch, struct err *err)
{
    struct change_task *tasks = pool_array(batch->pool, batch->count, sizeof(*tasks));
    struct weighing *read = pool_array(batch->pool, batch->count, sizeof(*read));
    size_t count = 0, read_count = 0;
    struct api_call call;
    int64_t read_boot_ms;

    if (tasks == NULL || read == NULL)
        return pool_failed(batch->pool, err);
    if (pick_jobs(assign, batch, &call, err) != 0)
        return -1;
    if (call.count > 0 && abm_api_read(&assign->api, call.items, call.count, batch->pool, err) != 0)
        return -1;
    read_boot_ms = clock_boot_ms();
    for (size_t i = 0; i < call.count; i++) {
        struct change_task task = { .job = call.jobs[i], .is_new = !call.jobs[i]->device->is_noted };

        if (judge(task.job, &call.items[i], batch->pool, &task.change, &read[read_count], err) != 0)
            return -1;
        read_count += read[read_count].job != NULL;
        if (task.change != CHANGE_NONE)
            tasks[count++] = task;
    }
    if (weigh_tasks(assign, batch, read, read_count, tasks, &count, err) != 0)
        return -1;
    return count > 0 ? change_devices(assign, batch, tasks, count, read_boot_ms, err) : 0;
}

#include "assign.h"

#include "../api_call.h"
#include "base/str.h"
#include "weigh.h"

enum change { CHANGE_NONE, CHANGE_SET, CHANGE_REMOVE };

/* A job that ABM is to be changed for. */
struct task {
    struct job *job;
    enum change change;
    bool is_new; /* this call makes its note: nothing was sent for it before */
    bool is_saved;
};

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
        return str_eq(blueprint_id, device->expect_blueprint_id) &&
               (device->expect_mdm_server_id == NULL || str_eq(mdm_server_id, device->expect_mdm_server_id));
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
    const char *expected = state_text(pool, device->expect_blueprint_id, device->expect_mdm_server_id);
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

/* Nothing was sent for it: as if it had not been here, so that its next note tells what is true then. */
static void forget_note(struct task *task)
{
    struct device *device = task->job->device;

    if (!task->is_new || device->is_maybe_sent)
        return;
    device->is_noted = false;
    device->from_blueprint_id = NULL;
    device->from_mdm_server_id = NULL;
}

static bool is_same_message(const struct fence *a, const struct fence *b)
{
    return a == b || str_eq(a->id, b->id);
}

static struct note note_of(const struct device *device)
{
    return (struct note){ device->serial, device->from_blueprint_id, device->from_mdm_server_id };
}

/* One message: every noted device of it, those of earlier deliveries too. */
static int save_note(struct assign *assign, struct batch *batch, struct task *tasks, size_t count, size_t at,
                     struct note *list, struct err *err)
{
    const struct fence *fence = tasks[at].job->fence;
    size_t noted = 0;
    int rc;

    for (size_t i = 0; i < batch->count; i++)
        if (is_same_message(batch->jobs[i].fence, fence) && batch->jobs[i].device->is_noted)
            list[noted++] = note_of(batch->jobs[i].device);
    rc = notes_save(&assign->notes, fence, list, noted, err);
    if (rc < 0)
        return -1;
    for (size_t i = at; i < count; i++)
        if (is_same_message(tasks[i].job->fence, fence))
            tasks[i].is_saved = true;
    for (size_t i = 0; rc == 1 && i < batch->count; i++)
        if (is_same_message(batch->jobs[i].fence, fence))
            job_lost(&batch->jobs[i]);
    return 0;
}

/* Before the first mutation of a message its note stands. Messages without a new one keep the note they have.
 */
static int save_notes(struct assign *assign, struct batch *batch, struct task *tasks, size_t count,
                      struct err *err)
{
    struct note *list = pool_array(batch->pool, batch->count, sizeof(*list));

    if (list == NULL)
        return pool_failed(batch->pool, err);
    for (size_t i = 0; i < count; i++)
        tasks[i].job->device->is_noted = true;
    for (size_t i = 0; i < count; i++)
        if (tasks[i].is_new && !tasks[i].is_saved &&
            save_note(assign, batch, tasks, count, i, list, err) != 0)
            return -1;
    return 0;
}

/*
 * Its run was cancelled before this request. Where one of ours may be under way, or has been answered before
 * (verify sent the device back), the true outcome is verify's to find.
 */
static void cancelled(struct task *task)
{
    struct job *job = task->job;

    if (job->device->is_maybe_sent || job->device->returns > 0)
        job_pass(job);
    else
        job_finish(job, OUTCOME_CANCELLED, ERR_CANCELLED, NULL);
}

static void take_answer(struct task *task, const struct abm_item *item)
{
    struct job *job = task->job;

    if (!api_call_verdict(job, item)) {
        if (task->change == CHANGE_SET)
            job->device->assignment_id = item->assignment_id;
        job_pass(job);
        return;
    }
    if (item->kind == ABM_UNSENT || item->kind == ABM_PAUSED || item->kind == ABM_CANCELLED)
        forget_note(task);
    if (item->kind == ABM_CANCELLED)
        cancelled(task);
}

/* Sends one kind of change for all tasks of it. */
static int send_changes(struct assign *assign, struct batch *batch, struct task *tasks, size_t count,
                        enum change change, struct err *err)
{
    struct task **sent = pool_array(batch->pool, count, sizeof(struct task *));
    struct api_call call;
    int rc;

    if (sent == NULL)
        return pool_failed(batch->pool, err);
    if (api_call_init(&call, count, batch->pool, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].change != change || tasks[i].job->verdict == VERDICT_LOST)
            continue;
        sent[call.count] = &tasks[i];
        api_call_add(&call, tasks[i].job);
    }
    if (call.count == 0)
        return 0;
    rc = change == CHANGE_SET ? abm_api_assign(&assign->api, call.items, call.count, batch->pool, err)
                              : abm_api_unassign(&assign->api, call.items, call.count, batch->pool, err);
    for (size_t i = 0; i < call.count; i++) /* also after a failure: the devices carry away what was sent */
        take_answer(sent[i], &call.items[i]);
    return rc;
}

static int change_devices(struct assign *assign, struct batch *batch, struct task *tasks, size_t count,
                          struct err *err)
{
    if (save_notes(assign, batch, tasks, count, err) == 0 &&
        send_changes(assign, batch, tasks, count, CHANGE_SET, err) == 0 &&
        send_changes(assign, batch, tasks, count, CHANGE_REMOVE, err) == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (tasks[i].job->verdict == VERDICT_NONE)
            forget_note(&tasks[i]);
    return -1;
}

/* Tasks that the brake has not held. */
static int weigh_tasks(struct assign *assign, struct batch *batch, const struct weighing *list, size_t read,
                       struct task *tasks, size_t *count, struct err *err)
{
    size_t kept = 0;
    int rc = weigh_read(&assign->brake, batch, list, read, err);

    for (size_t i = 0; i < *count; i++) {
        if (rc == 0 && tasks[i].job->verdict == VERDICT_NONE)
            tasks[kept++] = tasks[i];
        else
            forget_note(&tasks[i]);
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
    struct task *tasks = pool_array(batch->pool, batch->count, sizeof(*tasks));
    struct weighing *read = pool_array(batch->pool, batch->count, sizeof(*read));
    size_t count = 0, read_count = 0;
    struct api_call call;

    if (tasks == NULL || read == NULL)
        return pool_failed(batch->pool, err);
    if (pick_jobs(assign, batch, &call, err) != 0)
        return -1;
    if (call.count > 0 && abm_api_read(&assign->api, call.items, call.count, batch->pool, err) != 0)
        return -1;
    for (size_t i = 0; i < call.count; i++) {
        struct task task = { .job = call.jobs[i], .is_new = !call.jobs[i]->device->is_noted };

        if (judge(task.job, &call.items[i], batch->pool, &task.change, &read[read_count], err) != 0)
            return -1;
        read_count += read[read_count].job != NULL;
        if (task.change != CHANGE_NONE)
            tasks[count++] = task;
    }
    if (weigh_tasks(assign, batch, read, read_count, tasks, &count, err) != 0)
        return -1;
    return count > 0 ? change_devices(assign, batch, tasks, count, err) : 0;
}

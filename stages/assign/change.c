#include "change.h"

#include "../api_call.h"
#include "base/clock.h"
#include "base/str.h"

size_t assign_few(const struct rate_limit *limit, int64_t concurrency)
{
    int64_t few = limit->requests * 2000 / limit->per_ms;

    if (few > 2 * concurrency) /* and not many rounds of slow answers */
        few = 2 * concurrency;
    return few < 1 ? 1 : (size_t)few;
}

void change_forget(struct change_task *task)
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
static int save_note(struct assign *assign, struct batch *batch, struct change_task *tasks, size_t count,
                     size_t at, struct note *list, struct err *err)
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
static int save_notes(struct assign *assign, struct batch *batch, struct change_task *tasks, size_t count,
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
static void cancelled(struct change_task *task)
{
    struct job *job = task->job;

    if (job->device->is_maybe_sent || job->device->returns > 0)
        job_pass(job);
    else
        job_finish(job, OUTCOME_CANCELLED, ERR_CANCELLED, NULL);
}

static void take_answer(struct change_task *task, const struct abm_item *item)
{
    struct job *job = task->job;

    if (!api_call_verdict(job, item)) {
        if (task->change == CHANGE_SET)
            job->device->assignment_id = item->assignment_id;
        job_pass(job);
        return;
    }
    if (item->kind == ABM_UNSENT || item->kind == ABM_PAUSED || item->kind == ABM_CANCELLED)
        change_forget(task);
    if (item->kind == ABM_CANCELLED)
        cancelled(task);
}

/* Sends one kind of change for all tasks of it. */
static int send_changes(struct assign *assign, struct batch *batch, struct change_task *tasks, size_t count,
                        enum change change, struct err *err)
{
    struct change_task **sent = pool_array(batch->pool, count, sizeof(struct change_task *));
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

static bool expects_a_state(const struct change_task *task)
{
    return task->job->device->expect != EXPECT_ANY;
}

/* What was read of them is old: they are read again, as if they had not been here. Returns how many are left,
 * at the front: those that expect nothing. */
static size_t put_back_expecting(struct change_task *tasks, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!expects_a_state(&tasks[i]) || tasks[i].job->verdict != VERDICT_NONE) {
            tasks[kept++] = tasks[i];
            continue;
        }
        job_put_back(tasks[i].job);
        change_forget(&tasks[i]);
    }
    return kept;
}

/*
 * ABM has no conditional write: what somebody else changes between our read and our request is overwritten.
 * Where slots are scarce a batch takes minutes, so changes that expect a state are made few at a time, and
 * only while what was read is young.
 */
static int send_all(struct assign *assign, struct batch *batch, struct change_task *tasks, size_t count,
                    int64_t read_boot_ms, struct err *err)
{
    size_t few = count;

    for (size_t i = 0; i < count && assign->few > 0; i++)
        if (expects_a_state(&tasks[i]))
            few = assign->few;
    for (size_t at = 0, now; at < count; at += now) {
        if (at > 0 && clock_boot_ms() - read_boot_ms >= assign->fresh_ms) {
            count = at + put_back_expecting(tasks + at, count - at);
            few = count;
        }
        now = few < count - at ? few : count - at;
        if (now > 0 && (send_changes(assign, batch, tasks + at, now, CHANGE_SET, err) != 0 ||
                        send_changes(assign, batch, tasks + at, now, CHANGE_REMOVE, err) != 0))
            return -1;
    }
    return 0;
}

int change_devices(struct assign *assign, struct batch *batch, struct change_task *tasks, size_t count,
                   int64_t read_boot_ms, struct err *err)
{
    if (save_notes(assign, batch, tasks, count, err) == 0 &&
        send_all(assign, batch, tasks, count, read_boot_ms, err) == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (tasks[i].job->verdict == VERDICT_NONE)
            change_forget(&tasks[i]);
    return -1;
}

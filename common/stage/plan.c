#include "stage/plan.h"

#include <stdlib.h>
#include <string.h>

#define PLAN_POOL_BYTES (16 * 1024 * 1024)
#define GROUPS_MOST     64

/* Devices that go one way together. */
struct group {
    int target;
    int64_t delay_ms;
    const char *run, *unknown;
    const struct device **list;
    size_t count;
};

int plan_init(struct plan *plan, struct err *err)
{
    memset(plan, 0, sizeof(*plan));
    plan->pool = pool_new(PLAN_POOL_BYTES);
    if (plan->pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a settle");
    return 0;
}

void plan_release(struct plan *plan)
{
    pool_free(plan->pool);
    free(plan->publications);
    free(plan->letters);
    memset(plan, 0, sizeof(*plan));
}

int plan_target(struct plan *plan, const char *stage)
{
    for (size_t i = 0; i < plan->target_count; i++)
        if (strcmp(plan->targets[i], stage) == 0)
            return (int)i + 1;
    plan->targets[plan->target_count] = stage;
    return (int)++plan->target_count;
}

/* Room for one more element of size bytes each; NULL: no memory. */
static void *grow(void *list, size_t count, size_t *cap, size_t size)
{
    size_t more = *cap > 0 ? *cap * 2 : 16;
    void *grown;

    if (count < *cap)
        return list;
    grown = realloc(list, more * size);
    if (grown != NULL)
        *cap = more;
    return grown;
}

static int add_publication(struct plan *plan, const struct settle_publication *publication, struct err *err)
{
    struct settle_publication *list =
        grow(plan->publications, plan->publication_count, &plan->publication_cap, sizeof(*list));

    if (list == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a settle");
    plan->publications = list;
    list[plan->publication_count++] = *publication;
    plan->bytes += publication->len;
    return 0;
}

int plan_add_raw(struct plan *plan, int target, const char *field, size_t devices, int64_t delay_ms,
                 const char *body, size_t len, struct err *err)
{
    struct settle_publication publication = {
        .target = target,
        .field = field,
        .devices = devices,
        .delay_ms = delay_ms,
        .body = body,
        .len = len,
    };

    return add_publication(plan, &publication, err);
}

/* One device that fits no message, of hostile text: what does not fit is cut, so that it ends rather than
 * stops all. */
static int add_shortened(struct plan *plan, struct worker *worker, int target, int64_t delay_ms,
                         const char *run, const struct device *device, struct err *err)
{
    char uid[MESSAGE_UID_MAX + 1];
    struct device copy = *device;
    const struct device *list[1] = { &copy };
    struct buf body;
    char *text;
    int rc;

    copy.text = NULL;
    copy.rule = NULL;
    if (device_shorten(&copy, plan->pool, err) != 0)
        return -1;
    buf_init(&body, MESSAGE_MAX_BYTES);
    message_print(&body, worker_uid(worker, uid), run, NULL, list, 1);
    rc = buf_check(&body, "a message of one device", err);
    text = rc == 0 ? pool_strndup(plan->pool, body.data, body.len) : NULL;
    if (rc == 0)
        rc = text != NULL ? plan_add_raw(plan, target, "m", 1, delay_ms, text, body.len, err)
                          : pool_failed(plan->pool, err);
    buf_release(&body);
    return rc;
}

int plan_add_devices(struct plan *plan, struct worker *worker, int target, int64_t delay_ms, const char *run,
                     const char *unknown, const struct device *const *list, size_t count, struct err *err)
{
    char uid[MESSAGE_UID_MAX + 1];
    struct buf body;
    char *copy;
    int rc;

    if (count > MESSAGE_MAX_DEVICES) {
        if (plan_add_devices(plan, worker, target, delay_ms, run, unknown, list, MESSAGE_MAX_DEVICES, err) !=
            0)
            return -1;
        return plan_add_devices(plan, worker, target, delay_ms, run, unknown, list + MESSAGE_MAX_DEVICES,
                                count - MESSAGE_MAX_DEVICES, err);
    }
    buf_init(&body, MESSAGE_MAX_BYTES);
    message_print(&body, worker_uid(worker, uid), run, unknown, list, count);
    if (body.is_failed && count > 1 && !body.is_out_of_memory) {
        buf_release(&body);
        if (plan_add_devices(plan, worker, target, delay_ms, run, unknown, list, count / 2, err) != 0)
            return -1;
        return plan_add_devices(plan, worker, target, delay_ms, run, unknown, list + count / 2,
                                count - count / 2, err);
    }
    if (body.is_failed && !body.is_out_of_memory && count == 1) {
        buf_release(&body);
        return add_shortened(plan, worker, target, delay_ms, run, list[0], err);
    }
    rc = buf_check(&body, "a message", err);
    copy = rc == 0 ? pool_strndup(plan->pool, body.data, body.len) : NULL;
    if (rc == 0)
        rc = copy != NULL ? plan_add_raw(plan, target, "m", count, delay_ms, copy, body.len, err)
                          : pool_failed(plan->pool, err);
    buf_release(&body);
    return rc;
}

int plan_add_letter(struct plan *plan, const struct device *device, const char *run, int64_t at_ms,
                    struct err *err)
{
    struct settle_letter *list = grow(plan->letters, plan->letter_count, &plan->letter_cap, sizeof(*list));
    struct buf body;
    char *copy;
    size_t len;

    if (list == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a settle");
    plan->letters = list;
    buf_init(&body, MESSAGE_MAX_BYTES);
    message_print_device(&body, device);
    len = body.len;
    if (buf_check(&body, "a dead letter", err) != 0) {
        buf_release(&body);
        return -1;
    }
    copy = pool_strndup(plan->pool, body.data, len);
    buf_release(&body);
    if (copy == NULL)
        return pool_failed(plan->pool, err);
    list[plan->letter_count++] = (struct settle_letter){
        .serial = device->serial,
        .run = run,
        .row = device->row,
        .seq = device->seq,
        .code = device->code,
        .text = device->text,
        .at_ms = at_ms,
        .body = copy,
        .len = len,
        .field = "d",
    };
    plan->bytes += len;
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct group *group_of(struct plan *plan, struct group *groups, size_t *count, size_t room, int target,
                              int64_t delay_ms, const char *run, const char *unknown)
{
    struct group *group;

    for (size_t i = 0; i < *count; i++) {
        group = &groups[i];
        if (group->target == target && group->delay_ms == delay_ms && strcmp(group->run, run) == 0 &&
            same_text(group->unknown, unknown))
            return group;
    }
    if (*count == GROUPS_MOST)
        return NULL;
    group = &groups[(*count)++];
    *group = (struct group){ .target = target, .delay_ms = delay_ms, .run = run, .unknown = unknown };
    group->list = pool_array(plan->pool, room, sizeof(*group->list));
    return group->list != NULL ? group : NULL;
}

/* Where a job's device goes: the target and the delay. */
static int way_of(struct plan *plan, struct worker *worker, const struct job *job, int64_t *delay_ms_r)
{
    *delay_ms_r = 0;
    switch (job->verdict) {
    case VERDICT_PASS: plan->passed++; return plan_target(plan, worker->stage->next);
    case VERDICT_SEND: plan->passed++; return plan_target(plan, job->stage);
    case VERDICT_FINISH: plan->finished++; return plan_target(plan, "audit");
    case VERDICT_RETRY:
    case VERDICT_SUSPECT: plan->retried++; break;
    case VERDICT_WAIT: plan->waited++; break;
    default:
        if (job->delay_ms == 0)
            return plan_target(plan, worker->stage->name);
        break;
    }
    *delay_ms_r = job->delay_ms;
    return SETTLE_PARK;
}

static int flush(struct plan *plan, struct worker *worker, const struct group *groups, size_t count,
                 struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (plan_add_devices(plan, worker, groups[i].target, groups[i].delay_ms, groups[i].run,
                             groups[i].unknown, groups[i].list, groups[i].count, err) != 0)
            return -1;
    return 0;
}

int plan_add_jobs(struct plan *plan, struct worker *worker, struct work *work, size_t from, size_t to,
                  struct err *err)
{
    struct group groups[GROUPS_MOST];
    size_t count = 0;

    if (worker->stage->next != NULL)
        plan_target(plan, worker->stage->next); /* the first pair: its backlog comes back with the settle */
    for (size_t i = 0; i < work->count; i++) {
        struct job *job = &work->jobs[i];
        const struct held *held = work->held[work->job_held[i]];
        struct group *group;
        int64_t delay_ms;
        int target;

        if (held->is_lost || work->job_held[i] < from || work->job_held[i] >= to)
            continue;
        target = way_of(plan, worker, job, &delay_ms);
        group =
            group_of(plan, groups, &count, work->count, target, delay_ms, held->run, held->message.unknown);
        if (group == NULL) { /* more ways than anybody takes: publish what there is and begin anew */
            if (flush(plan, worker, groups, count, err) != 0)
                return -1;
            count = 0;
            group = group_of(plan, groups, &count, work->count, target, delay_ms, held->run,
                             held->message.unknown);
            if (group == NULL)
                return pool_failed(plan->pool, err);
        }
        group->list[group->count++] = job->device;
        if (job->verdict == VERDICT_FINISH && job->outcome == OUTCOME_FAILED &&
            plan_add_letter(plan, job->device, held->run, work->now_ms, err) != 0)
            return -1;
    }
    return flush(plan, worker, groups, count, err);
}

void plan_fill(const struct plan *plan, struct settle_head *head)
{
    head->publications = plan->publications;
    head->publication_count = plan->publication_count;
    head->letters = plan->letters;
    head->letter_count = plan->letter_count;
    for (size_t i = 0; i < plan->target_count; i++)
        head->targets[i] = plan->targets[i];
    head->target_count = plan->target_count;
}

#include "verify.h"

#include "../api_call.h"
#include "base/backoff.h"
#include "base/str.h"

/* One look at one device. */
struct look {
    struct job *job;
    const struct abm_item *item;
    int64_t last_ms; /* the look before; 0: none */
    int64_t now_ms;
    struct pool *pool;
};

/* When the device's change was sent, at the latest. */
static int64_t sent_ms(const struct device *device, int64_t now_ms)
{
    if (device->times_ms[STEP_ASSIGN] != 0)
        return device->times_ms[STEP_ASSIGN];
    return device->since_ms != 0 ? device->since_ms : now_ms;
}

static int64_t age_ms(const struct device *device, int64_t now_ms)
{
    int64_t age = now_ms - sent_ms(device, now_ms);

    return age > 0 ? age : 0;
}

/* How long after its looks-th look the next one is due. */
static int64_t step_ms(int looks)
{
    int64_t step = VERIFY_STEP_MS;

    for (int look = 1; look < looks && step < VERIFY_STEP_MAX_MS; look++)
        step *= 2;
    return step < VERIFY_STEP_MAX_MS ? step : VERIFY_STEP_MAX_MS;
}

static void wait_longer(struct job *job, enum err_code code, const char *text)
{
    job_wait(job, code, text, step_ms(job->device->looks));
}

/*
 * A later look may come long after it was due (a pause, an outage, a backlog), and then tells nothing of ABM:
 * what counts is when it was due, after the look before.
 */
static void sample_add(struct propagation_sample *sample, const struct device *device, int64_t last_look_ms,
                       int64_t now_ms)
{
    int64_t *oldest_ms = device->looks > 1 ? &sample->later_ms : &sample->first_ms;
    int64_t age = age_ms(device, now_ms);

    if (device->looks > 1) {
        int64_t due_ms = age_ms(device, last_look_ms) + backoff_grid_ms(step_ms(device->looks - 1));

        if (age > due_ms)
            age = due_ms;
    }
    if (age > *oldest_ms)
        *oldest_ms = age;
}

/*
 * Found as wanted. Where a request of ours may still arrive (its worker died or got no answer), what is seen
 * now may be changed by it: the look that counts comes after.
 */
static void found_wanted(const struct verify *verify, const struct look *look,
                         struct propagation_sample *sample)
{
    struct device *device = look->job->device;
    int64_t quiet_ms = sent_ms(device, look->now_ms) + verify->timeout_ms + VERIFY_LATE_MS;
    enum outcome done = device->action == ACTION_REMOVE ? OUTCOME_REMOVED : OUTCOME_ASSIGNED;

    if (device->is_noted && device->is_maybe_sent && look->now_ms < quiet_ms) {
        job_wait(look->job, ERR_DEADLINE,
                 "in effect; one more look is due, since an earlier request may still arrive",
                 quiet_ms - look->now_ms);
        return;
    }
    if (look->item->kind == ABM_OK)
        device->assignment_id = look->item->assignment_id;
    if (device->is_noted && !device->is_maybe_sent)
        sample_add(sample, device, look->last_ms, look->now_ms);
    job_finish(look->job, device->is_noted ? done : OUTCOME_UNCHANGED, ERR_NONE, NULL);
}

static void found_failed(const struct look *look)
{
    struct device *device = look->job->device;

    if (device->returns >= VERIFY_MAX_RETURNS) {
        device->assignment_id = look->item->assignment_id;
        job_finish(look->job, OUTCOME_FAILED, ERR_ASSIGNMENT_FAILED,
                   look->item->failure ? look->item->failure : "ABM names no reason");
        return;
    }
    device->returns++;
    device->looks = 0;
    device->assignment_id = NULL;
    job_send(look->job, "assign");
}

static int found_other(const struct look *look, enum err_code code, struct err *err)
{
    static const char *const words[] = {
        [ABM_STATE_ACCEPTED] = "accepted",
        [ABM_STATE_PROPAGATED] = "in effect",
        [ABM_STATE_FAILED] = "failed",
    };
    const struct abm_item *item = look->item;
    const char *text =
        pool_printf(look->pool, "ABM shows blueprint %s on %s, %s", item->blueprint_id,
                    item->mdm_server_id ? item->mdm_server_id : "no MDM server", words[item->state]);

    if (text == NULL)
        return pool_failed(look->pool, err);
    wait_longer(look->job, code, text);
    return 0;
}

static bool is_wanted(const struct device *device, const struct abm_item *item)
{
    return str_eq(item->blueprint_id, device->blueprint_id) &&
           (device->mdm_server_id == NULL || str_eq(item->mdm_server_id, device->mdm_server_id));
}

/* An assignment of another id is the one before: a stale read, not the answer to our request. */
static bool is_ours(const struct device *device, const struct abm_item *item)
{
    return device->assignment_id == NULL || str_eq(device->assignment_id, item->assignment_id);
}

static int judge_remove(const struct verify *verify, const struct look *look,
                        struct propagation_sample *sample, struct err *err)
{
    if (look->item->kind == ABM_OK)
        return found_other(look, ERR_DEADLINE_STILL_SET, err);
    found_wanted(verify, look, sample);
    return 0;
}

static int judge_assign(const struct verify *verify, const struct look *look,
                        struct propagation_sample *sample, struct err *err)
{
    const struct device *device = look->job->device;

    if (look->item->kind != ABM_OK) {
        wait_longer(look->job, ERR_DEADLINE_ABSENT, "ABM shows no assignment");
        return 0;
    }
    if (!is_wanted(device, look->item))
        return found_other(look, ERR_DEADLINE_OLD, err);
    switch (look->item->state) {
    case ABM_STATE_PROPAGATED: found_wanted(verify, look, sample); return 0;
    case ABM_STATE_ACCEPTED: return found_other(look, ERR_DEADLINE_ACCEPTED, err);
    case ABM_STATE_FAILED: break;
    }
    if (!is_ours(device, look->item))
        return found_other(look, ERR_DEADLINE_OLD, err);
    found_failed(look);
    return 0;
}

/* Counts the look and judges what it showed. */
static int judge(const struct verify *verify, struct look *look, struct propagation_sample *sample,
                 struct err *err)
{
    struct device *device = look->job->device;

    if (api_call_verdict(look->job, look->item))
        return 0;
    look->last_ms = device->looks > 0 ? device->times_ms[STEP_VERIFY] : 0;
    device->looks++;
    device->times_ms[STEP_VERIFY] = look->now_ms;
    return device->action == ACTION_REMOVE ? judge_remove(verify, look, sample, err)
                                           : judge_assign(verify, look, sample, err);
}

/*
 * How long to put off the next look; 0: it is due. A first look waits for the time that changes take, any
 * look for the end of the time in which a request of ours may still arrive: before that it could confirm
 * nothing. Neither goes beyond a quarter of the deadline, so that no device fails without having been looked
 * at.
 */
static int64_t put_off_ms(const struct verify *verify, const struct device *device, int64_t now_ms)
{
    int64_t until_ms = device->looks == 0 ? verify->propagation.learned_ms : 0;
    int64_t age = age_ms(device, now_ms), delay_ms;
    bool is_late = false;

    if (device->is_noted && device->is_maybe_sent && until_ms < verify->timeout_ms + VERIFY_LATE_MS) {
        until_ms = verify->timeout_ms + VERIFY_LATE_MS;
        is_late = true;
    }
    if (until_ms > verify->deadline_ms / 4)
        until_ms = verify->deadline_ms / 4;
    delay_ms = propagation_delay_ms(until_ms, age);
    if (is_late && delay_ms == 0 && age < until_ms)
        delay_ms = until_ms - age;
    return delay_ms;
}

/* Which jobs to look at now; the others wait. */
static int pick_jobs(const struct verify *verify, struct batch *batch, struct api_call *call, struct err *err)
{
    if (api_call_init(call, batch->count, batch->pool, err) != 0)
        return -1;
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = &batch->jobs[i];
        int64_t delay_ms = put_off_ms(verify, job->device, batch->now_ms);

        if (job->device->device_id == NULL) /* a letter replayed from before the import */
            job_send(job, "import");
        else if (delay_ms > 0)
            job_wait(job, ERR_DEADLINE, "the next look is not due yet", delay_ms);
        else
            api_call_add(call, job);
    }
    return 0;
}

int verify_batch(struct verify *verify, struct batch *batch, struct err *err)
{
    struct propagation_sample sample = { -1, -1 };
    struct api_call call;

    if (propagation_refresh(&verify->propagation, &verify->cache, batch->now_ms, err) != 0)
        return -1;
    if (pick_jobs(verify, batch, &call, err) != 0)
        return -1;
    if (call.count == 0)
        return 0;
    if (abm_api_read(&verify->api, call.items, call.count, batch->pool, err) != 0)
        return -1;
    for (size_t i = 0; i < call.count; i++) {
        struct look look = {
            .job = call.jobs[i],
            .item = &call.items[i],
            .now_ms = batch->now_ms,
            .pool = batch->pool,
        };

        if (judge(verify, &look, &sample, err) != 0)
            return -1;
    }
    propagation_share(&verify->propagation, &verify->cache, &sample, batch->now_ms);
    return 0;
}

#include "harness/batch.h"

#include "base/str.h"
#include "harness/check.h"

#define POOL_MAX (16 * 1024 * 1024)

void batch_make(struct batch_made *made, size_t max)
{
    made->pool = pool_new(POOL_MAX);
    assert_non_null(made->pool);
    made->max = max;
    made->batch = (struct batch){ .pool = made->pool, .now_ms = BATCH_NOW_MS, .run = "run-1" };
    made->batch.jobs = pool_array(made->pool, max, sizeof(struct job));
    assert_non_null(made->batch.jobs);
}

void batch_unmake(struct batch_made *made)
{
    pool_free(made->pool);
    made->pool = NULL;
}

static const struct fence *fence_of(struct batch_made *made, const char *message)
{
    struct fence *fence;

    for (size_t i = 0; i < made->batch.count; i++)
        if (str_eq(made->batch.jobs[i].fence->id, message))
            return made->batch.jobs[i].fence;
    fence = pool_alloc(made->pool, sizeof(*fence));
    assert_non_null(fence);
    fence->id = message;
    fence->run = "run-1";
    return fence;
}

struct job *batch_add(struct batch_made *made, const char *serial, const char *message)
{
    struct device *device = pool_alloc(made->pool, sizeof(*device));
    struct job *job = &made->batch.jobs[made->batch.count];

    assert_true(made->batch.count < made->max);
    assert_non_null(device);
    device->serial = serial;
    device->row = (int64_t)made->batch.count + 1;
    device->country = "DE";
    device->blueprint_id = "bp-want";
    device->device_id = pool_printf(made->pool, "dev-%s", serial);
    *job = (struct job){ .device = device, .fence = fence_of(made, message ? message : "1-1") };
    made->batch.count++;
    return job;
}

void batch_again(struct batch_made *made)
{
    for (size_t i = 0; i < made->batch.count; i++) {
        struct job *job = &made->batch.jobs[i];

        *job =
            (struct job){ .device = job->device, .fence = job->fence, .is_redelivered = job->is_redelivered };
    }
}

static const char *verdict_word(enum verdict verdict)
{
    static const char *const words[] = {
        [VERDICT_NONE] = "none",     [VERDICT_PASS] = "pass",     [VERDICT_SEND] = "send",
        [VERDICT_FINISH] = "finish", [VERDICT_RETRY] = "retry",   [VERDICT_SUSPECT] = "suspect",
        [VERDICT_WAIT] = "wait",     [VERDICT_BACK] = "put back", [VERDICT_LOST] = "lost",
    };

    return words[verdict];
}

void want_verdict(const char *what, const struct job *job, enum verdict verdict)
{
    if (job->verdict != verdict)
        fail_msg("%s: %s has verdict %s (%s, %s), wanted %s", what, job->device->serial,
                 verdict_word(job->verdict), outcome_name(job->outcome), err_wire(job->code),
                 verdict_word(verdict));
}

void want_finish(const char *what, const struct job *job, enum outcome outcome, enum err_code code)
{
    want_verdict(what, job, VERDICT_FINISH);
    if (job->outcome != outcome || job->code != code)
        fail_msg("%s: %s ended %s (%s), wanted %s (%s)", what, job->device->serial,
                 outcome_name(job->outcome), err_wire(job->code), outcome_name(outcome), err_wire(code));
}

void want_wait(const char *what, const struct job *job, enum err_code code, int64_t delay_ms)
{
    want_verdict(what, job, VERDICT_WAIT);
    if (job->code != code || job->delay_ms != delay_ms)
        fail_msg("%s: %s waits %lld ms (%s), wanted %lld ms (%s)", what, job->device->serial,
                 (long long)job->delay_ms, err_wire(job->code), (long long)delay_ms, err_wire(code));
}

void want_text(const char *what, const char *got, const char *want)
{
    if (!str_eq(got, want))
        fail_msg("%s: '%s', wanted '%s'", what, got ? got : "(none)", want ? want : "(none)");
}

#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "stage/plan.h"

#define CLOSE_AGAIN_MS 1000  /* between two looks at a run that another worker is closing */
#define CLOSE_CAP_MS   30000 /* of the back-off while closing fails, or kills its worker */
#define LATE_MS        5000 /* with api.timeout: how long a claim is kept on against late writes (DESIGN.md 4) */

static int put_back(struct worker *worker, struct held *held, int64_t delay_ms, struct err *err)
{
    struct settle_publication back = {
        .target = delay_ms > 0 ? SETTLE_PARK : 1,
        .field = "m",
        .devices = held->counted,
        .delay_ms = delay_ms,
        .body = held->raw,
        .len = held->raw_len,
    };
    const char *ids[] = { held->id };
    struct settle_head head = {
        .keys = &worker->keys,
        .stage = "audit",
        .consumer = worker->consumer,
        .ids = ids,
        .id_count = 1,
        .devices = held->counted,
        .targets = { "audit" },
        .target_count = 1,
        .publications = &back,
        .publication_count = 1,
    };
    struct redis_reply *reply;
    enum settle_kind kind;

    if (settle_run(worker->redis, &head, &kind, &reply, err) != 0)
        return -1;
    redis_reply_free(reply);
    return 0;
}

int worker_drop_unknown_run(struct worker *worker, struct held *held, struct err *err)
{
    struct run_view view;
    enum settle_kind kind;
    int rc = runbook_view(&worker->env.runbook, held->run, held->pool, &view, err);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    log_warn("closing_unknown", "run", held->run, "id", held->id, "text",
             "the run book has no such run: there is nothing to close", NULL);
    return settle_closed(worker->redis, &worker->keys, worker->consumer, held->id, held->run, "closed", "",
                         "", 0, 0, &kind, err) == 0
               ? 1
               : -1;
}

static int account(struct worker *worker, struct work *work, struct err *err)
{
    struct held *held = work->held[0];
    struct settle_outcome *outcomes = pool_array(work->pool, work->count, sizeof(*outcomes));
    const char *part = pool_printf(work->pool, "%s.jsonl", held->message.uid);
    char uid[MESSAGE_UID_MAX + 1];
    enum settle_kind kind;

    if (outcomes == NULL || part == NULL)
        return pool_failed(work->pool, err);
    for (size_t i = 0; i < work->count; i++) {
        const struct device *device = work->jobs[i].device;

        outcomes[i] = (struct settle_outcome){
            .serial = device->serial,
            .row = device->row,
            .outcome = outcome_name(device->outcome),
            .is_late = device->is_maybe_sent,
            .is_failed = device->outcome == OUTCOME_FAILED,
            .is_unweighed = worker->org->max_changes.is_set && device->weight == WEIGHT_NONE,
        };
    }
    return settle_account(worker->redis, &worker->keys, worker->consumer, held->id, held->run, part,
                          work->batch.part_sha256 != NULL ? work->batch.part_sha256 : "",
                          worker_uid(worker, uid), worker->org->api_timeout_ms + LATE_MS,
                          worker->org->max_failed.is_set ? worker->org->max_failed.value : -1, outcomes,
                          work->count, &worker->claims, &kind, err);
}

static const char *state_of(const struct run_view *view)
{
    if (view->is_cancelled)
        return "cancelled";
    return view->come < view->batches || view->malformed > 0 ? "incomplete" : "closed";
}

static int close_run(struct worker *worker, struct work *work, struct err *err)
{
    struct held *held = work->held[0];
    const struct batch *batch = &work->batch;
    struct run_view view;
    enum settle_kind kind;
    int rc = runbook_view(&worker->env.runbook, held->run, work->pool, &view, err);

    if (rc < 0)
        return -1;
    if (settle_closed(worker->redis, &worker->keys, worker->consumer, held->id, held->run,
                      rc == 1 ? state_of(&view) : "closed",
                      batch->manifest_path != NULL ? batch->manifest_path : "",
                      batch->manifest_sha256 != NULL ? batch->manifest_sha256 : "", batch->records_files,
                      batch->manifest_number, &kind, err) != 0)
        return -1;
    if (kind == SETTLE_OK)
        log_info("run_closed", "run", held->run, "state", rc == 1 ? state_of(&view) : "closed", "manifest",
                 batch->manifest_path, NULL);
    return 0;
}

static int64_t close_delay_ms(const struct worker *worker, const struct work *work)
{
    if (work->batch.close_verdict == VERDICT_BACK)
        return 0;
    if (worker->closing_tries == 0)
        return CLOSE_AGAIN_MS;
    return backoff_ms(CLOSE_AGAIN_MS, CLOSE_CAP_MS, worker->closing_tries, work->chance);
}

int worker_put_off_closing(struct worker *worker, struct held *held, struct err *err)
{
    log_warn("closing_put_off", "run", held->run, "id", held->id, "deliveries", log_int(held->deliveries),
             "text", "each worker that began to close this run has died; it is tried again later", NULL);
    return put_back(worker, held, CLOSE_CAP_MS, err);
}

int worker_finish_audit(struct worker *worker, struct work *work, struct err *err)
{
    struct held *held = work->held[0];

    if (work->batch.is_close) {
        if (work->batch.close_verdict == VERDICT_FINISH)
            return close_run(worker, work, err);
        return put_back(worker, held, close_delay_ms(worker, work), err);
    }
    for (size_t i = 0; i < work->count; i++)
        if (work->jobs[i].verdict != VERDICT_PASS && work->jobs[i].verdict != VERDICT_FINISH)
            return put_back(worker, held,
                            work->jobs[i].verdict == VERDICT_BACK ? work->jobs[i].delay_ms : 1000, err);
    return account(worker, work, err);
}

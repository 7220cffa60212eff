#include "stage/worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "stage/plan.h"

#define WORK_POOL_BYTES (16 * 1024 * 1024)
#define DELIVERIES_MOST 3    /* then a message of several devices is halved (DESIGN.md 4, Crashers) */
#define LATER_DELAY_MS  1000 /* a batch that cannot be done now, through no fault of the API's */
#define CLOSED_GATE_MS  100  /* between two looks at a closed gate */

int64_t worker_now_ms(const struct worker *worker)
{
    if (worker->tick_boot_ms == 0 && worker->tick.now_ms == 0)
        return clock_real_ms();
    return worker->tick.now_ms + (clock_boot_ms() - worker->tick_boot_ms);
}

char *worker_uid(struct worker *worker, char *uid)
{
    snprintf(uid, MESSAGE_UID_MAX + 1, "%s-%" PRIx64, worker->uid_prefix, ++worker->uid_count);
    return uid;
}

bool worker_is_ingest(const struct worker *worker)
{
    return strcmp(worker->stage->name, "validate") == 0;
}

bool worker_is_audit(const struct worker *worker)
{
    return strcmp(worker->stage->name, "audit") == 0;
}

bool worker_has_suspect(const struct worker *worker)
{
    return worker->hand_count > 0 && worker->hand[0]->deliveries > 1;
}

/* The messages from the front of hand that make one batch: at least one, no more devices than a batch. One
 * that was delivered before goes alone: if it kills this worker too, no other is counted as a crasher with
 * it. */
static size_t messages_of_batch(const struct worker *worker)
{
    size_t count = 0, jobs = 0;

    if (worker_is_ingest(worker) || worker_is_audit(worker) || worker_has_suspect(worker))
        return 1;
    while (count < worker->hand_count && worker->hand[count]->kind == HELD_DEVICES &&
           worker->hand[count]->is_urgent == worker->hand[0]->is_urgent) {
        jobs += held_jobs(worker->hand[count]);
        if (count > 0 && jobs > (size_t)worker->own->batch)
            break;
        if (worker->hand[count]->deliveries > 1)
            break;
        count++;
    }
    return count > 0 ? count : 1;
}

static void work_release(struct work *work)
{
    pool_free(work->pool);
}

static int work_init(struct worker *worker, size_t held_count, struct work *work, struct err *err)
{
    size_t at = 0;

    memset(work, 0, sizeof(*work));
    work->held = worker->hand;
    work->held_count = held_count;
    work->now_ms = worker_now_ms(worker);
    work->chance = rand_u32();
    work->pool = pool_new(WORK_POOL_BYTES);
    if (work->pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a batch");
    for (size_t i = 0; i < held_count; i++)
        work->count += held_jobs(work->held[i]);
    work->jobs = pool_array(work->pool, work->count, sizeof(*work->jobs));
    work->job_held = pool_array(work->pool, work->count, sizeof(*work->job_held));
    if (work->jobs == NULL || work->job_held == NULL)
        goto failed;
    for (size_t i = 0; i < held_count; i++) {
        for (size_t k = 0; k < held_jobs(work->held[i]); k++, at++) {
            work->jobs[at].device = held_device(work->held[i], k);
            work->jobs[at].fence = &work->held[i]->fence;
            work->jobs[at].is_redelivered = work->held[i]->is_redelivered;
            work->job_held[at] = i;
            if (work->jobs[at].device == NULL)
                goto failed;
        }
    }
    return 0;
failed:
    pool_failed(work->pool, err);
    work_release(work);
    return -1;
}

static int finish(struct worker *worker, struct work *work, struct err *err)
{
    if (worker_is_ingest(worker))
        return worker_finish_ingest(worker, work, err);
    if (worker_is_audit(worker))
        return worker_finish_audit(worker, work, err);
    worker_rule_verdicts(worker, work);
    return worker_finish(worker, work, err);
}

static bool passes_by_itself(enum err_code code)
{
    return code == ERR_REDIS_LOST || code == ERR_LOST_MESSAGE || code == ERR_ABM_RATE ||
           code == ERR_REDIS_REPLICAS;
}

/*
 * The handler could not go on with the batch: all goes back with attempts unchanged. What each device has
 * learned so far (its note above all) travels with it.
 */
static int give_back(struct worker *worker, struct work *work, const struct err *why, struct err *err)
{
    bool is_outage = worker->stage->needs_api && err_class_of(why->code) == ERR_CLASS_SERVICE &&
                     !worker_is_redis_trouble(why->code);
    bool is_at_once = is_outage || why->code == ERR_BREAKER_OPEN || why->code == ERR_STOPPED;

    for (size_t i = 0; i < work->count; i++) {
        job_put_back(&work->jobs[i]);
        work->jobs[i].delay_ms = is_at_once ? 0 : LATER_DELAY_MS;
    }
    work->batch.close_verdict = VERDICT_WAIT;
    worker->closing_tries += work->batch.is_close;
    if (why->code == ERR_STOPPED)
        worker->tick_boot_ms = 0; /* something urgent waits, perhaps: look at once */
    if (is_outage && worker_open_breaker(worker, why, worker->stage->name, err) != 0)
        return -1;
    if (!is_at_once) {
        struct err told = *why;

        worker_explain(worker, &told);
        log_err(LOG_LEVEL_WARN, "batch_put_back", &told, "run", work->held[0]->run, NULL);
        if (!passes_by_itself(why->code))
            worker_note_fatal(worker, &told, work->batch.is_close);
    }
    return finish(worker, work, err);
}

/* The handler sees the jobs that have no verdict yet, in one row. */
static int call_handler(struct worker *worker, struct work *work, struct err *err)
{
    struct batch *batch = &work->batch;
    size_t *place = pool_array(work->pool, work->count, sizeof(*place));
    struct job *jobs = pool_array(work->pool, work->count, sizeof(*jobs));
    int rc;

    if (place == NULL || jobs == NULL)
        return pool_failed(work->pool, err);
    batch->jobs = jobs;
    batch->pool = work->pool;
    batch->now_ms = work->now_ms;
    batch->run = work->held[0]->run;
    batch->uid = work->held[0]->message.uid;
    batch->is_close = work->held[0]->kind == HELD_CLOSE;
    batch->ingest = worker_is_ingest(worker) ? &work->held[0]->ingest : NULL;
    for (size_t i = 0; i < work->count; i++) {
        if (work->jobs[i].verdict != VERDICT_NONE)
            continue;
        place[batch->count] = i;
        jobs[batch->count++] = work->jobs[i];
    }
    if (batch->count == 0 && work->count > 0)
        return 0;
    if (batch->count < work->count)
        batch->ingest = NULL; /* part of the batch ended before: only whole ones are shown as ingest */
    rc = worker->stage->handle(worker->state, batch, err);
    for (size_t i = 0; i < batch->count; i++)
        work->jobs[place[i]] = jobs[i];
    return rc;
}

bool worker_is_redis_trouble(enum err_code code)
{
    switch (code) {
    case ERR_REDIS_UNREACHABLE:
    case ERR_REDIS_LOST:
    case ERR_REDIS_AUTH:
    case ERR_REDIS_CERTIFICATE:
    case ERR_REDIS_REPLICAS:
    case ERR_REDIS_OOM:
    case ERR_REDIS_VERSION:
    case ERR_REDIS_REPLY:
    case ERR_REDIS_TYPE:
    case ERR_REDIS_READONLY:
    case ERR_REDIS_LOADING:
    case ERR_REDIS_BUSY:
    case ERR_REDIS_DISK:
    case ERR_REDIS_NOGROUP: return true;
    default: return false;
    }
}

static bool is_connection_trouble(const struct err *err)
{
    return err->code == ERR_REDIS_LOST || err->code == ERR_REDIS_UNREACHABLE;
}

/* The server answers, and does not do it: full, read-only, a key of the wrong type, an ACL... */
static bool is_refusal(const struct err *err)
{
    return worker_is_redis_trouble(err->code) && !is_connection_trouble(err) &&
           err->code != ERR_REDIS_NOGROUP;
}

/* A second, with the leases kept. False: told to stop. */
static bool outlast_refusal(struct worker *worker, const struct err *why)
{
    worker_trouble(worker, "settle_refused", why);
    worker_rest(1000);
    lease_moved(worker->lease);
    return !worker_is_stopping(NULL);
}

static int handle(struct worker *worker, size_t held_count, struct err *err)
{
    struct err why = ERR_INIT;
    struct work work;
    int rc = 0;

    if (work_init(worker, held_count, &work, err) != 0)
        return -1;
    if (worker_prepare(worker, &work, err) != 0) {
        /* Half prepared, a note perhaps unread: nothing of this is settled, all is read again. */
        work_release(&work);
        worker_drop_hand(worker);
        return -1;
    }
    lease_moved(worker->lease);
    worker_say(worker);
    worker->shared.is_urgent = work.held[0]->is_urgent;
    if (call_handler(worker, &work, &why) != 0) {
        /* Connected anew first: what the handler did is known only through the devices in hand. */
        if (is_connection_trouble(&why) && worker_connect(worker, false, err) != 0)
            rc = -1;
        else if (worker->hand_count > 0)
            rc = give_back(worker, &work, &why, err);
    } else {
        worker_note_success(worker, work.batch.is_close);
        if (work.batch.is_close)
            worker->closing_tries = 0;
        rc = finish(worker, &work, err);
    }
    while (rc != 0 && (is_connection_trouble(err) || is_refusal(err))) {
        /* The settle may or may not have been done: the same call again finds out, since it is fenced. What
         * Redis refuses is held until it does not: to ask the API again for it would change nothing. */
        if (is_connection_trouble(err) ? worker_connect(worker, false, err) != 0
                                       : !outlast_refusal(worker, err))
            break;
        err_reset(err);
        rc = worker->hand_count > 0 ? finish(worker, &work, err) : 0;
    }
    if (rc == 0) {
        worker->handled += (int64_t)work.count;
        if (worker->hand_count >= held_count)
            worker_let_go(worker, held_count);
    }
    work_release(&work);
    return rc;
}

static int split(struct worker *worker, struct held *held, struct err *err)
{
    struct work work;
    size_t middle;
    int rc;

    log_warn("split_crasher", "run", held->run, "id", held->id, "devices", log_int((int64_t)held_jobs(held)),
             "deliveries", log_int(held->deliveries), NULL);
    if (worker_is_ingest(worker))
        return worker_split_ingest(worker, held, err);
    if (work_init(worker, 1, &work, err) != 0)
        return -1;
    rc = worker_prepare(worker, &work, err);
    middle = work.count / 2;
    for (size_t i = 0; i < work.count; i++) {
        job_put_back(&work.jobs[i]);
        work.jobs[i].delay_ms = i < middle ? 1 : 2; /* two ways, so two messages */
    }
    if (rc == 0)
        rc = worker_finish(worker, &work, err);
    work_release(&work);
    return rc;
}

/* As it came, where nothing was learned of it; else printed anew, so that a note goes along. */
static int put_back_first(struct worker *worker, struct err *err)
{
    struct held *first = worker->hand[0];
    struct work work;
    int rc;

    if (first->kind != HELD_DEVICES || worker_is_ingest(worker) || worker_is_audit(worker) ||
        !first->may_have_note)
        return worker_finish_raw(worker, first, err);
    if (work_init(worker, 1, &work, err) != 0)
        return -1;
    rc = worker_bring_note(worker, first, err);
    for (size_t i = 0; i < work.count; i++)
        job_put_back(&work.jobs[i]);
    if (rc == 0)
        rc = worker_finish(worker, &work, err);
    work_release(&work);
    return rc;
}

int worker_put_back_hand(struct worker *worker, struct err *err)
{
    while (worker->hand_count > 0) {
        if (put_back_first(worker, err) != 0)
            return -1;
        worker_let_go(worker, 1);
    }
    return 0;
}

/* The first of what is in hand. */
static int work_on_hand(struct worker *worker, struct err *err)
{
    struct held *first = worker->hand[0];
    int rc = 0;

    switch (first->kind) {
    case HELD_BAD:
        rc = worker_is_ingest(worker) ? worker_bury_ingest(worker, first, err)
                                      : worker_finish_raw(worker, first, err);
        break;
    case HELD_NEWER: rc = worker_finish_raw(worker, first, err); break;
    case HELD_CLOSE:
        if (first->deliveries > DELIVERIES_MOST) {
            rc = worker_put_off_closing(worker, first, err);
            break;
        }
        rc = worker_drop_unknown_run(worker, first, err);
        if (rc == 0)
            return handle(worker, messages_of_batch(worker), err);
        rc = rc > 0 ? 0 : -1;
        break;
    case HELD_DEVICES:
        if (first->deliveries > DELIVERIES_MOST && held_jobs(first) > 1 && !worker_is_audit(worker) &&
            !(worker_is_ingest(worker) && first->ingest.count == 0)) {
            rc = split(worker, first, err);
            break;
        }
        return handle(worker, messages_of_batch(worker), err);
    }
    if (rc == 0)
        worker_let_go(worker, 1);
    return rc;
}

static int step(struct worker *worker, struct err *err)
{
    const char *closed;

    worker_notice_server(worker);
    worker->stage->crypto->secrets_tend();
    if (worker_look(worker, err) != 0 || worker_tend(worker, err) != 0)
        return -1;
    closed = worker_gate(worker);
    if (closed != NULL) {
        worker->why = closed;
        worker->was_empty = true;
        if (worker->hand_count > 0) /* nobody's leases run on while nothing is done */
            return worker_put_back_hand(worker, err);
        worker_rest(CLOSED_GATE_MS);
        return 0;
    }
    if (worker_intake(worker, err) != 0)
        return -1;
    return worker->hand_count > 0 ? work_on_hand(worker, err) : 0;
}

/* What stands in the way of one step, and what is done about it. 0: go on. */
static int recover(struct worker *worker, struct err *err)
{
    struct err why = *err;

    err_reset(err);
    switch (why.code) {
    case ERR_STOPPED: return 0;
    case ERR_REDIS_LOST:
    case ERR_REDIS_UNREACHABLE: return worker_connect(worker, false, err);
    case ERR_REDIS_NOGROUP:
        log_err(LOG_LEVEL_WARN, "group_missing", &why, NULL);
        /* Nothing is pending any more: in a group made anew all that stands there is to be taken over. */
        worker_name_lost_hand(worker);
        worker_drop_hand(worker);
        worker->reclaim_boot_ms = 0;
        return stream_make_group(worker->redis, &worker->keys, worker->stage->name, err);
    default:
        /* A server that is full, loading, read-only, of the wrong type: tried again each second. */
        worker_trouble(worker, "step_failed", &why);
        worker->tick_boot_ms = 0;
        /* The handler has changed the devices in hand: from the bytes in Redis they are what they were. */
        worker_drop_hand(worker);
        worker_rest(1000);
        if (err_class_of(why.code) == ERR_CLASS_SERVICE)
            return worker_connect(worker, false, err);
        return 0;
    }
}

int worker_run(struct worker *worker, struct err *err)
{
    while (!worker_is_stopping(NULL)) {
        if (step(worker, err) == 0) {
            worker_trouble_over(worker);
            continue;
        }
        if (recover(worker, err) != 0) {
            if (is_connection_trouble(err) || err->code == ERR_STOPPED) {
                err_reset(err);
                continue;
            }
            worker_trouble(worker, "step_failed", err);
            err_reset(err);
            worker_rest(1000);
        }
    }
    return 0;
}

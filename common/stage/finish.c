#include <string.h>

#include "base/log.h"
#include "stage/plan.h"

#define NEWER_DELAY_MS 30000
#define COUNTERS       5

static void lose(struct held *held)
{
    if (held->is_lost)
        return;
    held->is_lost = true;
    log_warn("lost_message", "id", held->id, "run", held->run, "text",
             "another worker took it over; nothing was written for it", NULL);
}

/* The ids in a settle's answer {'lost', ids...}: those messages are another's now. */
static void mark_lost(struct work *work, const struct redis_reply *reply)
{
    for (size_t i = 1; i < redis_count(reply); i++)
        for (size_t k = 0; k < work->held_count; k++)
            if (strcmp(work->held[k]->id, redis_text(redis_at(reply, i), NULL)) == 0)
                lose(work->held[k]);
}

/* The handler found out before: its note, or its permit, was refused. */
static void mark_lost_jobs(struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->jobs[i].verdict == VERDICT_LOST)
            lose(work->held[work->job_held[i]]);
}

struct settle_lists {
    const char **ids, **uids;
    size_t id_count, uid_count, devices;
};

static int list_messages(struct work *work, size_t from, size_t to, struct pool *pool,
                         struct settle_lists *lists, struct err *err)
{
    lists->ids = pool_array(pool, work->held_count, sizeof(*lists->ids));
    lists->uids = pool_array(pool, work->held_count, sizeof(*lists->uids));
    if (lists->ids == NULL || lists->uids == NULL)
        return pool_failed(pool, err);
    for (size_t i = from; i < to; i++) {
        const struct held *held = work->held[i];

        if (held->is_lost)
            continue;
        lists->ids[lists->id_count++] = held->id;
        lists->devices += held->counted;
        if (held->may_have_note)
            lists->uids[lists->uid_count++] = held->message.uid;
    }
    return 0;
}

static int settle_once(struct worker *worker, struct work *work, size_t from, size_t to, struct plan *plan,
                       enum settle_kind *kind_r, struct err *err)
{
    struct settle_counter counters[COUNTERS] = {
        { "passed", plan->passed }, { "finished", plan->finished },          { "retried", plan->retried },
        { "waited", plan->waited }, { "dead", (int64_t)plan->letter_count },
    };
    struct settle_head head = { .keys = &worker->keys,
                                .stage = worker->stage->name,
                                .consumer = worker->consumer };
    struct settle_lists lists = { 0 };
    struct redis_reply *reply;

    if (list_messages(work, from, to, plan->pool, &lists, err) != 0)
        return -1;
    *kind_r = SETTLE_OK;
    if (lists.id_count == 0)
        return 0;
    plan_fill(plan, &head);
    head.ids = lists.ids;
    head.id_count = lists.id_count;
    head.devices = lists.devices;
    head.note_uids = lists.uids;
    head.note_count = lists.uid_count;
    head.counters = counters;
    head.counter_count = COUNTERS;
    if (settle_run(worker->redis, &head, kind_r, &reply, err) != 0)
        return -1;
    if (*kind_r == SETTLE_LOST)
        mark_lost(work, reply);
    else if (worker->stage->next != NULL)
        worker->next_backlog = redis_integer(redis_at(reply, 1));
    redis_reply_free(reply);
    return 0;
}

/*
 * Settles the messages from..to in one call where they fit its limits, else half by half: a message is never
 * divided. Where some turn out to be another's, the rest is planned anew without them.
 */
static int settle_range(struct worker *worker, struct work *work, size_t from, size_t to, struct err *err)
{
    for (;;) {
        enum settle_kind kind = SETTLE_OK;
        struct plan plan;
        bool is_too_large;
        int rc;

        if (plan_init(&plan, err) != 0)
            return -1;
        rc = plan_add_jobs(&plan, worker, work, from, to, err);
        is_too_large = rc == 0 && to - from > 1 &&
                       (plan.bytes > SETTLE_MAX_BYTES ||
                        plan.publication_count + plan.letter_count > SETTLE_MAX_ENTRIES);
        if (rc == 0 && !is_too_large)
            rc = settle_once(worker, work, from, to, &plan, &kind, err);
        plan_release(&plan);
        if (rc != 0)
            return -1;
        if (is_too_large)
            break;
        if (kind == SETTLE_OK)
            return 0;
    }
    if (settle_range(worker, work, from, from + (to - from) / 2, err) != 0)
        return -1;
    return settle_range(worker, work, from + (to - from) / 2, to, err);
}

int worker_finish(struct worker *worker, struct work *work, struct err *err)
{
    mark_lost_jobs(work);
    return settle_range(worker, work, 0, work->held_count, err);
}

static int letter_of_raw(struct worker *worker, const struct held *held, struct settle_letter *letter)
{
    *letter = (struct settle_letter){
        .serial = "",
        .run = held->run,
        .code = err_wire(held->why.code),
        .text = held->why.text,
        .at_ms = worker_now_ms(worker),
        .body = held->raw,
        .len = held->raw_len,
        .field = worker_is_ingest(worker) ? "batch" : "m",
    };
    return 0;
}

int worker_finish_raw(struct worker *worker, struct held *held, struct err *err)
{
    struct settle_publication back = {
        .field = worker_is_ingest(worker) ? "batch" : "m",
        .devices = held->counted,
        .body = held->raw,
        .len = held->raw_len,
        .target = 1,
    };
    const char *ids[] = { held->id };
    struct settle_letter letter;
    struct settle_counter counter = { "dead", 1 };
    struct settle_head head = {
        .keys = &worker->keys,
        .stage = worker->stage->name,
        .consumer = worker->consumer,
        .ids = ids,
        .id_count = 1,
        .devices = held->counted,
        .targets = { worker->stage->name },
        .target_count = 1,
    };
    struct redis_reply *reply;
    enum settle_kind kind;

    if (held->kind == HELD_BAD) {
        letter_of_raw(worker, held, &letter);
        head.letters = &letter;
        head.letter_count = 1;
        head.counters = &counter;
        head.counter_count = 1;
        log_err(LOG_LEVEL_ERROR, "message_dead", &held->why, "id", held->id, "run", held->run, NULL);
    } else {
        if (held->kind == HELD_NEWER) {
            back.target = SETTLE_PARK;
            back.delay_ms = NEWER_DELAY_MS;
            log_err(LOG_LEVEL_WARN, "message_newer", &held->why, "id", held->id, NULL);
        }
        head.publications = &back;
        head.publication_count = 1;
    }
    if (settle_run(worker->redis, &head, &kind, &reply, err) != 0)
        return -1;
    redis_reply_free(reply);
    return 0;
}

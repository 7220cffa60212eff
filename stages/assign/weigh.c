#include "weigh.h"

#include "base/backoff.h"
#include "base/log.h"
#include "base/str.h"

/* The list of one call: devices of one run. */
struct load {
    struct brake_item *items;
    struct job **jobs;
    size_t count;
};

static int load_init(struct load *load, size_t max, struct pool *pool, struct err *err)
{
    load->items = pool_array(pool, max, sizeof(*load->items));
    load->jobs = pool_array(pool, max, sizeof(*load->jobs));
    load->count = 0;
    return load->items == NULL || load->jobs == NULL ? pool_failed(pool, err) : 0;
}

static void add(struct load *load, struct job *job, enum brake_what what)
{
    load->items[load->count] = (struct brake_item){ .row = job->device->row, .what = what };
    load->jobs[load->count++] = job;
}

/* A run's devices come within minutes, or within hours at the rate limit: who is held asks again after a part
 * of the time that it has been on its way. */
static int64_t hold_ms(const struct device *device, int64_t now_ms)
{
    int64_t ms = (now_ms - device->times_ms[STEP_IMPORT]) / 4;

    return backoff_grid_ms(ms < 1000 || device->times_ms[STEP_IMPORT] == 0 ? 1000 : ms > 30000 ? 30000 : ms);
}

/* Those that nothing is granted are held; the rest is weighed, but for what asked again: it is looked at
 * anew. */
static int weigh(const struct brake *brake, const char *run, const struct load *load, int64_t now_ms,
                 struct err *err)
{
    bool has_tripped = false;

    if (load->count == 0)
        return 0;
    if (brake_weigh(brake, run, load->items, load->count, &has_tripped, err) != 0)
        return -1;
    for (size_t i = 0; i < load->count; i++) {
        struct job *job = load->jobs[i];

        if (!load->items[i].is_granted) {
            job->device->weight = WEIGHT_HELD;
            job_hold(job, hold_ms(job->device, now_ms));
        } else if (load->items[i].what != BRAKE_HELD) {
            job->device->weight = WEIGHT_TAKEN;
        }
    }
    if (has_tripped)
        log_warn("run_paused", "run", run, "by", "max_changes", "text",
                 "more existing assignments would change than the organization allows: abmctl run show",
                 NULL);
    return 0;
}

int weigh_held(const struct brake *brake, struct batch *batch, struct err *err)
{
    for (size_t i = 0; brake->ops != NULL && i < batch->count; i++) {
        const char *run = batch->jobs[i].fence->run;
        struct load load = { NULL, NULL, 0 };

        if (batch->jobs[i].device->weight != WEIGHT_HELD || batch->jobs[i].verdict != VERDICT_NONE)
            continue;
        if (load_init(&load, batch->count - i, batch->pool, err) != 0)
            return -1;
        for (size_t k = i; k < batch->count; k++) {
            struct job *job = &batch->jobs[k];

            if (job->device->weight == WEIGHT_HELD && job->verdict == VERDICT_NONE &&
                str_eq(job->fence->run, run))
                add(&load, job, BRAKE_HELD);
        }
        if (weigh(brake, run, &load, batch->now_ms, err) != 0)
            return -1;
        for (size_t k = 0; k < load.count; k++) /* granted: it is read, and weighed as what it is then */
            if (load.items[k].is_granted)
                load.jobs[k]->device->weight = WEIGHT_NONE;
    }
    return 0;
}

static enum brake_what what_of(const struct weighing *weighing)
{
    if (!weighing->is_existing)
        return BRAKE_NEW;
    return weighing->is_change ? BRAKE_CHANGE : BRAKE_KEPT;
}

/* One that was weighed is weighed again only where it is to be changed: it may not have been so then. */
static bool is_due(const struct weighing *weighing)
{
    return weighing->job->device->weight != WEIGHT_TAKEN || what_of(weighing) == BRAKE_CHANGE;
}

int weigh_read(const struct brake *brake, struct batch *batch, const struct weighing *list, size_t count,
               struct err *err)
{
    bool *is_done;

    if (brake->ops == NULL || count == 0)
        return 0;
    is_done = pool_array(batch->pool, count, sizeof(*is_done));
    if (is_done == NULL)
        return pool_failed(batch->pool, err);
    for (size_t i = 0; i < count; i++) {
        const char *run = list[i].job->fence->run;
        struct load load;

        if (is_done[i] || !is_due(&list[i]))
            continue;
        if (load_init(&load, count - i, batch->pool, err) != 0)
            return -1;
        for (size_t k = i; k < count; k++) {
            if (!is_due(&list[k]) || !str_eq(list[k].job->fence->run, run))
                continue;
            is_done[k] = true;
            add(&load, list[k].job, what_of(&list[k]));
        }
        if (weigh(brake, run, &load, batch->now_ms, err) != 0)
            return -1;
    }
    return 0;
}

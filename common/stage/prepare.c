#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "stage/worker.h"

#define CRASHES_MOST  5 /* deliveries of one device alone (DESIGN.md 4, Crashers) */
#define HELD_LEAST_MS 5000
#define HELD_MOST_MS  600000

struct note_reader {
    struct held *held;
};

static int note_text(const struct json *note, const char *name, struct pool *pool, const char **text_r)
{
    const char *text = json_string(json_get(note, name));

    *text_r = text != NULL ? pool_strdup(pool, text) : NULL;
    return text != NULL && *text_r == NULL ? -1 : 0;
}

static int apply_note(void *user, const char *serial, const char *note, size_t len, struct err *err)
{
    struct held *held = ((struct note_reader *)user)->held;
    struct json *json;
    int rc = 0;

    if (json_parse(note, len, &json, err) != 0)
        return err_prefix(err, "the note of %s in message %s", serial, held->message.uid);
    for (size_t i = 0; rc == 0 && i < held->message.count; i++) {
        struct device *device = &held->message.devices[i];

        if (strcmp(device->serial, serial) != 0)
            continue;
        device->is_noted = true;
        device->is_maybe_sent = true; /* who saved it may have sent, and may still be sending */
        if (note_text(json, "b", held->pool, &device->from_blueprint_id) != 0 ||
            note_text(json, "s", held->pool, &device->from_mdm_server_id) != 0)
            rc = pool_failed(held->pool, err);
    }
    json_free(json);
    return rc;
}

int worker_bring_note(struct worker *worker, struct held *held, struct err *err)
{
    struct note_reader reader = { .held = held };

    if (!held->may_have_note || held->kind != HELD_DEVICES || worker_is_ingest(worker) ||
        worker_is_audit(worker))
        return 0;
    return shared_note_read(&worker->shared, held->message.uid, apply_note, &reader, err);
}

static bool is_cancelled(const struct worker *worker, const char *run)
{
    for (size_t i = 0; i < worker->tick.cancelled_count; i++)
        if (strcmp(worker->tick.cancelled[i], run) == 0)
            return true;
    return false;
}

/* A device that ends in validate before the rule has checked it may be of any size: it is cut to what a
 * message takes. */
static int end_unchecked(struct worker *worker, struct work *work, size_t index, struct err *err)
{
    if (!worker_is_ingest(worker))
        return 0;
    return device_shorten(work->jobs[index].device, work->pool, err);
}

/* Before a device's first mutation a cancelled run ends it; later it goes on, and keeps its true outcome. */
static int end_cancelled(struct worker *worker, struct work *work, struct err *err)
{
    if (worker_is_audit(worker) || strcmp(worker->stage->name, "verify") == 0)
        return 0;
    for (size_t i = 0; i < work->count; i++) {
        struct job *job = &work->jobs[i];

        if (job->verdict != VERDICT_NONE || job->device->is_noted || !is_cancelled(worker, job->fence->run))
            continue;
        if (end_unchecked(worker, work, i, err) != 0)
            return -1;
        job_finish(job, OUTCOME_CANCELLED, ERR_CANCELLED,
                   "the run was cancelled before anything was changed");
    }
    return 0;
}

/* NULL: it is not. */
static const struct tick_paused *find_pause(const struct worker *worker, const char *run)
{
    for (size_t i = 0; i < worker->tick.paused_run_count; i++)
        if (strcmp(worker->tick.paused_runs[i].run, run) == 0)
            return &worker->tick.paused_runs[i];
    return NULL;
}

/* Until the run is resumed; or, since somebody may park it just then, for as long as the pause has been. */
static int64_t hold_ms(const struct work *work, const struct tick_paused *pause)
{
    int64_t ms = work->now_ms - pause->since_ms;

    return ms < HELD_LEAST_MS ? HELD_LEAST_MS : ms > HELD_MOST_MS ? HELD_MOST_MS : ms;
}

/* What would change something in ABM waits while its run is paused. */
static void hold_paused(struct worker *worker, struct work *work)
{
    const char *stage = worker->stage->name;

    if (worker->tick.paused_run_count == 0 || (strcmp(stage, "import") != 0 && strcmp(stage, "assign") != 0))
        return;
    for (size_t i = 0; i < work->count; i++) {
        struct job *job = &work->jobs[i];
        const struct tick_paused *pause =
            job->verdict == VERDICT_NONE ? find_pause(worker, job->fence->run) : NULL;

        if (pause == NULL)
            continue;
        job_hold(job, hold_ms(work, pause));
        worker_hold_run(worker, job->fence->run);
    }
}

/* Its time in this stage begins with its first look. What it was held back by a pause or a brake does not
 * count. */
static void set_time(struct worker *worker, const struct work *work, struct device *device)
{
    if (device->since_ms == 0) {
        device->since_ms = work->now_ms;
        device->stalled_ms = worker->tick.stalled_ms;
    } else if (device->held_ms > 0 && work->now_ms > device->held_ms) {
        device->since_ms += work->now_ms - device->held_ms;
    }
    device->held_ms = 0;
}

static int bury_crashers(struct worker *worker, struct work *work, struct err *err)
{
    if (worker_is_audit(worker)) /* a record that cannot be written is no device's fault: it backs off */
        return 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct held *held = work->held[work->job_held[i]];

        if (held->deliveries <= CRASHES_MOST || held_jobs(held) != 1)
            continue;
        if (end_unchecked(worker, work, i, err) != 0)
            return -1;
        job_finish(&work->jobs[i], OUTCOME_FAILED, ERR_WORKER_CRASHED,
                   "workers died with it 5 times, each time alone");
    }
    return 0;
}

static void charge(struct worker *worker, struct job *job)
{
    struct device *device = job->device;
    enum err_code code = device->suspect.code != NULL ? err_from_wire(device->suspect.code) : ERR_ATTEMPTS;

    device->attempts++;
    device->suspect = (struct device_suspect){ NULL, NULL, 0 };
    if (device->attempts >= worker->own->retry_attempts)
        job_finish(job, OUTCOME_FAILED, code != ERR_CODE_COUNT ? code : ERR_ATTEMPTS, device->text);
}

/* The probe that must come before anybody is judged. 0: the API serves; 1: it does not, the breaker is open
 * now. */
static int probe_for_judgement(struct worker *worker, const struct device *device, struct err *err)
{
    struct err failed = ERR_INIT;
    struct health_report report = { .op = "probe", .answered = 1 };

    if (worker->stage->probe(worker->state, &failed) == 0) {
        report.succeeded = 1;
        report.serial_a = "-";
        return health_report(&worker->env.health, &report, err);
    }
    if (worker_is_redis_trouble(failed.code) || failed.code == ERR_STOPPED) {
        *err = failed;
        return -1;
    }
    if (health_report(&worker->env.health, &report, err) != 0)
        return -1;
    return worker_open_breaker(worker, &failed, device->suspect.op, err) != 0 ? -1 : 1;
}

static void put_back_all(struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->jobs[i].verdict == VERDICT_NONE)
            job_put_back(&work->jobs[i]);
}

static int open_for(struct worker *worker, const struct device *device, struct err *err)
{
    struct err reason = ERR_INIT;
    enum err_code code = device->suspect.code != NULL ? err_from_wire(device->suspect.code) : ERR_ABM_SERVER;

    err_set(&reason, code != ERR_CODE_COUNT ? code : ERR_ABM_SERVER, 0, "%s fails for every device: %s",
            device->suspect.op, device->text != NULL ? device->text : "see the log");
    return worker_open_breaker(worker, &reason, device->suspect.op, err);
}

static int judge_suspects(struct worker *worker, struct work *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct job *job = &work->jobs[i];
        struct device *device = job->device;
        enum judgement judgement;
        int probed = 0;

        if (job->verdict != VERDICT_NONE || device->suspect.op == NULL)
            continue;
        if (shared_judge(&worker->shared, device->suspect.op, device->serial, device->suspect.at_ms,
                         &judgement, err) != 0)
            return -1;
        if (judgement == JUDGE_PROBE && worker->stage->probe != NULL) {
            probed = probe_for_judgement(worker, device, err);
            if (probed < 0)
                return -1;
            if (probed == 0 && shared_judge(&worker->shared, device->suspect.op, device->serial,
                                            device->suspect.at_ms, &judgement, err) != 0)
                return -1;
        }
        if (judgement == JUDGE_CHARGE) {
            charge(worker, job);
            continue;
        }
        if (judgement == JUDGE_AGAIN) {
            device->suspect = (struct device_suspect){ NULL, NULL, 0 };
            continue;
        }
        if (judgement == JUDGE_OPEN && open_for(worker, device, err) != 0)
            return -1;
        /* Not theirs, or another worker is finding out: all go back, and wait for the breaker or a moment. */
        if (judgement == JUDGE_WAIT || judgement == JUDGE_PROBE || judgement == JUDGE_OPEN) {
            put_back_all(work);
            for (size_t k = 0; judgement == JUDGE_WAIT && k < work->count; k++)
                if (work->jobs[k].verdict == VERDICT_BACK)
                    work->jobs[k].delay_ms = 1000;
            return 0;
        }
    }
    return 0;
}

int worker_prepare(struct worker *worker, struct work *work, struct err *err)
{
    for (size_t i = 0; i < work->held_count; i++)
        if (worker_bring_note(worker, work->held[i], err) != 0)
            return -1;
    for (size_t i = 0; i < work->count; i++)
        set_time(worker, work, work->jobs[i].device);
    if (bury_crashers(worker, work, err) != 0 || end_cancelled(worker, work, err) != 0)
        return -1;
    hold_paused(worker, work);
    if (!worker->stage->needs_api || worker_is_ingest(worker))
        return 0;
    return judge_suspects(worker, work, err);
}

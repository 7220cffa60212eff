#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "queue/control.h"
#include "stage/worker.h"

#define LOOK_EVERY_MS  50 /* while there is work */
#define BEAT_EVERY_MS  2000
#define FATAL_SHOWN_MS 30000 /* what was put back may have gone to another worker since */
#define PROBE_HELD_MS  30000 /* a probe may take as long as a request; then another worker may try */

void worker_note_fatal(struct worker *worker, const struct err *why, bool is_closing)
{
    snprintf(worker->fatal, sizeof(worker->fatal), "fatal: %s: %.260s (%s)", err_wire(why->code), why->text,
             err_advice(why->code));
    worker->fatal_boot_ms = clock_boot_ms();
    worker->is_fatal_closing = is_closing;
}

void worker_note_success(struct worker *worker, bool is_closing)
{
    if (worker->is_fatal_closing == is_closing)
        worker->fatal[0] = '\0';
}

static const char *state_of(const struct worker *worker)
{
    bool is_fatal = worker->fatal[0] != '\0' && clock_boot_ms() - worker->fatal_boot_ms < FATAL_SHOWN_MS;

    if (worker->trouble.count > 0)
        return worker->trouble.state;
    return is_fatal ? worker->fatal : worker->why;
}

/* Without its time and its end: lease_end_beat adds them. */
static const char *print_head(struct worker *worker, struct buf *out)
{
    struct json_out json;

    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "stage", worker->stage->name);
    json_add_string(&json, "host", worker->host);
    json_add_int(&json, "pid", getpid());
    json_add_int(&json, "started", worker->started_ms);
    json_add_string(&json, "state", state_of(worker));
    json_add_int(&json, "hand", (int64_t)worker->hand_count);
    json_add_int(&json, "handled", worker->handled);
    json_add_string(&json, "version", worker->env.version);
    return out->is_failed ? NULL : out->data;
}

const char *worker_heartbeat(struct worker *worker, struct buf *out)
{
    if (print_head(worker, out) != NULL)
        lease_end_beat(out, worker_now_ms(worker));
    return out->is_failed ? NULL : out->data;
}

void worker_say(struct worker *worker)
{
    const char *head;
    struct buf text;

    buf_init(&text, 4096);
    head = print_head(worker, &text);
    if (head != NULL)
        lease_say(worker->lease, head, worker_now_ms(worker));
    buf_release(&text);
}

static int report_probe(struct worker *worker, const struct err *failed, struct err *err)
{
    int rc;

    if (failed == NULL)
        rc = shared_breaker(&worker->shared, "ok", NULL, NULL, NULL, err);
    else
        rc = shared_breaker(&worker->shared, "fail", err_wire(failed->code), failed->text, NULL, err);
    if (rc < 0)
        return -1;
    if (failed == NULL && rc == 1)
        log_info("breaker_closed", "was", worker->tick.breaker, NULL);
    else if (failed != NULL)
        log_err(LOG_LEVEL_WARN, "breaker_probe_failed", failed, NULL);
    worker->tick_boot_ms = 0; /* ask again: the gate may be open now */
    return 0;
}

static int probe(struct worker *worker, struct err *err)
{
    struct err failed = ERR_INIT;
    int rc;

    worker->shared.is_probing = true;
    rc = worker->stage->probe(worker->state, &failed);
    worker->shared.is_probing = false;
    if (rc != 0 && worker_is_redis_trouble(failed.code)) {
        *err = failed;
        return -1;
    }
    if (worker_is_stopping(NULL))
        return 0; /* it may have ended because of that: another worker probes */
    return report_probe(worker, rc == 0 ? NULL : &failed, err);
}

static int ask(struct worker *worker, struct err *err)
{
    bool can_probe = worker->stage->needs_api && worker->stage->probe != NULL;
    int64_t before = clock_boot_ms();
    const char *beat = NULL;
    struct buf text;
    int rc;

    buf_init(&text, 4096);
    if (before - worker->beat_boot_ms >= BEAT_EVERY_MS || worker->beat_boot_ms == 0) {
        beat = worker_heartbeat(worker, &text);
        worker->beat_boot_ms = before;
        lease_said(worker->lease);
    }
    rc = tick_run(worker->redis, &worker->keys, worker->stage->name, worker->stage->next, worker->consumer,
                  beat, can_probe, PROBE_HELD_MS, &worker->tick, err);
    buf_release(&text);
    if (rc != 0)
        return -1;
    worker->tick_boot_ms = before;
    worker->next_backlog = worker->tick.next_backlog;
    return 0;
}

void worker_hold_run(struct worker *worker, const char *run)
{
    for (size_t i = 0; i < worker->held_run_count; i++)
        if (strcmp(worker->held_runs[i], run) == 0)
            return;
    if (worker->held_run_count == TICK_MAX_PAUSED) /* the others come when they are due */
        return;
    snprintf(worker->held_runs[worker->held_run_count++], sizeof(worker->held_runs[0]), "%s", run);
    log_info("run_held", "run", run, "text", "it is paused: abmctl run show tells why", NULL);
}

static bool is_paused(const struct worker *worker, const char *run)
{
    for (size_t i = 0; i < worker->tick.paused_run_count; i++)
        if (strcmp(worker->tick.paused_runs[i].run, run) == 0)
            return true;
    return false;
}

/* Where it cannot be done, what is parked comes when it is due. */
static int let_resumed_go(struct worker *worker, struct err *err)
{
    for (size_t i = worker->held_run_count; i-- > 0;) {
        struct err why = ERR_INIT;
        int64_t moved;

        if (is_paused(worker, worker->held_runs[i]))
            continue;
        if (control_unpark(worker->redis, &worker->keys, worker->held_runs[i], &moved, &why) == 0) {
            log_info("run_let_go", "run", worker->held_runs[i], "messages", log_int(moved), NULL);
        } else if (why.code == ERR_REDIS_LOST) {
            *err = why;
            return -1;
        } else {
            log_err(LOG_LEVEL_WARN, "run_not_let_go", &why, "run", worker->held_runs[i], NULL);
        }
        memmove(worker->held_runs[i], worker->held_runs[--worker->held_run_count],
                sizeof(worker->held_runs[0]));
    }
    return 0;
}

/* A step that too few replicas hold is done all the same; but nothing is begun on top of it. */
static int look_at_replicas(struct worker *worker, struct err *err)
{
    const char *shortage = redis_shortage(worker->redis);

    if (shortage != NULL && redis_confirm(worker->redis, err) < 0)
        return -1;
    shortage = redis_shortage(worker->redis);
    if (shortage != NULL && !worker->was_short)
        log_warn("replicas_short", "text", shortage, NULL);
    else if (shortage == NULL && worker->was_short)
        log_info("replicas_whole", NULL);
    worker->was_short = shortage != NULL;
    return 0;
}

int worker_look(struct worker *worker, struct err *err)
{
    lease_moved(worker->lease);
    if (look_at_replicas(worker, err) != 0)
        return -1;
    if (worker->tick_boot_ms != 0 && !worker->was_empty &&
        clock_boot_ms() - worker->tick_boot_ms < LOOK_EVERY_MS)
        return 0;
    if (ask(worker, err) != 0 || let_resumed_go(worker, err) != 0)
        return -1;
    if (worker->tick.is_probe_ours && probe(worker, err) != 0)
        return -1;
    return 0;
}

const char *worker_gate(const struct worker *worker)
{
    if (redis_shortage(worker->redis) != NULL)
        return redis_shortage(worker->redis);
    if (worker->tick.paused[0] != '\0')
        return worker->tick.paused;
    if (worker->stage->needs_api && worker->tick.breaker[0] != '\0')
        return worker->tick.breaker;
    return NULL;
}

unsigned worker_open_lanes(const struct worker *worker, const char **why_r)
{
    const struct stage_settings *next = worker->next_own;
    unsigned all = (1U << LANES) - 1, open = 1U << LANE_DUE | 1U << LANE_URGENT;

    *why_r = NULL;
    if (next != NULL && worker->tick.next_parked >= next->max_parked)
        *why_r = "waits for the next stage: it has too much parked for later";
    else if (next != NULL && worker->next_backlog >= next->max_backlog)
        *why_r = "waits for the next stage: its backlog is full";
    if (*why_r == NULL)
        return all;
    for (int lane = 0; lane < LANE_TURNS && worker->tick.next_parked < next->max_parked; lane++)
        if (worker->tick.ahead[lane] == 0)
            open |= 1U << lane;
    return open;
}

int worker_open_breaker(struct worker *worker, const struct err *reason, const char *op, struct err *err)
{
    int rc = shared_breaker(&worker->shared, "open", err_wire(reason->code), reason->text, op, err);

    if (rc < 0)
        return -1;
    if (rc == 1)
        log_err(LOG_LEVEL_ERROR, "breaker_opened", reason, "op", op, NULL);
    worker->tick_boot_ms = 0;
    return 0;
}

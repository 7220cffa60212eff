/**
 * worker.h - all that one worker of a stage knows while it runs. Internal to the skeleton.
 *
 *   stage_main.c  options, settings, signals          connect.c  the connection, and what a lost one means
 *   worker.c      the loop                            intake.c   which messages come into hand
 *   trouble.c     what Redis refuses, told to operators
 *   gate.c        whether the stage may read          prepare.c  crashers, cancelled and paused runs,
 * suspects, notes verdicts.c    what a verdict does to a device     plan.c     verdicts into publications
 *   finish.c      the settle of a batch
 *   ingest.c      the settle of validate              closing.c  the settle of audit
 *   tend.c        retention
 */
#ifndef STAGE_WORKER_H
#define STAGE_WORKER_H

#include "queue/claims.h"
#include "queue/shared.h"
#include "queue/tick.h"
#include "stage/held.h"
#include "stage/lease.h"
#include "stage/stage.h"

/* What Redis refuses at present: said when it changes, then once a minute. All zero: nothing. */
struct trouble {
    enum err_code code;
    char words[ERR_TEXT_MAX]; /* as it came */
    char state[800];          /* what the heartbeat says meanwhile */
    int64_t count, said_boot_ms, beat_boot_ms;
};

/* Of what Redis has refused last: the key that it does not name. */
struct explained {
    struct err why, told;
    int64_t boot_ms;
};

struct worker {
    const struct stage *stage;
    struct settings *settings;
    const struct org_settings *org;
    const struct stage_settings *own, *next_own; /* next_own: NULL for the last stage */
    struct keys keys;
    char consumer[160]; /* stage-host-pid-random: never used twice */
    char uid_prefix[17];
    uint64_t uid_count;
    char host[65];

    void *password; /* a secret of stage->crypto; NULL: none */
    void *sentinel_password;
    struct redis_settings redis_settings;
    struct redis *redis;
    char identity[128]; /* of the server that what is in hand came from */
    struct lease *lease;
    struct shared shared;
    struct stage_env env;
    void *state; /* of the rule */

    struct claims_layout claims; /* validate and audit: as the last settle told it */
    struct tick tick;
    int64_t tick_boot_ms; /* when it was asked; 0: ask again before the next read */
    char held_runs[TICK_MAX_PAUSED][RUN_ID_MAX + 1]; /* paused ones whose messages were parked here */
    size_t held_run_count;
    int64_t next_backlog;    /* the latest known, of the tick or of a settle */
    int64_t beat_boot_ms;    /* when the last heartbeat was written */
    int64_t reclaim_boot_ms; /* not before */
    int64_t tend_boot_ms;    /* not before */
    const char *why;         /* what the heartbeat says: idle, working, ... */
    char fatal[400];         /* ... and instead of it, "fatal: ..." where work had to be put back; "": none */
    int64_t fatal_boot_ms;   /* when that was */
    bool is_fatal_closing;   /* the work was the closing of a run */
    struct trouble trouble;
    struct explained explained;
    bool was_empty;       /* the last read brought nothing */
    bool was_short;       /* replicas did not hold what was written */
    int turn;             /* the lane that was read last */
    int closing_tries;    /* closings in a row that failed here */
    bool has_own_pending; /* read what is pending for us before anything new */

    struct held **hand; /* in hand, in order */
    size_t hand_count, hand_cap;
    double devices_a_message;    /* smoothed, to choose how many messages to ask for */
    int64_t started_ms, handled; /* for the heartbeat */
};

/* Redis time now, from the last tick and the clock here. */
int64_t worker_now_ms(const struct worker *worker);
/** A uid no other message bears, into uid[MESSAGE_UID_MAX + 1]. Returns uid. */
char *worker_uid(struct worker *worker, char *uid);
bool worker_is_ingest(const struct worker *worker); /* validate */
bool worker_is_audit(const struct worker *worker);
/** The first in hand was delivered before, to a worker that died or was too slow: it is handled alone. */
bool worker_has_suspect(const struct worker *worker);
/** Redis's trouble, not the API's: it opens no breaker. */
bool worker_is_redis_trouble(enum err_code code);

/* connect.c */
/** Connects with back-off until it is done or the worker is to stop (ERR_STOPPED). is_first: fail at once
 * instead. */
int worker_connect(struct worker *worker, bool is_first, struct err *err);
/** What is in hand came from the server that is asked now, or it is dropped and read again. Before each step:
 * a cluster may have sent the connection to another node. */
void worker_notice_server(struct worker *worker);
void worker_drop_hand(struct worker *worker);

/* gate.c */
/**
 * What nobody here can do anything about was put back: the heartbeat says so, and what to do, until work of
 * the same kind succeeds, or another worker has it.
 */
void worker_note_fatal(struct worker *worker, const struct err *why, bool is_closing);
void worker_note_success(struct worker *worker, bool is_closing);
/** A batch begins, which may take long: the thread of the leases says so while the main loop says nothing. */
void worker_say(struct worker *worker);
/** Asks Redis where things stand, if that is not known well enough; probes the API where it is this worker's
 * turn. */
int worker_look(struct worker *worker, struct err *err);
/** Remembers that messages of a paused run are parked from here: the look that finds it resumed moves them to
 * now, since the resume may have come before them. */
void worker_hold_run(struct worker *worker, const char *run);
/** NULL: the stage may do something. Else why not: paused, or the breaker is open. */
const char *worker_gate(const struct worker *worker);
/**
 * The lanes that may be read, bit i for lane i: all, or while the next stage has enough those that it holds
 * up nobody by: what is due, what is urgent, and a message of each run that has none there. *why_r: what
 * holds the others up; NULL: nothing.
 */
unsigned worker_open_lanes(const struct worker *worker, const char **why_r);
/** The breaker opens with err as its reason. */
int worker_open_breaker(struct worker *worker, const struct err *reason, const char *op, struct err *err);

/** The heartbeat as JSON in out; NULL: no memory. */
const char *worker_heartbeat(struct worker *worker, struct buf *out);

/* trouble.c */
/** Names the key in an err that says WRONGTYPE, looked for once a minute; leaves any other err as it is. */
void worker_explain(struct worker *worker, struct err *why);
/** Redis refuses a step: logged as event with what to do, and told by the heartbeat where that passes. */
void worker_trouble(struct worker *worker, const char *event, const struct err *why);
/** A step has passed. */
void worker_trouble_over(struct worker *worker);
/** The connection is there again: the next time that it is lost is told as the first. */
void worker_trouble_forget(struct worker *worker);
/** Logs each message in hand that its stream does not hold any more. */
void worker_name_lost_hand(struct worker *worker);

/* intake.c */
int worker_intake(struct worker *worker, struct err *err);
/** Takes the first count messages out of hand; they and their leases are gone. */
void worker_let_go(struct worker *worker, size_t count);

/* The jobs of the messages being worked on. */
struct work {
    struct held **held;
    size_t held_count;
    struct job *jobs;
    size_t *job_held; /* job i belongs to held[job_held[i]] */
    size_t count;
    struct pool *pool; /* for this batch's texts */
    struct batch batch;
    int64_t now_ms;
    uint32_t chance; /* one jitter a settle */
};

/* prepare.c */
/** Splits or buries crashers, ends what was cancelled, judges suspects, brings notes back. Jobs that it
 * decides have a verdict. */
int worker_prepare(struct worker *worker, struct work *work, struct err *err);
/** Writes the note of a redelivered message back into its devices. */
int worker_bring_note(struct worker *worker, struct held *held, struct err *err);

/* verdicts.c */
/**
 * What a verdict means once attempts and deadlines are counted: a retry too many and a wait too long become
 * `failed`, a device that goes on has its time noted, one that ends has its outcome written into it.
 */
void worker_rule_verdicts(struct worker *worker, struct work *work);

/* finish.c */
/** Settles the work: every message of it, or those that are still ours. */
int worker_finish(struct worker *worker, struct work *work, struct err *err);
/** Settles one message that no handler saw (newer, malformed) or that goes back as it came. */
int worker_finish_raw(struct worker *worker, struct held *held, struct err *err);

/* ingest.c */
int worker_finish_ingest(struct worker *worker, struct work *work, struct err *err);
int worker_split_ingest(struct worker *worker, struct held *held, struct err *err);
/** A batch that cannot be read: one dead letter, and it counts as come for the run that it names. */
int worker_bury_ingest(struct worker *worker, struct held *held, struct err *err);

/* closing.c */
int worker_finish_audit(struct worker *worker, struct work *work, struct err *err);
/** A closing message that was delivered too often: it backs off, and starts anew. */
int worker_put_off_closing(struct worker *worker, struct held *held, struct err *err);
/* A closing message of a run that the run book does not know would wait for ever: 1 dropped; 0 known; -1. */
int worker_drop_unknown_run(struct worker *worker, struct held *held, struct err *err);

/* tend.c */
/** Audit: lets go of what is not kept any more, where that is due. -1 only where the connection broke. */
int worker_tend(struct worker *worker, struct err *err);

/* worker.c */
/** Puts everything in hand back into its stream, attempts unchanged. */
int worker_put_back_hand(struct worker *worker, struct err *err);
/** Until a signal asks to stop. */
int worker_run(struct worker *worker, struct err *err);

/* stage_main.c */
bool worker_is_stopping(void *unused);
/** Waits ms or until a signal asks to stop. */
void worker_rest(int64_t ms);

#endif

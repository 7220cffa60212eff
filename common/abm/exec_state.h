/**
 * exec_state.h - the state of one exec_run, shared by exec.c (what is sent when), exec_grant.c (whether it
 * may be) and settle.c (what an answer means for the devices). Nobody else includes it.
 */
#ifndef ABM_EXEC_STATE_H
#define ABM_EXEC_STATE_H

#include "abm/answer.h"
#include "abm/exec.h"
#include "abm/purse.h"

#define EXEC_STREAK_PROBE  8  /* so many troubles in a row: is it the organization's? */
#define EXEC_PROBE_FRESH   32 /* so many troubles later the probe's word has become old */
#define EXEC_FRUITLESS_MAX 12 /* halvings without one success: the operation is down, no device spoils it */
#define EXEC_LATE_MAX      5  /* a permit ran out while connecting, so often in a row */
#define EXEC_LIST_FAILURES 4  /* of one list, then the call fails */

struct exec {
    struct abm_client *client;
    const struct abm_op *op;
    struct pool *pool;
    void *user;
    struct abm_item **sorted;
    size_t count;

    struct call *head, *tail; /* to be sent, in order */
    struct call *parked;      /* failed as a whole twice: halved once something else is seen to work */
    struct call *probe;       /* to be sent before all else */
    size_t under_way;
    int64_t heard_ms; /* boot time: when something was answered last, or the first of what is under way was
                         sent */
    struct purse purse;

    bool is_halted; /* nothing more is sent; fatal says why, or the process stops */
    bool is_fatal;
    bool is_out_of_room; /* the caller's pool is at its limit */
    struct err fatal;

    bool is_probing;    /* the probe is queued or under way */
    bool has_probed;    /* it succeeded not long ago */
    int streak;         /* troubles in a row, of the operation */
    int fruitless;      /* halvings since its last success */
    bool has_reached;   /* some request of the operation was answered as the contract has it */
    struct err trouble; /* the operation's first; ERR_NONE */

    int64_t answered, good; /* requests that ended; those that ended well */
    int64_t probes, probes_good;
};

struct call *call_new(struct exec *exec, const struct abm_op *op, struct abm_item **items, size_t count);
void call_free(struct call *call);
size_t call_wanted(const struct call *call);

void exec_push_back(struct exec *exec, struct call *call);
void exec_push_front(struct exec *exec, struct call *call);
/** Ends the run: what is under way is awaited, nothing more is sent. The first reason counts. */
void exec_fail(struct exec *exec, const struct err *err);

enum grant {
    GRANT_SEND,
    GRANT_WAIT,
    GRANT_CHANGED, /* devices dropped out: look at the queue anew */
    GRANT_HALT,
};

/** One slot for the call, and a permit of each message whose devices it carries. *wait_ms: see GRANT_WAIT. */
enum grant exec_ask(struct exec *exec, struct call *call, int64_t *wait_ms);

/** What the answer of a call means; the call is queued again, parked or freed. */
void settle_call(struct exec *exec, struct call *call);
/** The probe succeeded: what is parked goes on, halved. */
void settle_parked(struct exec *exec);

#endif

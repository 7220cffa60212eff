/* Slots of the limiter, and permits of the messages that a call acts for: may this call be sent now? */
#include "abm/exec_state.h"

#define SLOW_MS 200 /* answers slower than that: slots asked for ahead might grow too old */

/* The message that a call acts for first; NULL: it is a read. */
static const struct fence *fence_of(const struct call *call)
{
    for (size_t i = 0; call->op->is_mutation && i < call->count; i++)
        if (call_wants(call->items[i]))
            return call->items[i]->fence;
    return NULL;
}

/* Slots that would be used at once: what is queued for this message, as far as connections are free for it.
 */
static int count_wanted_slots(const struct exec *exec, const struct call *call, const struct fence *fence)
{
    const struct abm_client *client = exec->client;
    int most = client->env.concurrency, wanted = 0;

    if (call->is_probe)
        return 1;
    if (client->latency_ms > SLOW_MS)
        most -= (int)exec->under_way;
    for (const struct call *queued = exec->head; queued != NULL && wanted < most; queued = queued->next) {
        if (!purse_same_fence(fence_of(queued), fence))
            break;
        wanted++;
    }
    return wanted > 0 ? wanted : 1;
}

/* What the devices of a message are told that nothing is sent for. */
static void drop(struct exec *exec, struct abm_item *item, enum permit permit)
{
    switch (permit) {
    case PERMIT_LOST: exec_result(exec, item, ABM_LOST, ERR_LOST_MESSAGE, NULL); break;
    case PERMIT_PAUSED: exec_result(exec, item, ABM_PAUSED, ERR_NONE, NULL); break;
    default: exec_result(exec, item, ABM_CANCELLED, ERR_CANCELLED, NULL); break;
    }
}

/* The message is another's, or its run was cancelled or is paused: its devices drop out of all that was not
 * sent yet. */
static void end_fence(struct exec *exec, const struct fence *fence, enum permit permit)
{
    for (struct call *call = exec->head; call != NULL; call = call->next) {
        for (size_t i = 0; i < call->count; i++) {
            struct abm_item *item = call->items[i];

            if (call_wants(item) && purse_same_fence(item->fence, fence))
                drop(exec, item, permit);
        }
    }
}

static enum grant act_on(struct exec *exec, enum purse_word word, enum permit permit,
                         const struct fence *fence)
{
    struct err err = ERR_INIT;

    switch (word) {
    case PURSE_READY: return GRANT_SEND;
    case PURSE_WAIT: return GRANT_WAIT;
    case PURSE_ENDED: end_fence(exec, fence, permit); return GRANT_CHANGED;
    case PURSE_STOPPED: exec->is_halted = true; return GRANT_HALT;
    case PURSE_CLOSED: break;
    }
    err_set(&err, ERR_BREAKER_OPEN, 0, "%s: the breaker is open", exec->op->id);
    exec_fail(exec, &err);
    return GRANT_HALT;
}

/* Whether this message came before in the call, and was asked about then. */
static bool is_asked(const struct call *call, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (call_wants(call->items[i]) && purse_same_fence(call->items[i]->fence, call->items[at]->fence))
            return true;
    return false;
}

enum grant exec_ask(struct exec *exec, struct call *call, int64_t *wait_ms)
{
    struct limiter *limiter = exec->client->env.limiter;
    const struct fence *fence = fence_of(call);
    enum permit permit = PERMIT_GRANTED;
    struct err err = ERR_INIT;
    enum purse_word word;
    enum grant grant;

    if (purse_ask(&exec->purse, limiter, ABM_LIMIT_CLASS, fence, count_wanted_slots(exec, call, fence), &word,
                  &permit, wait_ms, &err) != 0)
        goto failed;
    grant = act_on(exec, word, permit, fence);
    for (size_t i = 1; grant == GRANT_SEND && call->op->is_mutation && i < call->count; i++) {
        const struct abm_item *item = call->items[i];

        if (!call_wants(item) || item->fence == NULL || purse_same_fence(item->fence, fence) ||
            is_asked(call, i))
            continue;
        if (purse_check(&exec->purse, limiter, ABM_LIMIT_CLASS, item->fence, &word, &permit, wait_ms, &err) !=
            0)
            goto failed;
        grant = act_on(exec, word, permit, item->fence);
        if (grant == GRANT_CHANGED)
            grant = GRANT_SEND; /* the others go on: the request is built without these */
    }
    return grant;
failed:
    exec_fail(exec, &err);
    return GRANT_HALT;
}

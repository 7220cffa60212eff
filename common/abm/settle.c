#include <stdio.h>
#include <string.h>

#include "abm/exec_state.h"
#include "base/clock.h"

/* Every device of the call that has no result yet is suspect: judged at its next try (DESIGN.md 4, Breaker).
 */
static void suspect(struct exec *exec, struct call *call, const struct answer *answer)
{
    for (size_t i = 0; i < call->count; i++) {
        struct abm_item *item = call->items[i];

        if (!call_wants(item))
            continue;
        item->delay_ms = answer->delay_ms;
        exec_result(exec, item, ABM_SUSPECT, answer->code, answer->text);
    }
}

/* Something went out and no word came back: it may take effect yet, whatever comes of the next request. */
static void mark_maybe_sent(struct call *call, const struct answer *answer)
{
    for (size_t i = 0; i < call->count; i++)
        if (call->op->is_mutation && answer->is_maybe_sent && call_wants(call->items[i]))
            call->items[i]->is_maybe_sent = true;
}

/*
 * Two calls of half the devices each. After trouble a half is not repeated before it is halved in turn: the
 * whole was, and log2(200) levels are enough.
 */
static void halve(struct exec *exec, struct call *call, int failures)
{
    size_t half = call_wanted(call) / 2, first = 0, seen = 0;
    struct call *left, *right;

    while (seen < half)
        seen += call_wants(call->items[first++]);
    left = call_new(exec, call->op, call->items, first);
    right = call_new(exec, call->op, call->items + first, call->count - first);
    if (left == NULL || right == NULL) {
        call_free(left);
        call_free(right);
    } else {
        left->failures = right->failures = failures;
        exec_push_back(exec, left);
        exec_push_back(exec, right);
    }
    call_free(call);
}

static void park(struct exec *exec, struct call *call)
{
    call->next = exec->parked;
    exec->parked = call;
}

void settle_parked(struct exec *exec)
{
    while (exec->parked != NULL) {
        struct call *call = exec->parked;

        exec->parked = call->next;
        call->next = NULL;
        if (call->op->max_items == 0) {
            exec_push_back(exec, call);
        } else {
            exec->fruitless++;
            halve(exec, call, 1);
        }
    }
}

/*
 * 1: a newer token is there, and the request goes out once more with it; 0: ABM's 401 stands; -1: none can be
 * had, and why is the better reason.
 */
static int renew_token(struct exec *exec, struct call *call, struct err *why)
{
    struct token *token = &exec->client->token;

    if (call->is_token_renewed)
        return 0;
    call->is_token_renewed = true;
    if (token->version == call->token_version)
        token_distrust(token);
    if (token_load(token, why) != 0)
        return token->shared != NULL ? -1 : 0;
    return token->version != call->token_version;
}

static void fail_probe(struct exec *exec, struct call *call, const struct err *trouble)
{
    exec->is_probing = false;
    exec_fail(exec, exec->trouble.code != ERR_NONE ? &exec->trouble : trouble);
    call_free(call);
}

static void settle_trouble(struct exec *exec, struct call *call, const struct answer *answer)
{
    struct err trouble = ERR_INIT;
    size_t wanted = call_wanted(call);

    if (answer->code == ERR_ABM_UNAUTHORIZED) {
        int rc = renew_token(exec, call, &trouble);

        if (rc == 1) {
            exec_push_front(exec, call);
            return;
        }
        if (rc < 0) { /* nothing was done: its devices stay unsent */
            if (call->is_probe)
                exec->is_probing = false;
            exec_fail(exec, &trouble);
            call_free(call);
            return;
        }
        err_reset(&trouble);
    }
    err_set(&trouble, answer->code, 0, "%s", answer->text);
    if (call->is_probe) {
        fail_probe(exec, call, &trouble);
        return;
    }
    mark_maybe_sent(call, answer);
    if (exec->trouble.code == ERR_NONE)
        exec->trouble = trouble;
    if (++exec->streak % EXEC_PROBE_FRESH == 0)
        exec->has_probed = false;
    call->failures++;
    if (answer->code == ERR_BUG || (call->op->max_items == 0 && call->failures >= EXEC_LIST_FAILURES)) {
        exec_fail(exec, &trouble);
        suspect(exec, call, answer);
        call_free(call);
        return;
    }
    if (call->op->max_items == 0 || (answer->is_perhaps_one && wanted > 1)) {
        if (call->failures == 1) {
            exec_push_back(exec, call);
            return;
        }
        if (exec->fruitless < EXEC_FRUITLESS_MAX) {
            park(exec, call);
            return;
        }
    }
    suspect(exec, call, answer);
    call_free(call);
}

/* A 4xx about what was asked: of a list it can only be that the contract is not what it was. */
static void settle_refused(struct exec *exec, struct call *call, struct answer *answer)
{
    if (call->op->max_items == 0) {
        answer->code = ERR_ABM_CONTRACT;
        settle_trouble(exec, call, answer);
        return;
    }
    exec->streak = 0;
    exec->has_reached = true;
    if (call_wanted(call) > 1) {
        halve(exec, call, 0);
        return;
    }
    for (size_t i = 0; i < call->count; i++) {
        if (!call_wants(call->items[i]))
            continue;
        call->items[i]->delay_ms = answer->delay_ms;
        if (call->op->refused != NULL)
            call->op->refused(exec, call->items[i], call->http.status, answer->text);
        else
            exec_result(exec, call->items[i], ABM_REFUSED, ERR_ABM_REFUSED, answer->text);
    }
    call_free(call);
}

static void settle_good(struct exec *exec, struct call *call, struct answer *answer)
{
    struct err err = ERR_INIT;
    int rc = call->op->answer(exec, call, answer->doc, &err);

    if (rc < 0 && err.code != ERR_ABM_CONTRACT) {
        exec_fail(exec, &err);
        call_free(call);
        return;
    }
    if (rc < 0) {
        answer->kind = ANSWER_TROUBLE;
        answer->code = ERR_ABM_CONTRACT;
        answer->is_maybe_sent = answer->is_perhaps_one = true;
        err_prefix(&err, "%s: %ld", call->op->id, call->http.status);
        memcpy(answer->text, err.text, sizeof(answer->text));
        settle_trouble(exec, call, answer);
        return;
    }
    if (call->is_probe) {
        exec->probes_good++;
        exec->is_probing = false;
        exec->has_probed = true;
    } else {
        exec->good++;
        exec->streak = 0;
        exec->fruitless = 0;
        exec->has_reached = true;
        call->failures = 0;
    }
    if (rc == 1)
        exec_push_front(exec, call); /* the next page */
    else
        call_free(call);
}

static void settle_rate(struct exec *exec, struct call *call, const struct answer *answer)
{
    struct err err = ERR_INIT;

    purse_empty(&exec->purse);
    if (limiter_pause(exec->client->env.limiter, ABM_LIMIT_CLASS, answer->delay_ms, &err) != 0)
        exec_fail(exec, &err);
    exec_push_front(exec, call);
}

/* Connecting took longer than a permit lasts. Should it always, the network is the trouble. */
static void settle_late(struct exec *exec, struct call *call, struct answer *answer)
{
    if (++call->lates < EXEC_LATE_MAX) {
        exec_push_front(exec, call);
        return;
    }
    answer->kind = ANSWER_TROUBLE;
    answer->code = ERR_ABM_UNREACHABLE;
    snprintf(answer->text, sizeof(answer->text), "%s: connecting takes longer than 2 s, each time",
             call->op->id);
    settle_trouble(exec, call, answer);
}

void settle_call(struct exec *exec, struct call *call)
{
    struct answer answer;

    answer_read(call->op, &call->http, clock_real_ms(), &answer);
    if (answer.kind != ANSWER_AGAIN)
        call->lates = 0;
    if (answer.kind != ANSWER_AGAIN && answer.kind != ANSWER_RATE) {
        if (call->is_probe)
            exec->probes++;
        else
            exec->answered++;
    }
    switch (answer.kind) {
    case ANSWER_AGAIN: settle_late(exec, call, &answer); break;
    case ANSWER_RATE: settle_rate(exec, call, &answer); break;
    case ANSWER_GOOD: settle_good(exec, call, &answer); break;
    case ANSWER_REFUSED: settle_refused(exec, call, &answer); break;
    case ANSWER_TROUBLE: settle_trouble(exec, call, &answer); break;
    }
    answer_release(&answer);
}

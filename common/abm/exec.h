/**
 * exec.h - runs the requests of one operation for many devices: slots and permits, 429, halving of what fails
 * as a whole, the probe, and the word on every device. Not for other layers.
 *
 * The course of a request:
 *
 *     queued -> permit -> sent -> good answer            its devices have their results
 *                              -> 429                    the limiter pauses; queued again
 *                              -> 401, token changed     queued again, once
 *                              -> 401, none to be had    the call ends with the reason (a shared token)
 *                              -> refused (4xx)          one device: its result; several: halved
 *                              -> trouble                one device, or nothing was sent: suspect
 *                                                        several: once more, then parked until something else
 * is seen to work (the probe), then halved
 *
 * The probe is sent when 8 requests in a row were trouble, when something is parked, or when at the end
 * nothing succeeded. Where it fails too it is the organization's trouble: nothing more is sent and the call
 * ends with -1.
 */
#ifndef ABM_EXEC_H
#define ABM_EXEC_H

#include "abm/private.h"

struct exec;

/**
 * @param items  each starts without a result (exec_run resets it)
 * @param user   for op->answer (exec_user)
 * @return 0; -1: see client.h
 */
int exec_run(struct abm_client *client, const struct abm_op *op, struct abm_item *items, size_t count,
             struct pool *pool, void *user, struct err *err);

/* For the operations of a dialect. */
struct pool *exec_pool(struct exec *exec);
void *exec_user(struct exec *exec);

/** Gives an item its result. text: a copy is made; NULL: none. */
void exec_result(struct exec *exec, struct abm_item *item, enum abm_kind kind, enum err_code code,
                 const char *text);
/** A copy in the pool; NULL text gives NULL. Where the pool is at its limit the whole call fails. */
const char *exec_copy(struct exec *exec, const char *text);

/**
 * Takes links.next of a page: 1 and call->url is the next page; 0 there is none; -1 with ERR_ABM_CONTRACT
 * (another origin, too many pages).
 */
int exec_next_page(struct exec *exec, struct call *call, const struct json *doc, struct err *err);

#endif

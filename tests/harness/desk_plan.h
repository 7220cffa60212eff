/**
 * desk_plan.h - a plan (domain/plan.h) on an operator's desk as a test wants it, whatever ABM shows.
 * Everything that fails on the way fails the test.
 */
#ifndef HARNESS_DESK_PLAN_H
#define HARNESS_DESK_PLAN_H

#include "harness/desk.h"
#include "harness/plan_doc.h"

#define DESK_PLAN_MAX 2000

struct desk_plan {
    struct plan_head head;
    struct plan_doc_entry at[DESK_PLAN_MAX];
    char serials[DESK_PLAN_MAX][16];
    size_t count;
    char sha256[SHA256_HEX]; /* after desk_plan_write */
};

/** An empty plan of organization acme, made now. The rest of the head is the caller's to change. */
void desk_plan_init(struct desk_plan *plan);
/**
 * Adds an entry, in the order add, change, remove. from NULL: nothing was assigned, else it was PROPAGATED;
 * to is not used by a remove. The entry may be changed until the write; texts are borrowed but for the
 * serial.
 */
struct plan_entry *desk_plan_add(struct desk_plan *plan, enum plan_kind kind, const char *serial,
                                 const char *country, const char *from, const char *to);
/** Writes DIR/name of the desk and returns its path. */
const char *desk_plan_write(struct desk_plan *plan, const struct desk *desk, const char *name);

#endif

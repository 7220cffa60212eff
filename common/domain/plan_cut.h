/**
 * plan_cut.h - the bytes of a plan, read through a chunk of fixed size and cut into its values. Knows strings
 * and brackets and nothing else of JSON. Internal to domain/plan*.c.
 */
#ifndef DOMAIN_PLAN_CUT_H
#define DOMAIN_PLAN_CUT_H

#include "domain/plan.h"

#define PLAN_CUT_DEPTH 8 /* brackets in one value; an approval in its list has 4 */

#define PLAN_CUT_END   (-1)
#define PLAN_CUT_ERROR (-2)

struct plan_cut {
    const struct plan_source *source;
    char *chunk;
    size_t at, got; /* in chunk */
    int64_t before; /* bytes of the document before chunk */
};

int plan_cut_init(struct plan_cut *cut, const struct plan_source *source, struct err *err);
void plan_cut_release(struct plan_cut *cut);

/** The number of the next byte, from 0. */
int64_t plan_cut_place(const struct plan_cut *cut);
/** The next byte, which stays; PLAN_CUT_END; PLAN_CUT_ERROR with what the source said, or ERR_LIMIT (more
 * than PLAN_MAX_BYTES). */
int plan_cut_peek(struct plan_cut *cut, struct err *err);
/** Takes the byte that was peeked. */
void plan_cut_skip(struct plan_cut *cut);

/** Takes exactly these bytes. -1 with ERR_PLAN_ALTERED: "byte 17: 'x', where ',' was expected". */
int plan_cut_expect(struct plan_cut *cut, const char *text, struct err *err);
/**
 * Appends one value as it stands there: a string with its quotes, an object or list to its last bracket, or
 * what else there is before the next comma or closing bracket (maybe nothing). ERR_PLAN_ALTERED: white space,
 * the end, too deep, larger than the limit of raw; ERR_NOMEM.
 */
int plan_cut_value(struct plan_cut *cut, struct buf *raw, struct err *err);

#endif

/**
 * dedupe.h - which serials an input has named already: exact (bytes are kept and compared), and small: about
 * 40 bytes a serial of 12 characters, so that a million rows fit into 40 MB.
 */
#ifndef DOMAIN_DEDUPE_H
#define DOMAIN_DEDUPE_H

#include <stdint.h>

#include "base/err.h"

#define DEDUPE_MAX_SERIALS 50000000

struct dedupe;

/* The row that was first with a serial. */
struct dedupe_first {
    uint32_t row;
    uint32_t target; /* what the caller said of it: mapping_rule.target, or anything that compares */
};

/** NULL without memory. */
struct dedupe *dedupe_new(void);
void dedupe_free(struct dedupe *dedupe);

/**
 * Notes a serial. Rows come in ascending order, so the first one is the lowest: it wins (DESIGN.md 5).
 *
 * @param target  kept with a new serial; for one that is there, compare it with first_r->target:
 *                `duplicate` where they are the same, `duplicate_differs` where not
 * @return 0 new; 1 it is there already, *first_r tells where; -1 with ERR_LIMIT (DEDUPE_MAX_SERIALS, a row
 * beyond 32 bits, a serial over 255 bytes), ERR_NOMEM
 */
int dedupe_add(struct dedupe *dedupe, const char *serial, int64_t row, uint32_t target,
               struct dedupe_first *first_r, struct err *err) __attribute__((nonnull(1, 2, 5, 6)));

/** Serials that are there. */
size_t dedupe_count(const struct dedupe *dedupe) __attribute__((nonnull(1)));

#endif

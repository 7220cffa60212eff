/**
 * rule_cover.h - which rules of a mapping no device can ever hit: because the condition contradicts itself,
 * or because earlier rules take every device that it could hold for. Pure.
 *
 * What is said is proved: REACHED by a device that hits the rule, NEVER and TAKEN by every way to make the
 * condition true, each of which ends in a contradiction. Fields are any texts, also those that a check of
 * values would refuse. Without patterns (other than plain text with ^ and $) and without comparing two fields
 * the answer is exact. Where the ways are too many, or where only a pattern could tell, it is UNKNOWN:
 * nothing is said.
 */
#ifndef DOMAIN_RULE_COVER_H
#define DOMAIN_RULE_COVER_H

#include "domain/mapping.h"

#define RULE_COVER_TAKERS_MAX 64        /* rules that cover another together */
#define RULE_COVER_STEPS      1000000   /* comparisons for one rule */
#define RULE_COVER_STEPS_ALL  200000000 /* and for all that one struct rule_cover judges: a few seconds */

enum rule_cover_kind { COVER_REACHED, COVER_UNKNOWN, COVER_NEVER, COVER_TAKEN };

struct rule_cover_result {
    enum rule_cover_kind kind;
    /* COVER_TAKEN: indices of the rules that take them, ascending; none of them could be left out. */
    size_t takers[RULE_COVER_TAKERS_MAX];
    size_t taker_count;
};

struct rule_cover; /* memory and limits for judging the rules of one mapping; about 1 MB */

/** mapping is borrowed. NULL without memory. */
struct rule_cover *rule_cover_new(const struct mapping *mapping) __attribute__((nonnull(1)));
void rule_cover_free(struct rule_cover *cover);

/**
 * Judges one rule. index: from 0; mapping_count: as if a default stood behind all of them, so TAKEN there
 * means that none is needed.
 */
void rule_cover_judge(struct rule_cover *cover, size_t index, struct rule_cover_result *result_r)
    __attribute__((nonnull(1, 3)));

#endif

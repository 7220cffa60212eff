/**
 * rule_cover_inside.h - the inside of rule_cover*.c: a set of tests that are to hold at once, and the search
 * for a device that they hold for.
 */
#ifndef DOMAIN_RULE_COVER_INSIDE_H
#define DOMAIN_RULE_COVER_INSIDE_H

#include "domain/rule_inside.h"

#define COVER_FIELDS_MAX   32
#define COVER_LITERALS_MAX 4096

enum literal_kind {
    LITERAL_IN,
    LITERAL_STARTS,
    LITERAL_ENDS,
    LITERAL_CONTAINS,
    LITERAL_MATCHES,
    LITERAL_SAME
};

/* One test of a condition, as it is or negated. */
struct literal {
    enum literal_kind kind;
    bool is_positive;
    unsigned field, other;             /* of the table; other: LITERAL_SAME */
    const char *text;                  /* of all but LITERAL_SAME; LITERAL_IN: NULL where there is a list */
    size_t len;                        /* of text in bytes, or of the list in strings */
    const struct rule_string *strings; /* LITERAL_IN of a list */
    const struct regex *regex;         /* LITERAL_MATCHES */
};

struct literals {
    struct literal at[COVER_LITERALS_MAX];
    size_t count;
    const struct operand *fields[COVER_FIELDS_MAX];
    unsigned field_count;
    unsigned root[COVER_FIELDS_MAX]; /* of fields that are to be the same, one stands for all */
    struct pool *pool;               /* of texts; whoever begins a search resets it */
    uint64_t steps;                  /* left */
};

/** Takes so many of the steps that are left. */
void literals_spend(struct literals *literals, size_t steps);

/** Adds the test of node, negated unless is_positive. False: a limit. */
bool literals_add(struct literals *literals, const struct node *node, bool is_positive);

/** True where the tests contradict each other, so that no device can fulfil all of them. */
bool literals_clash(struct literals *literals);

/**
 * Gives device a value for each field that a test names, such that they hold, as far as values can be made
 * for them: whoever asks checks. extra: room for COVER_FIELDS_MAX. False: a limit.
 */
bool literals_device(struct literals *literals, struct device *device, struct device_extra *extra);

#endif

/**
 * rule.h - the condition of a rule: parsed once, type-checked, evaluated on a device. Pure; nothing is ever
 * run as code. The file of rules is mapping.h's.
 *
 *   condition  = conjunction { "or" conjunction } ;
 *   conjunction = negation { "and" negation } ;
 *   negation   = "not" negation | primary ;
 *   primary    = "(" condition ")" | test ;
 *   test       = operand ( "==" | "!=" ) operand            (at least one operand is a field)
 *              | field [ "not" ] "in" list
 *              | field "." method "(" string ")" ;
 *   operand    = field | string ;
 *   list       = "[" string { "," string } [ "," ] "]" ;
 *   method     = "startswith" | "endswith" | "contains" | "matches" ;
 *   field      = "serial" | "country" | "model" | "order_number" | "asset_tag"
 *              | "extra" "." NAME | "extra" "[" string "]" ;
 *   string     = "'" { character | escape } "'" | '"' { character | escape } '"' ;
 *   escape     = "\\" | "\'" | '\"' | "\n" | "\t" ;
 *
 * NAME is letters, digits, '_', '-' and all beyond ASCII; other names of columns are written extra['cost
 * centre']. "not" binds tighter than "and", "and" tighter than "or". Text is compared byte by byte, case
 * counts. A field that the device lacks is the empty string. `.matches()` searches: it is true where the
 * pattern (PCRE2) is found anywhere, unless it is anchored with ^ and $; in its string a backslash before any
 * other character stands for itself, so that '^C02\d+$' works; elsewhere an unknown escape is an error.
 */
#ifndef DOMAIN_RULE_H
#define DOMAIN_RULE_H

#include "base/buf.h"
#include "base/pool.h"
#include "domain/device.h"

#define RULE_CONDITION_MAX 4096 /* bytes */
#define RULE_NODES_MAX     1000 /* tests, operators and strings of one condition */
#define RULE_DEPTH_MAX     32   /* parentheses and nots within each other */

struct rule; /* a parsed condition */

/**
 * Parses a condition of len bytes. Its memory comes from pool (so 10,000 rules share one), but its patterns
 * do not: rule_release before the pool goes.
 *
 * -1 with ERR_RULE_SYNTAX, ERR_RULE_TYPE, ERR_RULE_FIELD, ERR_RULE_PATTERN, ERR_LIMIT, ERR_NOMEM. The text is
 *     column 9: unknown field 'contry' - did you mean 'country'?
 *         model and contry == 'JP'
 *                   ^
 * in three lines (long conditions are cut around the caret), column in characters from 1.
 */
int rule_parse(const char *text, size_t len, struct pool *pool, struct rule **rule_r, struct err *err)
    __attribute__((nonnull(1, 3, 4, 5)));
/** Frees the patterns; NULL is taken. */
void rule_release(struct rule *rule);

/** 1 where the condition holds, 0 where not; -1 with ERR_RULE_LIMIT: a pattern ran over its limit. */
int rule_match(const struct rule *rule, const struct device *device, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/**
 * The same, and appends why: "country is 'DE', not 'JP'". Of an `and` that fails and an `or` that holds only
 * the part that decides is named.
 */
int rule_explain(const struct rule *rule, const struct device *device, struct buf *why, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

#endif

/**
 * regex.h - regular expressions (PCRE2) over short values, with limits, so that no pattern can hold a worker
 * up. Patterns and values are UTF-8. A match is found anywhere unless the pattern is anchored; `$` is the
 * very end (not before a last newline). Not for use by two threads at once: a regex keeps its match data.
 */
#ifndef DOMAIN_REGEX_H
#define DOMAIN_REGEX_H

#include <stddef.h>

#include "base/err.h"

#define REGEX_PATTERN_MAX 1024   /* bytes */
#define REGEX_MATCH_LIMIT 100000 /* steps of a match (pcre2_set_match_limit) */
#define REGEX_DEPTH_LIMIT 1000   /* nested backtracking points (pcre2_set_depth_limit) */
#define REGEX_HEAP_KIB    1024

struct regex;

/** -1 with ERR_RULE_PATTERN; the text is PCRE2's own, and *offset_r the byte of pattern it means. ERR_NOMEM.
 */
int regex_new(const char *pattern, struct regex **regex_r, size_t *offset_r, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));
void regex_free(struct regex *regex);

/**
 * @param text  valid UTF-8 (str_is_utf8), len bytes
 * @return 1 found; 0 not found; -1 with ERR_RULE_LIMIT where a limit was hit
 */
int regex_match(const struct regex *regex, const char *text, size_t len, struct err *err)
    __attribute__((nonnull(1, 2, 4)));

#endif

/**
 * json_canonical.h - one text for each JSON value (RFC 8785, JCS), for what is hashed, signed or compared:
 * members sorted by the UTF-16 code units of their names, no blanks, strings with the shortest escapes and
 * everything else as it is.
 *
 * Numbers are whole and within +-(2^53 - 1); no format of ours has others, and the text of a fraction is the
 * one part of the standard that is hard to get right, so a fraction is refused.
 * Source: RFC 8785, sections 3.2.2 and 3.2.3.
 */
#ifndef BASE_JSON_CANONICAL_H
#define BASE_JSON_CANONICAL_H

#include "base/json.h"

/**
 * Appends the value.
 *
 * @return 0; -1 with ERR_JSON (a number that is no whole one, or too large: the text names the way to it), or
 * with out's own failure (ERR_LIMIT, ERR_NOMEM)
 */
int json_canonical(const struct json *value, struct buf *out, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/**
 * Appends text as a string with its quotes. Errors stand in the buffer. Bytes that are no UTF-8 become
 * U+FFFD, as json_quote makes them: whoever must not change a text checks it before (str_is_utf8).
 */
void json_canonical_string(struct buf *out, const char *text, size_t len) __attribute__((nonnull(1, 2)));

/** The order of two member names, UTF-8: < 0, 0, > 0. It is not that of their bytes. */
int json_canonical_compare(const char *a, const char *b) __attribute__((nonnull(1, 2)));

#endif

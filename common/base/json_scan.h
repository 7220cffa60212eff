/**
 * json_scan.h - the strict check of JSON text that runs before cJSON sees it: the grammar of RFC 8259 whole
 * (which cJSON reads leniently), UTF-8, no NUL and no \u0000, surrogates in pairs, nesting and length of
 * numbers. Private to the base layer, but that domain/message_own.c finds the ends of strings with it, and
 * crypto/cms.c checks what is not to be copied into a tree. One pass, no recursion, no memory.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/err.h"

/** 0, or -1 with ERR_JSON: "byte 17: what is wrong". */
int json_scan(const char *text, size_t len, struct err *err) __attribute__((nonnull(3)));

/** How many of the first bytes stand in a JSON string as they are: no control, quote, backslash, nor
 * non-ASCII byte. */
size_t json_plain_run(const char *text, size_t len);

#endif

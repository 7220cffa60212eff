/**
 * str.h - small operations on text that C leaves out, and the escaping of hostile text.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

bool str_eq(const char *a, const char *b); /* NULL-safe: two NULLs are equal */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/** Whole text as a base-10 integer within [min, max]: no sign but '-', no blanks, no overflow. false: it is
 * none. */
bool str_to_int(const char *text, int64_t min, int64_t max, int64_t *number_r);

/** "15s", "200ms", "10m", "24h", "30d": a whole number with its unit (DESIGN.md 9). false: it is none. */
bool str_to_duration_ms(const char *text, int64_t *ms_r);

/**
 * The first character of len bytes: its bytes (1..4) and *point_r, or 0 where they do not begin with a whole
 * and valid one (RFC 3629: no surrogates, no overlong forms). NUL is a character of one byte.
 */
size_t str_utf8_next(const char *text, size_t len, uint32_t *point_r);
/** True where len bytes are valid UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
bool str_is_utf8(const char *text, size_t len);
/** True where a byte below 0x20, or 0x7f, is in text. */
bool str_has_control(const char *text);

/**
 * Appends text as it may be shown on a terminal: control characters (C0, DEL, and C1 in UTF-8), invalid
 * bytes and bidirectional overrides come as \xNN or \u{NNNN}; at most max_bytes of input, then "...".
 */
void str_escape(struct buf *out, const char *text, size_t len, size_t max_bytes);

/** Edit distance (Levenshtein, and two neighbours swapped are one edit; case ignored, '_' and '-' as equal),
 * at most 64 characters each; for near misses. */
unsigned str_distance(const char *a, const char *b);
/** The nearest of names[count] within 2 edits (or 1 for names of up to 4 characters); NULL: none. */
const char *str_nearest(const char *text, const char *const *names, size_t count);

/** Lower-case hex of len bytes, NUL-terminated, into hex[2 * len + 1]. */
void str_hex(const void *bytes, size_t len, char *hex);

#endif

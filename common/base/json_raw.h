/**
 * json_raw.h - members of JSON text read where it lies. json.h makes a tree, which copies what it reads; an
 * answer with a secret in it must leave no copies, so it is walked in place. One pass a member, no memory.
 *
 * Source: RFC 8259. As strict as json.h: the text is checked whole when it is opened.
 */
#ifndef BASE_JSON_RAW_H
#define BASE_JSON_RAW_H

#include "base/json.h"

/* One value as it is written, a string with its quotes. at NULL: there is none. Borrowed from the text. */
struct json_raw {
    const char *at;
    size_t len;
};

/** The text's one value, without the blanks around it. 0; -1 with ERR_JSON: "byte 17: what is wrong". */
int json_raw_open(const char *text, size_t len, struct json_raw *value_r, struct err *err)
    __attribute__((nonnull(3, 4), warn_unused_result));

/** JSON_ABSENT where there is none. */
enum json_kind json_raw_kind(struct json_raw value);

/**
 * The member of an object by its name (at most JSON_RAW_NAME_MAX bytes), whatever escapes it is written with.
 * @return 1; 0: none, or value is no object; -1: the name stands twice
 */
#define JSON_RAW_NAME_MAX 128
int json_raw_get(struct json_raw object, const char *name, struct json_raw *member_r)
    __attribute__((nonnull(2, 3), warn_unused_result));

/** The first element of an array; none where it is empty, or no array. */
struct json_raw json_raw_first(struct json_raw array);

/**
 * What a string says, without quotes and escapes: UTF-8 without NUL, never longer than it is written.
 * @param to  at least string.len bytes; may be string.at itself
 * @return the bytes written; 0 where it is no string
 */
size_t json_raw_text(struct json_raw string, char *to) __attribute__((nonnull(2)));

/** A whole number from min to max, written without exponent and fraction. false: it is none. */
bool json_raw_int(struct json_raw value, int64_t min, int64_t max, int64_t *number_r)
    __attribute__((nonnull(4)));
/** The word true. */
bool json_raw_is_true(struct json_raw value);

#endif

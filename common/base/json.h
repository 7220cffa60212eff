/**
 * json.h - reading and writing JSON (RFC 8259). cJSON reads; writing appends straight to a buffer.
 *
 * Reading is strict where hostile input counts: valid UTF-8, no NUL (nor \u0000), nothing behind the
 * value, nesting of at most JSON_MAX_DEPTH, no member name twice in one object. A document is a tree that
 * json_free frees whole; everything got from it is borrowed.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define JSON_MAX_DEPTH 32

struct json; /* one value of a document */

enum json_kind { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/**
 * Parses len bytes (no NUL needed behind them). -1 with ERR_JSON: "byte 17: what is wrong", or for a name
 * that stands twice the way to it ("devices: [3]: member ..."); ERR_NOMEM.
 */
int json_parse(const char *text, size_t len, struct json **doc_r, struct err *err)
    __attribute__((nonnull(1, 3, 4)));
void json_free(struct json *doc);

/** NULL is JSON_ABSENT. */
enum json_kind json_kind(const struct json *value);
/** "a string", "an object", ... for messages. */
const char *json_kind_name(enum json_kind kind);

/** A member by its exact name; NULL where absent or where value is no object. NULL-safe. */
const struct json *json_get(const struct json *value, const char *name) __attribute__((nonnull(2)));
/** Elements of an array or members of an object, in order; NULL at the end. */
const struct json *json_first(const struct json *value);
const struct json *json_next(const struct json *child) __attribute__((nonnull(1)));
size_t json_count(const struct json *value);
/** A member's name; NULL for an array's element. */
const char *json_name(const struct json *child) __attribute__((nonnull(1)));

/** The text of a string; NULL for anything else. NULL-safe. */
const char *json_string(const struct json *value);
/** true and sets *number_r where value is a whole number that a double holds exactly: within +-(2^53 - 1),
 * RFC 8259, 6. */
bool json_int(const struct json *value, int64_t *number_r) __attribute__((nonnull(2)));
bool json_number(const struct json *value, double *number_r) __attribute__((nonnull(2)));
bool json_bool(const struct json *value, bool *is_true_r) __attribute__((nonnull(2)));

/**
 * Appends the value as compact JSON (members in document order). Errors stand in the buffer. A number was
 * read as a double: one of more than 17 significant digits comes out rounded.
 */
void json_print(const struct json *value, struct buf *out) __attribute__((nonnull(1, 2)));

/*
 * Writing: begin, members, end; commas come by themselves. name is NULL inside arrays and at the top.
 *     struct json_out out; json_out_init(&out, &buf);
 *     json_begin(&out, NULL, '{'); json_add_string(&out, "serial", serial); json_end(&out, '}');
 * Errors stand in the buffer (buf_check).
 */
struct json_out {
    struct buf *buf;
    bool needs_comma;
};

void json_out_init(struct json_out *out, struct buf *buf);
void json_begin(struct json_out *out, const char *name, char bracket);          /* '{' or '[' */
void json_end(struct json_out *out, char bracket);                              /* '}' or ']' */
void json_add_string(struct json_out *out, const char *name, const char *text); /* NULL text: null */
void json_add_int(struct json_out *out, const char *name, int64_t number);
void json_add_bool(struct json_out *out, const char *name, bool is_true);
void json_add_null(struct json_out *out, const char *name);
/** raw: one JSON value already in text form, trusted. */
void json_add_raw(struct json_out *out, const char *name, const char *raw, size_t len);

/**
 * Appends text as a JSON string with its quotes: control characters, quote and backslash escaped. What the
 * strict reader would refuse (NUL, bytes that are no UTF-8, as where a text was cut) comes out as U+FFFD.
 */
void json_quote(struct buf *out, const char *text, size_t len);

#endif

/**
 * field.h - a structure's members as a table, read from and printed to a JSON object. Used by message.c and
 * ingest.c, whose devices are one structure under two sets of names.
 *
 * Reading is strict in types and lenient in presence: null and absent are the same for plain members, a
 * member of the wrong type is ERR_MSG_MALFORMED with its path, members that the table does not know are kept
 * as text. Printing leaves out what is absent, zero or false. Members are printed in the order of the table,
 * and since most of what is read was printed here, reading looks for a member first behind the one before.
 */
#ifndef DOMAIN_FIELD_H
#define DOMAIN_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/pool.h"

/* What counts: far from the end of an int, so that a worker may count on from whatever a message says. */
#define FIELD_COUNT_MAX 1000000000

enum field_kind {
    FIELD_TEXT,  /* const char *, NULL: absent */
    FIELD_ROW,   /* int64_t >= 1; 0: absent */
    FIELD_TIME,  /* int64_t >= 0; 0: absent */
    FIELD_COUNT, /* int in 0 .. FIELD_COUNT_MAX; 0: absent */
    FIELD_FLAG,  /* bool; false: absent */
    FIELD_OTHER, /* the row's own functions */
};

/* Where a value stands, for messages: "devices[3]", or "" for the message itself. */
struct field_place {
    const char *path;
    long index; /* -1: none */
};

struct field_reader {
    struct pool *pool;
    struct err *err;
    struct field_place place; /* of the object that holds the member */
};

struct field {
    const char *name;
    const char *label; /* `,"name":` */
    size_t label_len;
    enum field_kind kind;
    size_t at; /* offsetof in the structure */
    /* In place of the kind's own, where not NULL. */
    int (*read)(struct field_reader *reader, const char *name, const struct json *value, void *object);
    /* Appends label and value, or nothing where there is nothing to say. */
    void (*print)(struct buf *out, const struct field *field, const void *object);
};

/* clang-format off */
#define FIELD_READ(name, kind, type, member, read) \
    { name, ",\"" name "\":", sizeof(name) + 3, kind, offsetof(struct type, member), read, NULL }
#define FIELD(name, kind, type, member) \
    { name, ",\"" name "\":", sizeof(name) + 3, kind, offsetof(struct type, member), NULL, NULL }
#define FIELD_BY(name, read, print) { name, ",\"" name "\":", sizeof(name) + 3, FIELD_OTHER, 0, read, print }
/* clang-format on */

/**
 * Reads value, which must be an object, into the structure. unknown_r gets the members that the table lacks
 * as
 * `"a":1,"b":[2]`, NULL where there are none. -1 with ERR_MSG_MALFORMED, ERR_LIMIT (the pool), ERR_NOMEM.
 */
int field_read(struct field_reader *reader, const struct field *fields, size_t count,
               const struct json *value, void *object, const char **unknown_r)
    __attribute__((nonnull(1, 2, 5, 6)));

/** Appends `{...}` with the members that have something to say, then unknown (NULL: none). */
void field_print(struct buf *out, const struct field *fields, size_t count, const void *object,
                 const char *unknown) __attribute__((nonnull(1, 2, 4)));

/* For the rows' own functions; each returns 0, or -1 with the path in the error. */
int field_read_text(struct field_reader *reader, const char *name, const struct json *value,
                    const char **text_r);
/** The same with a limit in bytes; null leaves *text_r as it is. */
int field_read_word(struct field_reader *reader, const char *name, const struct json *value, size_t max,
                    const char **text_r);
/** A whole number within [min, max]. */
int field_read_int(struct field_reader *reader, const char *name, const struct json *value, int64_t min,
                   int64_t max, int64_t *number_r);
/** ERR_MSG_MALFORMED: "devices[3].serial: a number, wanted a string". */
int field_wrong_type(struct field_reader *reader, const char *name, const struct json *value,
                     const char *wanted);
/** ERR_MSG_MALFORMED: "devices[3].row: TEXT". name NULL: the object itself. */
int field_wrong(struct field_reader *reader, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A device's further columns, an object of strings; object is a struct device. */
int field_read_extra(struct field_reader *reader, const char *name, const struct json *value, void *object);
void field_print_extra(struct buf *out, const struct field *field, const void *object);

#endif

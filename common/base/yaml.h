/**
 * yaml.h - reading YAML (1.1 as libyaml reads it), strictly: one document, UTF-8 (a byte order mark is passed
 * over) without NUL or other control characters, nesting of at most YAML_MAX_DEPTH, no aliases (so nothing
 * can multiply), no tags, keys that are scalars, and in a tree no key twice in one map.
 *
 * Two ways in: yaml_load and yaml_parse make a small tree for settings and rules; struct yaml_events hands
 * out one event after another in bounded memory, for files of any size. A scalar is text; what it means is
 * its reader's affair. Lines and columns count from 1, columns in characters.
 *
 * ERR_YAML reads "file:line:column: what is wrong". The name of a file is shown as it was given.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

#define YAML_MAX_DEPTH       32
#define YAML_MAX_NODES       100000        /* of a tree */
#define YAML_MAX_EVENT_BYTES (1024 * 1024) /* input between two events: one scalar, or a comment */
#define YAML_SETTINGS_BYTES  (1024 * 1024) /* a sensible max_bytes for files that people write */

struct yaml_place {
    size_t line, column; /* from 1; line 0: no place */
};

enum yaml_kind { YAML_SCALAR, YAML_MAP, YAML_SEQ };

struct yaml_node {
    enum yaml_kind kind;
    bool is_plain;            /* a scalar without quotes, and no block text: 5, true, null; false for "5" */
    const char *key;          /* its name in a map; NULL in a sequence and at the root */
    struct yaml_place key_at; /* of the key */
    struct yaml_place at;     /* of the value */
    const char *text;         /* of a scalar, NUL-terminated, no NUL within */
    size_t count;             /* of the children */
    const struct yaml_node *first, *next; /* children, in the order of the file; the next sibling */
};

struct yaml {
    const char *file;             /* as given, for messages */
    const struct yaml_node *root; /* NULL: the file holds nothing */
    struct pool *pool;            /* of all nodes and text */
};

/** Reads len bytes; name stands in messages. Everything lives until yaml_doc_free. ERR_YAML, ERR_LIMIT,
 * ERR_NOMEM. */
int yaml_parse(const char *name, const char *text, size_t len, struct yaml **doc_r, struct err *err)
    __attribute__((nonnull(1, 4, 5), warn_unused_result));
/** Reads a file of at most max_bytes. ERR_FILE_MISSING, ERR_FILE_DENIED, ERR_IO besides. */
int yaml_load(const char *path, size_t max_bytes, struct yaml **doc_r, struct err *err)
    __attribute__((nonnull(1, 3, 4), warn_unused_result));
/** NULL is taken. (Plain yaml_free is a symbol of libyaml's own.) */
void yaml_doc_free(struct yaml *doc);

/** The value at a key; NULL where map is NULL, is no map or lacks the key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key) __attribute__((nonnull(2)));
/** A plain scalar that is empty, ~ or null in lower case, capitalized or capitals. */
bool yaml_is_null(const struct yaml_node *node) __attribute__((nonnull(1)));
/** "a map", "a list", "a value". */
const char *yaml_kind_name(enum yaml_kind kind) __attribute__((returns_nonnull));

/** Fills err with "file:line:column: " and the text. Returns -1. */
int yaml_fail(struct err *err, enum err_code code, const char *file, struct yaml_place at, const char *fmt,
              ...) __attribute__((format(printf, 5, 6), nonnull(1, 3, 5)));

/*
 * One event after another. Keys come as scalars with is_key; whether a key stands twice is for the caller to
 * see, since events remember nothing. Memory: a fixed few buffers and one scalar, however long the input.
 *
 *     while ((rc = yaml_events_next(events, &event, err)) == 1)
 *         ...
 */
enum yaml_event_kind {
    YAML_EVENT_SCALAR,
    YAML_EVENT_MAP,
    YAML_EVENT_MAP_END,
    YAML_EVENT_SEQ,
    YAML_EVENT_SEQ_END,
};

struct yaml_event {
    enum yaml_event_kind kind;
    bool is_key;      /* a scalar that names the next value of a map */
    bool is_plain;    /* as in struct yaml_node */
    unsigned depth;   /* maps and sequences around it; an opening and its end show the same */
    const char *text; /* of a scalar, NUL-terminated, borrowed until the next call */
    size_t len;
    struct yaml_place at;
};

struct yaml_events;

/** Reads from file (borrowed, open for reading, left open); name is borrowed too and stands in messages. */
int yaml_events_new(const char *name, FILE *file, struct yaml_events **events_r, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
void yaml_events_free(struct yaml_events *events);

/** 1 and *event_r; 0 at the end of the document (a second document is an error); -1 with ERR_YAML, ERR_LIMIT,
 * ERR_IO. */
int yaml_events_next(struct yaml_events *events, struct yaml_event *event_r, struct err *err)
    __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif

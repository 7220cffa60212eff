/**
 * err.h - an error: a code of the table, errno where there is one, and a line of text that names the
 * place and the value. Pure: it never logs and never exits.
 *
 * A function that can fail returns -1 with *err filled, and takes the err last; on success *err is
 * untouched. Text never holds a secret. Control characters are escaped when it is shown (str.h).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#include "base/err_table.h"

enum err_class {
    ERR_CLASS_OK,
    ERR_CLASS_USAGE,
    ERR_CLASS_INPUT,
    ERR_CLASS_SERVICE,
    ERR_CLASS_BUG,
    ERR_CLASS_LATER,
    ERR_CLASS_DENIED,
    ERR_CLASS_SETTINGS,
    ERR_CLASS_DEVICE,
};

#define ERR_ENUM(name, wire, class, advice) name,
enum err_code { ERR_TABLE(ERR_ENUM) ERR_CODE_COUNT };
#undef ERR_ENUM

#define ERR_TEXT_MAX 1024

struct err {
    enum err_code code;
    int sys; /* errno, or 0 */
    char text[ERR_TEXT_MAX];
};

#define ERR_INIT                                                                                             \
    {                                                                                                        \
        ERR_NONE, 0, ""                                                                                      \
    }

/** Fills *err; sys is errno or 0, and its words are appended. Always returns -1, to be returned in turn. */
int err_set(struct err *err, enum err_code code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), nonnull(1, 4)));

/** Puts "context: " before the text. Returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), nonnull(1, 2)));

void err_reset(struct err *err) __attribute__((nonnull(1)));

/** The name that stands in dead letters and manifests; static storage. */
const char *err_wire(enum err_code code) __attribute__((returns_nonnull));

/** What an operator should do; static storage. */
const char *err_advice(enum err_code code) __attribute__((returns_nonnull));

enum err_class err_class_of(enum err_code code);

/** The code with that wire name, or ERR_CODE_COUNT where there is none. */
enum err_code err_from_wire(const char *wire) __attribute__((nonnull(1)));

/** sysexits as DESIGN.md 10 lists them: 0 64 65 69 70 75 77 78; a DEVICE error is 1. */
int err_exit_status(enum err_code code);

#endif

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *wire;
    enum err_class class;
    const char *advice;
};

#define ERR_ROW(name, wire, class, advice) [name] = { wire, ERR_CLASS_##class, advice },
static const struct err_row rows[ERR_CODE_COUNT] = { ERR_TABLE(ERR_ROW) };
#undef ERR_ROW

static const struct err_row *row_of(enum err_code code)
{
    return &rows[(unsigned)code < ERR_CODE_COUNT ? code : ERR_BUG];
}

/* Puts ": " and more behind text, as far as there is room. */
static void append(char text[ERR_TEXT_MAX], const char *more)
{
    size_t used = strlen(text), len = strlen(more);

    if (used + 3 >= ERR_TEXT_MAX)
        return;
    if (len > ERR_TEXT_MAX - used - 3)
        len = ERR_TEXT_MAX - used - 3;
    memcpy(text + used, ": ", 2);
    memcpy(text + used + 2, more, len);
    text[used + 2 + len] = '\0';
}

int err_set(struct err *err, enum err_code code, int sys, const char *fmt, ...)
{
    va_list args;
    char text[ERR_TEXT_MAX]; /* apart: an argument may be err->text itself */
    char words[128];

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (sys != 0)
        append(text, strerror_r(sys, words, sizeof(words)));
    memcpy(err->text, text, sizeof(text));
    err->code = code;
    err->sys = sys;
    return -1;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    va_list args;
    char text[ERR_TEXT_MAX];

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    append(text, err->text);
    memcpy(err->text, text, sizeof(text));
    return -1;
}

void err_reset(struct err *err)
{
    err->code = ERR_NONE;
    err->sys = 0;
    err->text[0] = '\0';
}

const char *err_wire(enum err_code code)
{
    return row_of(code)->wire;
}

const char *err_advice(enum err_code code)
{
    return row_of(code)->advice;
}

enum err_class err_class_of(enum err_code code)
{
    return row_of(code)->class;
}

enum err_code err_from_wire(const char *wire)
{
    for (int code = 0; code < ERR_CODE_COUNT; code++)
        if (strcmp(rows[code].wire, wire) == 0)
            return (enum err_code)code;
    return ERR_CODE_COUNT;
}

int err_exit_status(enum err_code code)
{
    switch (err_class_of(code)) {
    case ERR_CLASS_OK: return 0;
    case ERR_CLASS_DEVICE: return 1;
    case ERR_CLASS_USAGE: return 64;
    case ERR_CLASS_INPUT: return 65;
    case ERR_CLASS_SERVICE: return 69;
    case ERR_CLASS_LATER: return 75;
    case ERR_CLASS_DENIED: return 77;
    case ERR_CLASS_SETTINGS: return 78;
    case ERR_CLASS_BUG: break;
    }
    return 70;
}

#include "harness/fail_alloc.h"

#include <cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the linker makes of the real ones and of those that our code calls (ld(1), --wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);
int __wrap_asprintf(char **text_r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static _Thread_local int64_t nth, count;
static _Thread_local bool is_armed, has_failed;

void fail_alloc_arm(int64_t which)
{
    cJSON_Hooks hooks = { __wrap_malloc, free };

    cJSON_InitHooks(&hooks);
    nth = which;
    count = 0;
    has_failed = false;
    is_armed = true;
}

int64_t fail_alloc_disarm(void)
{
    is_armed = false;
    return count;
}

bool fail_alloc_has_failed(void)
{
    return has_failed;
}

static bool fails(void)
{
    if (!is_armed || ++count != nth)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strndup(const char *text, size_t max)
{
    size_t len = strnlen(text, max);
    char *copy = __wrap_malloc(len + 1);

    if (copy != NULL) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}

int __wrap_asprintf(char **text_r, const char *fmt, ...)
{
    va_list args;
    int rc = -1;

    if (fails()) {
        *text_r = NULL;
        return -1;
    }
    va_start(args, fmt);
    rc = vasprintf(text_r, fmt, args);
    va_end(args);
    return rc;
}

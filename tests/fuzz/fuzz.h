/**
 * fuzz.h - what every fuzz target has: its one function, and a check that ends the process.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Feeds the parser one input; returns 0. What must not happen ends in abort(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The input up to its first NUL as a string of exactly that length, so that a sanitizer sees a read beyond
 * it; NULL: no memory. strndup would do, but where strings are checked strictly it may not be given bytes
 * without a NUL. */
static inline char *fuzz_string(const void *data, size_t size)
{
    const char *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - (const char *)data) : size;
    char *text = malloc(len + 1);

    if (text == NULL)
        return NULL;
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    return text;
}

#define FUZZ_CHECK(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif

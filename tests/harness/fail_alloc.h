/**
 * fail_alloc.h - makes the n-th allocation of our code fail. Only for programs linked with --wrap for malloc,
 * calloc, realloc, strdup, strndup and asprintf (tests/CMakeLists.txt: test_alloc_*); cJSON's go the same way
 * by its hooks. What libcurl, hiredis, libyaml and the C library allocate for themselves is theirs and is not
 * touched.
 *
 * Counts and fails in the thread that armed it alone.
 */
#ifndef HARNESS_FAIL_ALLOC_H
#define HARNESS_FAIL_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

/** From now on the nth allocation (from 1) fails, once; 0: none does, they are only counted. */
void fail_alloc_arm(int64_t nth);
/** Allocations since then. Nothing fails any more. */
int64_t fail_alloc_disarm(void);
bool fail_alloc_has_failed(void);

#endif

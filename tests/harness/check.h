/** check.h - cmocka with the headers that it wants before it. */
#ifndef HARNESS_CHECK_H
#define HARNESS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

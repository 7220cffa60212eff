/**
 * input_case.h - one device file for the fuzz targets of its three formats.
 */
#ifndef FUZZ_INPUT_CASE_H
#define FUZZ_INPUT_CASE_H

#include <stdint.h>

#include "domain/input.h"

/**
 * Reads the bytes as a whole and in small pieces. Aborts where the two differ, where a row is neither a
 * device nor wrong, or where rows do not ascend.
 */
void input_case(enum input_format format, const uint8_t *data, size_t size);

#endif

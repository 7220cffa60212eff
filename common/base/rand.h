/** rand.h - chance for back-off, jitter and names, from getrandom(2). Not for keys: those are crypto's. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stdint.h>

uint32_t rand_u32(void);
/** 16 lower-case hex digits and a NUL into text[17]. */
char *rand_hex16(char *text);

#endif

/**
 * fed_redis.h - a server of Redis that says what it is told to: each connection of the process is one end of
 * a pair of sockets, in which the answers stand before the first command is sent, and then the end.
 *
 * So the bytes of an input go through hiredis' own reader and every layer above it, whatever command they are
 * taken as the answer of. The linker puts it in the place of hiredis' ways to connect (CMakeLists.txt).
 */
#ifndef FUZZ_FED_REDIS_H
#define FUZZ_FED_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/redis.h"

/* More than the sockets take without a reader is cut off. */
#define FED_REDIS_MAX ((size_t)64 * 1024)

/**
 * What the next connection is answered: first what redis_connect needs to take the server for one of version
 * 7 (is_greeted), then the bytes. Borrowed until that connection is made.
 */
void fed_redis_say(bool is_greeted, const uint8_t *data, size_t size);

/**
 * False where the bytes announce a reply of more elements or bytes than could ever stand in them: hiredis
 * asks for all that memory at once, which is its own affair (a server is trusted that far).
 */
bool fed_redis_is_sane(const uint8_t *data, size_t size);

/** A connection on which `size` bytes will be the answers; aborts where it cannot be had. Caller frees it. */
struct redis *fed_redis_connect(const uint8_t *data, size_t size);

/** Lets every script be loaded, so that no input has to begin with its hash. Once a process. */
void fed_redis_load_scripts(void);

#endif

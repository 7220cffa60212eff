/**
 * keys.h - the names of all keys, each beginning with {abm:ORG}: so that an organization is one slot of a
 * cluster. DESIGN.md 4 fixes the names; common/queue/README.md tells what each holds.
 */
#ifndef QUEUE_KEYS_H
#define QUEUE_KEYS_H

#include <stddef.h>

#define KEYS_ORG_MAX  64
#define KEY_MAX_BYTES 256

struct keys {
    char prefix[KEYS_ORG_MAX + 16]; /* "{abm:acme}:" */
};

void keys_init(struct keys *keys, const char *org);

/** prefix + a, or prefix + a + ":" + b where b is not NULL, into key[KEY_MAX_BYTES]. Returns key. */
char *keys_make(const struct keys *keys, const char *a, const char *b, char *key);

/** The stream that a stage reads: "ingest" for validate, else its own name. */
char *keys_stream(const struct keys *keys, const char *stage, char *key);

#endif

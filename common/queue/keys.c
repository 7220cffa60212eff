#include "queue/keys.h"

#include <stdio.h>
#include <string.h>

void keys_init(struct keys *keys, const char *org)
{
    snprintf(keys->prefix, sizeof(keys->prefix), "{abm:%.*s}:", KEYS_ORG_MAX, org);
}

char *keys_make(const struct keys *keys, const char *a, const char *b, char *key)
{
    snprintf(key, KEY_MAX_BYTES, "%s%s%s%s", keys->prefix, a, b != NULL ? ":" : "", b != NULL ? b : "");
    return key;
}

char *keys_stream(const struct keys *keys, const char *stage, char *key)
{
    return keys_make(keys, strcmp(stage, "validate") == 0 ? "ingest" : stage, NULL, key);
}

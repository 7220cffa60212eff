/**
 * vault_place.h - where a value stands in Vault, as a reference says it: PATH#FIELD. Pure.
 *
 *     secret/abm#token            the engine at "secret", its secret "abm": read at /v1/secret/data/abm
 *     secret/data/abm#token       the same, as Vault's own API writes it
 *     team/kv/data/abm#token      an engine at a place of several segments has to be written so
 *
 * Source: the HTTP API of Vault and OpenBao, KV version 2 ("Read secret version").
 */
#ifndef SECRETS_VAULT_PLACE_H
#define SECRETS_VAULT_PLACE_H

#include "base/buf.h"

#define VAULT_PATH_MAX_BYTES  512
#define VAULT_FIELD_MAX_BYTES 128 /* JSON_RAW_NAME_MAX */

/**
 * @param target   "PATH#FIELD"
 * @param url      out: gets "/v1/secret/data/abm", each segment encoded; errors stand in the buffer
 * @param field_r  out: borrowed from target
 *
 * @return 0; -1 with ERR_SECRET, which does not show the target
 */
int vault_place_read(const char *target, struct buf *url, const char **field_r, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif

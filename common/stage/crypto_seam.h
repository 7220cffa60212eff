/**
 * crypto_seam.h - the little of cryptography that the skeleton needs, handed in by the stage: this layer
 * includes none of it. stages/stage_crypto.c fills it from common/crypto.
 */
#ifndef STAGE_CRYPTO_SEAM_H
#define STAGE_CRYPTO_SEAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct settings;

struct stage_crypto {
    /** SHA-256 as 64 hex digits and a NUL: names the bytes of an ingest batch. */
    void (*sha256_hex)(const void *data, size_t len, char *hex_r);
    /** A secret by its reference (crypto/secret.h), to be released. */
    int (*secret_open)(const char *reference, bool allow_mount_mode, void **secret_r, struct err *err);
    const char *(*secret_text)(const void *secret);
    void (*secret_release)(void *secret); /* NULL is taken */
    /** Once, after the settings are read and before the first secret_open: whom references need to be asked
     * is there from now on (secrets/secrets.h). Asks nobody. warn: an event's name and a text for the log. */
    int (*secrets_open)(const struct settings *settings, void (*warn)(const char *event, const char *text),
                        struct err *err);
    void (*secrets_tend)(void);  /* often: what has to be renewed in time is; cheap */
    void (*secrets_close)(void); /* also where secrets_open was not called */
};

#endif

#include "stage_crypto.h"

#include "crypto/secret.h"
#include "crypto/sha256.h"
#include "secrets/secrets.h"

static void hash(const void *data, size_t len, char *hex_r)
{
    sha256_hex(data, len, hex_r);
}

static int open_secret(const char *reference, bool allow_mount_mode, void **secret_r, struct err *err)
{
    struct secret *secret;

    if (secret_resolve(reference, allow_mount_mode, &secret, err) != 0)
        return -1;
    *secret_r = secret;
    return 0;
}

static const char *text(const void *secret)
{
    return secret_text(secret);
}

static void release(void *secret)
{
    secret_free(secret);
}

static void (*warn_to)(const char *event, const char *text);

static void warn(void *unused, const char *event, const char *text)
{
    (void)unused;
    warn_to(event, text);
}

static int open_secrets(const struct settings *settings, void (*to)(const char *event, const char *text),
                        struct err *err)
{
    warn_to = to;
    return secrets_open(settings, &(const struct vault_warn){ .warn = warn }, err);
}

const struct stage_crypto stage_crypto = {
    .sha256_hex = hash,
    .secret_open = open_secret,
    .secret_text = text,
    .secret_release = release,
    .secrets_open = open_secrets,
    .secrets_tend = secrets_tend,
    .secrets_close = secrets_close,
};

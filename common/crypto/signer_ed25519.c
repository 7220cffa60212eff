/* The signer "ed25519:file:PATH": an Ed25519 key in a PEM file (RFC 8410), kept in guarded memory. */
#include "crypto/signer.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/fsio.h"
#include "crypto/ed25519_pem.h"
#include "crypto/secret.h"

struct ed25519_signer {
    struct signer signer;
    struct secret *key; /* libsodium's form: seed and public key, 64 bytes */
};

static int ed25519_sign(struct signer *signer, const void *message, size_t len, unsigned char *signature_r,
                        size_t *signature_len_r, struct err *err)
{
    const struct ed25519_signer *own = (const struct ed25519_signer *)signer;
    unsigned long long made = 0;

    if (crypto_sign_detached(signature_r, &made, message, len,
                             (const unsigned char *)secret_text(own->key)) != 0)
        return err_set(err, ERR_SIGNER, 0, "the key does not sign");
    *signature_len_r = (size_t)made;
    return 0;
}

static void ed25519_free(struct signer *signer)
{
    secret_free(((struct ed25519_signer *)signer)->key);
    free(signer);
}

/* "file:PATH" relative to base as an absolute reference; anything else as it is. malloc'd. */
static char *resolve_reference(const char *rest, const char *base)
{
    char *path, *reference = NULL;

    if (base == NULL || strncmp(rest, "file:", 5) != 0)
        return strdup(rest);
    path = fsio_resolve(base, rest + 5);
    if (path != NULL && asprintf(&reference, "file:%s", path) < 0)
        reference = NULL;
    free(path);
    return reference;
}

static int read_seed(const char *rest, const struct signer_options *options,
                     unsigned char seed_r[ED25519_BYTES], struct err *err)
{
    char *reference = resolve_reference(rest, options->base);
    struct secret *pem = NULL;
    int rc = -1;

    if (reference == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the signer");
    if (secret_resolve(reference, options->allow_mount_mode, &pem, err) != 0) {
        if (err->code == ERR_SECRET)
            err->code = ERR_SIGNER;
        err_prefix(err, "%s", signer_setting(options));
    } else if (ed25519_read_private(secret_text(pem), secret_len(pem), seed_r, err) != 0) {
        err_prefix(err, "%s: %s", signer_setting(options), reference);
    } else {
        rc = 0;
    }
    secret_free(pem);
    free(reference);
    return rc;
}

static void print_public(const unsigned char public[ED25519_BYTES], char *pem_r)
{
    struct buf pem;

    buf_init(&pem, PUBLIC_PEM_MAX - 1); /* a public key's PEM has 113 bytes */
    ed25519_print_public(&pem, public);
    memcpy(pem_r, pem.data, pem.len + 1);
    buf_release(&pem);
}

int signer_ed25519_open(const char *rest, const struct signer_options *options, struct signer **signer_r,
                        struct err *err)
{
    static const struct signer_ops ops = { ed25519_sign, ed25519_free };
    unsigned char seed[ED25519_BYTES], public[crypto_sign_PUBLICKEYBYTES], key[crypto_sign_SECRETKEYBYTES];
    struct ed25519_signer *own = NULL;
    int rc = -1;

    if (sodium_init() < 0)
        return err_set(err, ERR_BUG, 0, "libsodium does not start");
    if (read_seed(rest, options, seed, err) != 0)
        return -1;
    crypto_sign_seed_keypair(public, key, seed);
    own = calloc(1, sizeof(*own));
    if (own == NULL) {
        err_set(err, ERR_NOMEM, 0, "no memory for the signer");
    } else if (secret_copy(key, sizeof(key), &own->key, err) == 0) {
        own->signer.ops = &ops;
        own->signer.algorithm = "ed25519";
        ed25519_keyid(public, own->signer.keyid);
        print_public(public, own->signer.public_pem);
        *signer_r = &own->signer;
        own = NULL;
        rc = 0;
    }
    free(own);
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(key, sizeof(key));
    return rc;
}

int signer_keygen(const char *path, char *public_pem_r, struct err *err)
{
    unsigned char seed[ED25519_BYTES], public[crypto_sign_PUBLICKEYBYTES], key[crypto_sign_SECRETKEYBYTES];
    struct buf pem;
    int rc;

    if (sodium_init() < 0)
        return err_set(err, ERR_BUG, 0, "libsodium does not start");
    randombytes_buf(seed, sizeof(seed));
    crypto_sign_seed_keypair(public, key, seed);
    buf_init(&pem, 512);
    ed25519_print_private(&pem, seed);
    rc = fsio_write_new(path, pem.data, pem.len, 0600, err);
    if (rc == 1)
        rc = err_set(err, ERR_FILE_EXISTS, 0, "%s exists already: a key is never overwritten", path);
    if (rc == 0)
        print_public(public, public_pem_r);
    sodium_memzero(pem.data, pem.len);
    buf_release(&pem);
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(key, sizeof(key));
    return rc;
}

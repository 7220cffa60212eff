/**
 * signer.h - who signs the evidence: an interface, and the table of what serves it, chosen by the prefix of
 * audit.signer (DESIGN.md 8).
 *
 *     ed25519:file:PATH   an Ed25519 key in a file, for development (signer_ed25519.c)
 *
 * A signer holds the private key, or the way to it, and nobody else sees it. What a verifier needs is public:
 * the key as PEM and its keyid, the lower-case hex SHA-256 of the SubjectPublicKeyInfo in DER.
 */
#ifndef CRYPTO_SIGNER_H
#define CRYPTO_SIGNER_H

#include <stdbool.h>

#include "base/err.h"
#include "crypto/sha256.h"

#define SIGNATURE_MAX  128 /* bytes: Ed25519 has 64, ECDSA P-256 in DER at most 72 */
#define PUBLIC_PEM_MAX 256

struct signer;

struct signer_ops {
    int (*sign)(struct signer *signer, const void *message, size_t len, unsigned char *signature_r,
                size_t *signature_len_r, struct err *err);
    void (*free)(struct signer *signer);
};

/* The public part; a kind of signer has it as its first member. */
struct signer {
    const struct signer_ops *ops;
    const char *algorithm; /* "ed25519" */
    char keyid[SHA256_HEX];
    char public_pem[PUBLIC_PEM_MAX]; /* SubjectPublicKeyInfo (RFC 7468, section 13) */
};

struct signer_options {
    const char *base; /* a relative path is relative to this file (the settings); NULL: the working folder */
    bool allow_mount_mode; /* secrets.allow_mount_mode */
    const char *setting;   /* what names the signer, for messages; NULL: audit.signer */
};

/**
 * Opens what reference names.
 *
 * @return 0 and *signer_r, freed with signer_free; -1 with ERR_SETTINGS (no such kind of signer: the text
 * names those there are), ERR_SIGNER (no usable key there), ERR_SECRET_MODE (others may read the key file)
 */
int signer_open(const char *reference, const struct signer_options *options, struct signer **signer_r,
                struct err *err) __attribute__((nonnull(1, 2, 3, 4)));
/** NULL is fine. The key is wiped. */
void signer_free(struct signer *signer);

/** Signs the message itself (Ed25519 hashes inside) into signature_r[SIGNATURE_MAX]. -1 with ERR_SIGNER. */
int signer_sign(struct signer *signer, const void *message, size_t len, unsigned char *signature_r,
                size_t *signature_len_r, struct err *err) __attribute__((nonnull(1, 4, 5, 6)));

/** What messages call the place that names the signer. */
const char *signer_setting(const struct signer_options *options) __attribute__((nonnull(1)));

/** The kind behind "ed25519:"; rest is what follows it ("file:PATH"). Called by signer_open. */
int signer_ed25519_open(const char *rest, const struct signer_options *options, struct signer **signer_r,
                        struct err *err) __attribute__((nonnull(1, 2, 3, 4)));

/**
 * Makes a new Ed25519 key and writes it to path as PEM PKCS#8 with mode 0600, never over a file that is there
 * (ERR_FILE_DENIED). public_pem_r[PUBLIC_PEM_MAX] gets the public half.
 */
int signer_keygen(const char *path, char *public_pem_r, struct err *err) __attribute__((nonnull(1, 2, 3)));

#endif

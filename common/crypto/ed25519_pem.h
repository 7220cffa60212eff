/**
 * ed25519_pem.h - Ed25519 keys in the text forms that other tools read: PEM PKCS#8 for the private key, PEM
 * SubjectPublicKeyInfo for the public one. Pure.
 *
 * In DER both are a fixed prefix and 32 bytes, so no ASN.1 parser is needed.
 * Source: RFC 8410, sections 4 (public), 7 (private) and 10 (examples); RFC 7468 (the text form).
 */
#ifndef CRYPTO_ED25519_PEM_H
#define CRYPTO_ED25519_PEM_H

#include "base/buf.h"
#include "crypto/sha256.h"

#define ED25519_BYTES 32 /* of the seed (private) and of the public key alike */

/** Appends "-----BEGIN PRIVATE KEY-----" and so on: secret text, which the caller wipes. Errors stand in out.
 */
void ed25519_print_private(struct buf *out, const unsigned char seed[ED25519_BYTES])
    __attribute__((nonnull(1, 2)));
void ed25519_print_public(struct buf *out, const unsigned char key[ED25519_BYTES])
    __attribute__((nonnull(1, 2)));

/**
 * Reads the first block of that kind in text of len bytes; what stands around it (comments, another block) is
 * passed over. -1 with ERR_SIGNER; the text never quotes the input.
 */
int ed25519_read_private(const char *text, size_t len, unsigned char seed_r[ED25519_BYTES], struct err *err)
    __attribute__((nonnull(1, 3, 4)));
int ed25519_read_public(const char *text, size_t len, unsigned char key_r[ED25519_BYTES], struct err *err)
    __attribute__((nonnull(1, 3, 4)));

/** Lower-case hex SHA-256 of the SubjectPublicKeyInfo in DER. */
void ed25519_keyid(const unsigned char key[ED25519_BYTES], char keyid_r[SHA256_HEX])
    __attribute__((nonnull(1, 2)));

#endif

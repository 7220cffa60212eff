/**
 * cms.h - opens the server token that Apple hands out for automated device enrollment: a .p7m file, in which
 * the token is encrypted for the certificate that was uploaded. Hostile input, bounded before it is parsed.
 *
 * Taken are S/MIME (headers, an empty line, base64), bare base64, PEM ("CMS" or "PKCS7") and the bytes
 * themselves, DER or BER with indefinite lengths, as Apple's are. Inside is text with headers of its own; the
 * token is JSON between "-----BEGIN MESSAGE-----" and "-----END MESSAGE-----", broken into lines anywhere,
 * even within a string. Source: RFC 5652, section 6; RFC 8551, section 3; APPLE_API.md, 2.1 (what real files
 * look like).
 */
#ifndef CRYPTO_CMS_H
#define CRYPTO_CMS_H

#include "crypto/secret.h"

#define P7M_MAX_BYTES 65536 /* of the file; real ones have about 3,000 */

/**
 * Decrypts a server token.
 *
 * @param file         the bytes of the .p7m
 * @param key          the RSA key as PEM (rsa_key.h)
 * @param certificate  the certificate as PEM that the token was made for: one made for another is told so;
 *                     NULL: whatever the key opens
 * @param json_r       out: the token, one JSON object on one line, freed with secret_free
 *
 * @return 0; -1 with ERR_P7M (the file, or what is in it, is not that; or it was made for another
 * certificate), ERR_KEY (no RSA key, no certificate, or one of another key), ERR_NOMEM. No text of the file
 * is quoted.
 */
int cms_open_server_token(const void *file, size_t len, const struct secret *key, const char *certificate,
                          struct secret **json_r, struct err *err)
    __attribute__((nonnull(1, 3, 5, 6), warn_unused_result));

#endif

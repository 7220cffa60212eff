/**
 * csr_check.h - whether a text is a certificate signing request as importDepToken takes it. By libcrypto
 * itself and not by common/crypto, so that what the pipeline writes is read by somebody else.
 */
#ifndef SIM_CSR_CHECK_H
#define SIM_CSR_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/sha256.h"

#define CSR_MAX_BYTES 65536
#define CSR_WHY_MAX   160

/**
 * One PKCS#10 request in PEM and nothing else, of an RSA key of 2048 to 8192 bits or of P-256, signed by that
 * key itself with SHA-256, SHA-384 or SHA-512.
 *
 * @param key_sha256_r  out: lower-case hex SHA-256 of the key's SubjectPublicKeyInfo in DER
 * @param why_r         out, where it is none: what is wrong with it
 *
 * Source: RFC 2986; RFC 7468, section 7.
 */
bool csr_check(const char *pem, size_t len, char key_sha256_r[SHA256_HEX], char why_r[CSR_WHY_MAX])
    __attribute__((nonnull(1, 3, 4)));

#endif

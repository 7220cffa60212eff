/**
 * pem.h - the text form of keys, requests and messages: "-----BEGIN LABEL-----", base64, "-----END
 * LABEL-----". Strict: between and around blocks stand only blanks and line ends. Pure.
 *
 * What a block holds may be a key: it goes into guarded memory, and no error quotes any of the text.
 * Source: RFC 7468, sections 2 and 3; RFC 1421, 4.6.1.1 (the "Proc-Type" header of encrypted keys).
 */
#ifndef CRYPTO_PEM_H
#define CRYPTO_PEM_H

#include "base/buf.h"
#include "crypto/secret.h"

/** Appends a block with lines of 64 characters. label without the dashes. Errors stand in out. */
void pem_print(struct buf *out, const char *label, const void *der, size_t len)
    __attribute__((nonnull(1, 2)));

/* A kind of block that the caller takes. */
struct pem_form {
    const char *label; /* "PRIVATE KEY" */
    bool is_skipped;   /* allowed before the one block that is wanted, and passed over */
};

/**
 * Reads the one block that text holds.
 *
 * @param forms  count of them: the labels that are taken
 * @param what   what the block is, for the error: "a P-256 private key"
 * @param code   the error's code for whatever is wrong with the text
 * @param der_r  out: the bytes, freed with secret_free; at most SECRET_MAX_BYTES
 *
 * @return the index of the form it has; -1 with code (no block, several, other text, another label,
 * encrypted, no base64) or ERR_NOMEM
 */
int pem_read_one(const char *text, size_t len, const struct pem_form *forms, size_t count, const char *what,
                 enum err_code code, struct secret **der_r, struct err *err)
    __attribute__((nonnull(1, 3, 5, 7, 8), warn_unused_result));

#endif

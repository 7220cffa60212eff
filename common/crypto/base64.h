/**
 * base64.h - base64 with padding, and its alphabet for URLs without, strict when reading. Source: RFC 4648,
 * sections 4 and 5 (and 3.5: the unused bits of the last character must be zero, so that one value has one
 * text); RFC 7515, section 2 (base64url has no padding).
 */
#ifndef CRYPTO_BASE64_H
#define CRYPTO_BASE64_H

#include "base/buf.h"

/** Appends the text of len bytes; errors stand in the buffer. */
void base64_encode(struct buf *out, const void *data, size_t len) __attribute__((nonnull(1)));

/**
 * Appends the bytes of text. No blanks, no line ends, padding required.
 *
 * @return 0; -1 with ERR_ENCODING (the offset of what is wrong), or with out's own failure. On failure out is
 * as it was.
 */
int base64_decode(struct buf *out, const char *text, size_t len, struct err *err)
    __attribute__((nonnull(1, 4)));

/** The same with '-' and '_', and no padding. */
void base64url_encode(struct buf *out, const void *data, size_t len) __attribute__((nonnull(1)));
int base64url_decode(struct buf *out, const char *text, size_t len, struct err *err)
    __attribute__((nonnull(1, 4)));

#endif

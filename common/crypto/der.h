/**
 * der.h - a walk over DER: one element after another, definite lengths only, no recursion and no memory. For
 * the few fixed forms of keys; whatever has a real grammar is libcrypto's. Private to the layer. Source:
 * ITU-T X.690, sections 8.1 and 10.1.
 */
#ifndef CRYPTO_DER_H
#define CRYPTO_DER_H

#include <stdbool.h>
#include <stddef.h>

#define DER_INTEGER      0x02
#define DER_BIT_STRING   0x03
#define DER_OCTET_STRING 0x04
#define DER_OID          0x06
#define DER_SEQUENCE     0x30
#define DER_CONTEXT_0    0xa0
#define DER_CONTEXT_1    0xa1

/* What is left to read; borrowed. */
struct der {
    const unsigned char *at;
    size_t len;
};

/** Takes one element with that tag off the front: its content into *content_r. false: there is none (der
 * stays). */
bool der_take(struct der *der, unsigned char tag, struct der *content_r) __attribute__((nonnull(1, 3)));
/** The same, where the content must be those bytes. */
bool der_expect(struct der *der, unsigned char tag, const void *bytes, size_t len)
    __attribute__((nonnull(1)));

#endif

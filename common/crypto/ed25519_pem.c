#include "crypto/ed25519_pem.h"

#include <string.h>

#include <sodium.h>

#include "crypto/base64.h"

/* SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING (32 bytes) } } */
static const unsigned char private_prefix[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                                0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
/* SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING (no unused bits, 32 bytes) } */
static const unsigned char public_prefix[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                               0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

#define DER_MAX    64
#define BASE64_MAX 128 /* characters of a key's block, far above the 64 of a private key */

struct form {
    const char *label;
    const unsigned char *prefix;
    size_t prefix_len;
};

static const struct form private_form = { "PRIVATE KEY", private_prefix, sizeof(private_prefix) };
static const struct form public_form = { "PUBLIC KEY", public_prefix, sizeof(public_prefix) };

static void print(struct buf *out, const struct form *form, const unsigned char key[ED25519_BYTES])
{
    unsigned char der[DER_MAX];

    memcpy(der, form->prefix, form->prefix_len);
    memcpy(der + form->prefix_len, key, ED25519_BYTES);
    buf_addf(out, "-----BEGIN %s-----\n", form->label);
    base64_encode(out, der, form->prefix_len + ED25519_BYTES); /* at most 64 characters: one line */
    buf_addf(out, "\n-----END %s-----\n", form->label);
    sodium_memzero(der, sizeof(der));
}

/* The base64 between the two lines of the block, without its line ends, into base64_r[BASE64_MAX]; 0: no
 * block. */
static size_t block_of(const char *text, size_t len, const char *label, char *base64_r)
{
    char begin[48], end[48];
    const char *from, *to;
    size_t count = 0;

    int begin_len = snprintf(begin, sizeof(begin), "-----BEGIN %s-----", label);
    int end_len = snprintf(end, sizeof(end), "-----END %s-----", label);

    from = memmem(text, len, begin, (size_t)begin_len);
    if (from == NULL)
        return 0;
    from += begin_len;
    to = memmem(from, len - (size_t)(from - text), end, (size_t)end_len);
    if (to == NULL)
        return 0;
    for (; from < to; from++) {
        if (*from == '\n' || *from == '\r' || *from == ' ' || *from == '\t')
            continue;
        if (count == BASE64_MAX)
            return 0;
        base64_r[count++] = *from;
    }
    return count;
}

static int read(const char *text, size_t len, const struct form *form, unsigned char key_r[ED25519_BYTES],
                struct err *err)
{
    char base64[BASE64_MAX];
    size_t count = block_of(text, len, form->label, base64);
    struct err why = ERR_INIT;
    struct buf der;
    int rc = -1;

    buf_init(&der, BASE64_MAX);
    if (count == 0)
        err_set(err, ERR_SIGNER, 0, "no \"-----BEGIN %s-----\" block of an Ed25519 key", form->label);
    else if (base64_decode(&der, base64, count, &why) != 0)
        err_set(err, why.code == ERR_NOMEM ? ERR_NOMEM : ERR_SIGNER, 0,
                why.code == ERR_NOMEM ? "no memory for the %s block" : "the %s block is no base64",
                form->label);
    else if (der.len != form->prefix_len + ED25519_BYTES ||
             memcmp(der.data, form->prefix, form->prefix_len) != 0)
        err_set(err, ERR_SIGNER, 0, "the %s block holds no Ed25519 key (RFC 8410)", form->label);
    else
        rc = 0;
    if (rc == 0)
        memcpy(key_r, der.data + form->prefix_len, ED25519_BYTES);
    if (der.len > 0)
        sodium_memzero(der.data, der.len);
    buf_release(&der);
    sodium_memzero(base64, sizeof(base64));
    return rc;
}

void ed25519_print_private(struct buf *out, const unsigned char seed[ED25519_BYTES])
{
    print(out, &private_form, seed);
}

void ed25519_print_public(struct buf *out, const unsigned char key[ED25519_BYTES])
{
    print(out, &public_form, key);
}

int ed25519_read_private(const char *text, size_t len, unsigned char seed_r[ED25519_BYTES], struct err *err)
{
    return read(text, len, &private_form, seed_r, err);
}

int ed25519_read_public(const char *text, size_t len, unsigned char key_r[ED25519_BYTES], struct err *err)
{
    return read(text, len, &public_form, key_r, err);
}

void ed25519_keyid(const unsigned char key[ED25519_BYTES], char keyid_r[SHA256_HEX])
{
    unsigned char der[DER_MAX];

    memcpy(der, public_prefix, sizeof(public_prefix));
    memcpy(der + sizeof(public_prefix), key, ED25519_BYTES);
    sha256_hex(der, sizeof(public_prefix) + ED25519_BYTES, keyid_r);
}

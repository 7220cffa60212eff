#include "crypto/seal.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/str.h"
#include "crypto/base64.h"

#define VERSION     1
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_BYTES  (1 + NONCE_BYTES)
#define RAW_MAX     (HEAD_BYTES + SEAL_MAX_BYTES + TAG_BYTES)

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the cipher's own size");
_Static_assert(SEAL_TEXT_MAX_BYTES == (RAW_MAX + 2) / 3 * 4, "base64 of the largest value");
_Static_assert(SEAL_MAX_BYTES <= SECRET_MAX_BYTES, "a value fits a secret");

struct seal_key {
    struct secret *bytes;
};

/* The version and the name: what the tag covers besides the value. */
struct bound {
    unsigned char bytes[1 + SEAL_NAME_MAX];
    size_t len;
};

static const unsigned char *key_of(const struct seal_key *key)
{
    return (const unsigned char *)secret_text(key->bytes);
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, 0, "no memory for a sealed value");
}

static bool is_drawn(const unsigned char bytes[SEAL_KEY_BYTES])
{
    for (size_t i = 1; i < SEAL_KEY_BYTES; i++)
        if (bytes[i] != bytes[0])
            return true;
    return false;
}

int seal_key_new(const struct secret *text, struct seal_key **key_r, struct err *err)
{
    struct seal_key *key = calloc(1, sizeof(*key));
    struct err why = ERR_INIT;
    struct buf bytes;
    int rc = -1;

    buf_init(&bytes, SEAL_KEY_BYTES);
    if (key == NULL || buf_reserve(&bytes, SEAL_KEY_BYTES) != 0)
        no_memory(err);
    else if (base64_decode(&bytes, secret_text(text), secret_len(text), &why) != 0 ||
             bytes.len != SEAL_KEY_BYTES)
        err_set(err, ERR_SECRET, 0,
                "secrets.seal_key is not base64 of 32 bytes: openssl rand -base64 32 makes one");
    else if (!is_drawn((const unsigned char *)bytes.data))
        err_set(err, ERR_SECRET, 0,
                "secrets.seal_key is 32 times the same byte: openssl rand -base64 32 makes a key");
    else
        rc = secret_copy(bytes.data, bytes.len, &key->bytes, err);
    if (bytes.cap > 0)
        sodium_memzero(bytes.data, bytes.cap);
    buf_release(&bytes);
    if (rc == 0)
        *key_r = key;
    else
        free(key);
    return rc;
}

void seal_key_free(struct seal_key *key)
{
    if (key == NULL)
        return;
    secret_free(key->bytes);
    free(key);
}

static bool bind_name(const char *name, struct bound *bound)
{
    size_t len = strlen(name);

    if (len == 0 || len > SEAL_NAME_MAX)
        return false;
    bound->bytes[0] = VERSION;
    memcpy(bound->bytes + 1, name, len);
    bound->len = 1 + len;
    return true;
}

int seal(const struct seal_key *key, const char *name, const void *value, size_t len, struct buf *out,
         struct err *err)
{
    size_t before = out->len;
    unsigned char *raw;
    struct bound bound;

    if (len > SEAL_MAX_BYTES)
        return err_set(err, ERR_LIMIT, 0, "a value of %zu bytes: at most %d are sealed", len, SEAL_MAX_BYTES);
    if (!bind_name(name, &bound))
        return err_set(err, ERR_LIMIT, 0, "the name of a sealed value has 1 to %d bytes", SEAL_NAME_MAX);
    raw = malloc(HEAD_BYTES + len + TAG_BYTES);
    if (raw == NULL)
        return no_memory(err);
    raw[0] = VERSION;
    randombytes_buf(raw + 1, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw + HEAD_BYTES, NULL, value, len, bound.bytes, bound.len,
                                               NULL, raw + 1, key_of(key));
    base64_encode(out, raw, HEAD_BYTES + len + TAG_BYTES);
    free(raw);
    if (out->is_failed)
        buf_truncate(out, before);
    return buf_check(out, "the sealed value", err);
}

static int refuse(struct err *err, const char *name, const char *why)
{
    struct buf shown;

    buf_init(&shown, 8 * SEAL_NAME_MAX);
    str_escape(&shown, name, strlen(name), 200);
    err_set(err, ERR_SEAL, 0, "%s: %s", shown.data, why);
    buf_release(&shown);
    return -1;
}

/* raw holds at least a head and a tag. */
static int open_raw(const struct seal_key *key, const char *name, const unsigned char *raw, size_t len,
                    struct secret **value_r, struct err *err)
{
    struct bound bound;
    size_t value_len = len - HEAD_BYTES - TAG_BYTES;
    unsigned char *value = sodium_malloc(value_len + 1);
    int rc = -1;

    if (value == NULL)
        return no_memory(err);
    if (!bind_name(name, &bound))
        refuse(err, name, "the name of a sealed value has 1 to 512 bytes");
    else if (crypto_aead_xchacha20poly1305_ietf_decrypt(value, NULL, NULL, raw + HEAD_BYTES, len - HEAD_BYTES,
                                                        bound.bytes, bound.len, raw + 1, key_of(key)) != 0)
        refuse(err, name, "not sealed under this name with this secrets.seal_key, or altered since");
    else
        rc = secret_copy(value, value_len, value_r, err);
    sodium_free(value); /* wipes */
    return rc;
}

int unseal(const struct seal_key *key, const char *name, const char *text, size_t len,
           struct secret **value_r, struct err *err)
{
    struct err why = ERR_INIT;
    struct buf raw;
    int rc;

    buf_init(&raw, RAW_MAX);
    if (base64_decode(&raw, text, len, &why) != 0)
        rc = why.code == ERR_NOMEM ? no_memory(err)
                                   : refuse(err, name, "no sealed value: it is no base64 of one");
    else if (raw.len < HEAD_BYTES + TAG_BYTES)
        rc = refuse(err, name, "no sealed value: it is too short for one");
    else if (raw.data[0] != VERSION)
        rc = refuse(err, name, "sealed by another version of this program: upgrade this one");
    else
        rc = open_raw(key, name, (const unsigned char *)raw.data, raw.len, value_r, err);
    buf_release(&raw);
    return rc;
}

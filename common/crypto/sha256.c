#include "crypto/sha256.h"

#include <string.h>

#include <sodium.h>

#include "base/str.h"

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(((struct sha256 *)0)->state),
               "struct sha256 holds libsodium's state");

/* cppcheck takes the address of the storage for its content */
static crypto_hash_sha256_state *state_of(struct sha256 *sha)
{
    // cppcheck-suppress ctuuninitvar
    return (crypto_hash_sha256_state *)sha->state;
}

void sha256_init(struct sha256 *sha)
{
    crypto_hash_sha256_init(state_of(sha));
}

void sha256_add(struct sha256 *sha, const void *data, size_t len)
{
    if (len > 0)
        crypto_hash_sha256_update(state_of(sha), data, len);
}

void sha256_end(struct sha256 *sha, unsigned char hash_r[SHA256_BYTES])
{
    crypto_hash_sha256_final(state_of(sha), hash_r);
}

void sha256_end_hex(struct sha256 *sha, char hex_r[SHA256_HEX])
{
    unsigned char hash[SHA256_BYTES];

    sha256_end(sha, hash);
    str_hex(hash, sizeof(hash), hex_r);
}

void sha256(const void *data, size_t len, unsigned char hash_r[SHA256_BYTES])
{
    struct sha256 sha;

    sha256_init(&sha);
    sha256_add(&sha, data, len);
    sha256_end(&sha, hash_r);
}

void sha256_hex(const void *data, size_t len, char hex_r[SHA256_HEX])
{
    struct sha256 sha;

    sha256_init(&sha);
    sha256_add(&sha, data, len);
    sha256_end_hex(&sha, hex_r);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool sha256_from_hex(const char *text, unsigned char hash_r[SHA256_BYTES])
{
    unsigned char hash[SHA256_BYTES];

    if (text == NULL || strlen(text) != 2 * SHA256_BYTES)
        return false;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(hash_r, hash, sizeof(hash));
    return true;
}

bool sha256_is_hex(const char *text)
{
    unsigned char hash[SHA256_BYTES];

    return sha256_from_hex(text, hash);
}

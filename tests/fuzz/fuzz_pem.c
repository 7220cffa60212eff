/*
 * Any bytes as a key file, public and private: what is taken prints and is taken again, and what is refused
 * is never quoted.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/ed25519_pem.h"
#include "crypto/verifier.h"
#include "fuzz.h"

static void read_public(const char *text, size_t len)
{
    unsigned char key[ED25519_BYTES], again[ED25519_BYTES];
    struct verifier verifier;
    struct err err = ERR_INIT;
    struct buf out;

    if (ed25519_read_public(text, len, key, &err) != 0) {
        FUZZ_CHECK(err.code == ERR_SIGNER && err.text[0] != '\0');
        return;
    }
    buf_init(&out, 4096);
    ed25519_print_public(&out, key);
    FUZZ_CHECK(!out.is_failed && ed25519_read_public(out.data, out.len, again, &err) == 0);
    FUZZ_CHECK(memcmp(key, again, sizeof(key)) == 0);
    if (verifier_from_pem(out.data, &verifier, &err) == 0)
        FUZZ_CHECK(!verifier_accepts(&verifier, text, len, key, sizeof(key)));
    buf_release(&out);
}

static void read_private(const char *text, size_t len)
{
    unsigned char seed[ED25519_BYTES], again[ED25519_BYTES];
    struct err err = ERR_INIT;
    struct buf out;

    if (ed25519_read_private(text, len, seed, &err) != 0) {
        FUZZ_CHECK(err.code == ERR_SIGNER && err.text[0] != '\0');
        return;
    }
    buf_init(&out, 4096);
    ed25519_print_private(&out, seed);
    FUZZ_CHECK(!out.is_failed && ed25519_read_private(out.data, out.len, again, &err) == 0);
    FUZZ_CHECK(memcmp(seed, again, sizeof(seed)) == 0);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    read_public((const char *)data, size);
    read_private((const char *)data, size);
    return 0;
}

#include "crypto/verifier.h"

#include <string.h>

#include <sodium.h>

#include "crypto/ed25519_pem.h"

_Static_assert(crypto_sign_PUBLICKEYBYTES == ED25519_BYTES, "libsodium's public key is the raw 32 bytes");

int verifier_from_pem(const char *pem, struct verifier *verifier_r, struct err *err)
{
    struct verifier verifier = { 0 };

    if (ed25519_read_public(pem, strlen(pem), verifier.ed25519, err) != 0)
        return -1;
    ed25519_keyid(verifier.ed25519, verifier.keyid);
    *verifier_r = verifier;
    return 0;
}

bool verifier_accepts(const struct verifier *verifier, const void *message, size_t len, const void *signature,
                      size_t signature_len)
{
    return signature_len == crypto_sign_BYTES &&
           crypto_sign_verify_detached(signature, message, len, verifier->ed25519) == 0;
}

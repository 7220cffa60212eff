/*
 * Any bytes as the PEM of a key: of a private and a public one on P-256, which are taken again as they are
 * printed, and of an RSA key, as who opens a server token reads it.
 */
#include <string.h>

#include "crypto/cms.h"
#include "crypto/ec_key.h"
#include "fuzz.h"

static void read_private(const char *text, size_t len)
{
    struct ec_key *key = NULL, *again = NULL;
    struct secret *pem = NULL;
    struct err err = ERR_INIT;

    if (ec_key_read(text, len, &key, &err) != 0) {
        FUZZ_CHECK(err.code == ERR_KEY && err.text[0] != '\0' && key == NULL);
        return;
    }
    FUZZ_CHECK(ec_key_print(key, &pem, &err) == 0);
    FUZZ_CHECK(ec_key_read(secret_text(pem), secret_len(pem), &again, &err) == 0);
    FUZZ_CHECK(memcmp(ec_key_public(key), ec_key_public(again), sizeof(struct ec_public)) == 0);
    secret_free(pem);
    ec_key_free(again);
    ec_key_free(key);
}

static void read_public(const char *text, size_t len)
{
    struct ec_public public, again;
    struct err err = ERR_INIT;
    struct buf pem;

    if (ec_public_read(text, len, &public, &err) != 0) {
        FUZZ_CHECK(err.code == ERR_KEY && err.text[0] != '\0');
        return;
    }
    buf_init(&pem, 1024);
    ec_public_print(&pem, &public);
    FUZZ_CHECK(!pem.is_failed && ec_public_read(pem.data, pem.len, &again, &err) == 0);
    FUZZ_CHECK(memcmp(&public, &again, sizeof(public)) == 0);
    buf_release(&pem);
}

static void read_rsa(const char *text, size_t len)
{
    struct secret *pem = NULL, *json = NULL;
    struct err err = ERR_INIT;

    if (secret_copy(text, len, &pem, &err) != 0)
        return;
    FUZZ_CHECK(cms_open_server_token("", 0, pem, NULL, &json, &err) == -1);
    FUZZ_CHECK(err.code == ERR_KEY || err.code == ERR_P7M); /* the key was taken, and the file is empty */
    secret_free(pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_private((const char *)data, size);
    read_public((const char *)data, size);
    read_rsa((const char *)data, size);
    return 0;
}

/*
 * Any bytes as a sealed text, which does not open (but for those that the corpus holds, sealed by a known
 * key), and as a value, which comes back from what is sealed of it.
 */
#include <string.h>

#include "crypto/seal.h"
#include "fuzz.h"

#define KEY   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NAME  "{abm:org}:token"
#define VALUE "hunter2-hunter2"

static struct seal_key *key;

static void make_key(void)
{
    struct secret *text = NULL;
    struct err err = ERR_INIT;

    FUZZ_CHECK(secret_copy(KEY, strlen(KEY), &text, &err) == 0 && seal_key_new(text, &key, &err) == 0);
    secret_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secret *value = NULL;
    struct err err = ERR_INIT;
    struct buf text;

    if (key == NULL)
        make_key();
    if (unseal(key, NAME, (const char *)data, size, &value, &err) == 0)
        FUZZ_CHECK(strcmp(secret_text(value), VALUE) == 0);
    else
        FUZZ_CHECK(err.code == ERR_SEAL && value == NULL);
    secret_free(value);
    value = NULL;
    buf_init(&text, SEAL_TEXT_MAX_BYTES);
    if (size <= SEAL_MAX_BYTES) {
        FUZZ_CHECK(seal(key, NAME, data, size, &text, &err) == 0);
        FUZZ_CHECK(unseal(key, NAME, text.data, text.len, &value, &err) == 0);
        FUZZ_CHECK(secret_len(value) == size && (size == 0 || memcmp(secret_text(value), data, size) == 0));
    }
    secret_free(value);
    buf_release(&text);
    return 0;
}

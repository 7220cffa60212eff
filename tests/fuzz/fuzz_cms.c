/*
 * Any bytes as a .p7m for the key and certificate of harness/keys.h, and the same bytes as what is decrypted
 * from one: a token has no line ends and is JSON, and nothing longer than the input comes of it.
 */
#include <string.h>

#include "base/json.h"
#include "crypto/cms.h"
#include "crypto/mail.h"
#include "crypto/server_token.h"
#include "fuzz.h"
#include "harness/keys.h"

static struct secret *key;

static void open_file(const uint8_t *data, size_t size, const char *certificate)
{
    struct secret *token = NULL;
    struct err err = ERR_INIT;
    struct json *doc = NULL;

    if (cms_open_server_token(data, size, key, certificate, &token, &err) != 0) {
        FUZZ_CHECK(err.code == ERR_P7M && err.text[0] != '\0' && token == NULL);
        return;
    }
    FUZZ_CHECK(secret_len(token) <= size && memchr(secret_text(token), '\n', secret_len(token)) == NULL);
    /* A name that stands twice is refused by who reads it. */
    if (json_parse(secret_text(token), secret_len(token), &doc, &err) == 0)
        FUZZ_CHECK(json_kind(doc) == JSON_OBJECT);
    json_free(doc);
    secret_free(token);
}

static void join(const char *text, size_t len)
{
    char *joined = malloc(len > 0 ? len : 1);
    size_t joined_len = 0;

    FUZZ_CHECK(joined != NULL);
    if (mail_join(text, len, joined, &joined_len)) {
        FUZZ_CHECK(joined_len <= len);
        FUZZ_CHECK(joined_len == 0 || (memchr(joined, '\n', joined_len) == NULL && joined[0] != ' '));
    }
    free(joined);
}

static void read_token(const char *text, size_t len)
{
    struct server_token token;
    struct secret *json = NULL;
    struct err err = ERR_INIT;
    struct json *doc = NULL;

    if (secret_copy(text, len, &json, &err) != 0)
        return;
    if (server_token_read(json, &token, &err) != 0) {
        FUZZ_CHECK(err.code == ERR_P7M);
    } else if (json_parse(text, len, &doc, &err) ==
               0) { /* not where a member that we pass over stands twice */
        const char *consumer_key = json_string(json_get(doc, "consumer_key"));

        FUZZ_CHECK(consumer_key != NULL && strcmp(consumer_key, token.consumer_key) == 0);
        FUZZ_CHECK(json_string(json_get(doc, "access_secret")) != NULL);
    }
    json_free(doc);
    secret_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;

    if (key == NULL)
        FUZZ_CHECK(secret_copy(key_rsa, strlen(key_rsa), &key, &err) == 0);
    open_file(data, size, key_rsa_certificate);
    open_file(data, size, NULL);
    join((const char *)data, size);
    read_token((const char *)data, size);
    return 0;
}

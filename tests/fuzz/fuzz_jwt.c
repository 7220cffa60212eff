/*
 * Any bytes as a token: reading it and asking when it expires agree, and nothing is taken for signed by the
 * key of RFC 7515, A.3 but what it signed there. Any bytes as base64url come back from the bytes that they
 * stand for.
 */
#include <string.h>

#include "crypto/base64.h"
#include "crypto/jwt.h"
#include "fuzz.h"
#include "harness/keys.h"

#define RFC_SIGNED                                                                                           \
    "eyJhbGciOiJFUzI1NiJ9."                                                                                  \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"               \
    "cnVlfQ."

static struct ec_public public;

static void read_token(const char *token, size_t len)
{
    struct err err = ERR_INIT, exp_err = ERR_INIT;
    struct jwt *jwt = NULL;
    int64_t exp_ms = -1;
    int has_exp = jwt_expiry(token, len, &exp_ms, &exp_err);

    FUZZ_CHECK(has_exp == 1 ? exp_ms >= 0 && exp_ms <= INT64_C(253402300799999) : exp_ms == -1);
    FUZZ_CHECK(has_exp != -1 || exp_err.code == ERR_JWT);
    if (jwt_read(token, len, &jwt, &err) != 0) {
        FUZZ_CHECK(err.code == ERR_JWT && has_exp == 0);
        return;
    }
    FUZZ_CHECK(json_kind(jwt_claims(jwt)) == JSON_OBJECT);
    FUZZ_CHECK(has_exp == 0 || json_get(jwt_claims(jwt), "exp") != NULL);
    if (jwt_verify_es256(jwt, &public, &err) == 0)
        FUZZ_CHECK(len > sizeof(RFC_SIGNED) && memcmp(token, RFC_SIGNED, sizeof(RFC_SIGNED) - 1) == 0);
    jwt_free(jwt);
}

static void decode(const char *text, size_t len)
{
    struct err err = ERR_INIT;
    struct buf bytes, again;

    buf_init(&bytes, len);
    buf_init(&again, len);
    if (base64url_decode(&bytes, text, len, &err) == 0) {
        base64url_encode(&again, bytes.data, bytes.len);
        FUZZ_CHECK(!again.is_failed && again.len == len && (len == 0 || memcmp(again.data, text, len) == 0));
    } else {
        FUZZ_CHECK(err.code == ERR_ENCODING && bytes.len == 0);
    }
    buf_release(&bytes);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;

    if (public.point[0] == 0)
        FUZZ_CHECK(ec_public_read(key_rfc_public, strlen(key_rfc_public), &public, &err) == 0);
    read_token((const char *)data, size);
    decode((const char *)data, size);
    return 0;
}

#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base64.h"
#include "crypto/jwt.h"
#include "harness/keys.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* RFC 7515, appendix A.3.1. */
#define RFC_HEADER "eyJhbGciOiJFUzI1NiJ9"
#define RFC_CLAIMS                                                                                           \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

#define CLAIMS "{\"iss\":\"57246542\",\"iat\":1700000000,\"exp\":1700001200,\"aud\":\"appstoreconnect-v1\"}"

static struct ec_key *key;

static int read_key(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    return ec_key_read(key_rfc_pkcs8, strlen(key_rfc_pkcs8), &key, &err);
}

static int drop_key(void **state)
{
    (void)state;
    ec_key_free(key);
    return 0;
}

static int verify(const char *token, struct err *err)
{
    struct jwt *jwt = NULL;
    int rc;

    if (jwt_read(token, strlen(token), &jwt, err) != 0)
        return -1;
    rc = jwt_verify_es256(jwt, ec_key_public(key), err);
    jwt_free(jwt);
    return rc;
}

static void accepts_the_token_of_the_rfc(void **state)
{
    static const char token[] = RFC_HEADER "." RFC_CLAIMS "." RFC_SIGNATURE;
    struct err err = ERR_INIT;
    int64_t exp_ms = 0;

    (void)state;
    if (verify(token, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(jwt_expiry(token, strlen(token), &exp_ms, &err), 1);
    assert_int_equal(exp_ms, INT64_C(1300819380000));
}

static void makes_what_it_verifies(void **state)
{
    static const struct {
        const char *what, *key_id, *header;
    } rows[] = {
        { "a key id", "2X9R4HXF34", "{\"alg\":\"ES256\",\"kid\":\"2X9R4HXF34\",\"typ\":\"JWT\"}" },
        { "none", NULL, "{\"alg\":\"ES256\",\"typ\":\"JWT\"}" },
        { "one with a quote", "a\"b", "{\"alg\":\"ES256\",\"kid\":\"a\\\"b\",\"typ\":\"JWT\"}" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct secret *token = NULL;
        struct jwt *jwt = NULL;
        struct err err = ERR_INIT;
        struct buf header;
        int64_t number = 0;

        if (jwt_sign_es256(key, rows[i].key_id, CLAIMS, strlen(CLAIMS), &token, &err) != 0 ||
            jwt_read(secret_text(token), secret_len(token), &jwt, &err) != 0 ||
            jwt_verify_es256(jwt, ec_key_public(key), &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        buf_init(&header, 1024);
        base64url_encode(&header, rows[i].header, strlen(rows[i].header));
        if (strncmp(secret_text(token), header.data, header.len) != 0 ||
            secret_text(token)[header.len] != '.')
            fail_msg("%s: the header is another", rows[i].what);
        if (rows[i].key_id == NULL)
            assert_null(jwt_key_id(jwt));
        else
            assert_string_equal(jwt_key_id(jwt), rows[i].key_id);
        assert_true(json_int(json_get(jwt_claims(jwt), "iat"), &number) && number == 1700000000);
        buf_release(&header);
        jwt_free(jwt);
        secret_free(token);
    }
}

static void makes_none_of_what_is_none(void **state)
{
    char *long_id = malloc(JWT_KEY_ID_MAX + 2), *long_claims = malloc(JWT_MAX_BYTES);
    struct {
        const char *what, *key_id, *claims, *want;
    } rows[] = {
        { "an empty key id", "", "{}", "a key id has 1 to 256 bytes" },
        { "a long one", long_id, "{}", "a key id has 1 to 256 bytes" },
        { "one that is no UTF-8", "\xff", "{}", "a key id has 1 to 256 bytes" },
        { "no claims", "k", "", "the claims are no JSON" },
        { "an array", "k", "[]", "the claims are an array, not an object" },
        { "two objects", "k", "{}{}", "the claims are no JSON" },
        { "16 KiB", "k", long_claims, "a JWT of more than 16384 bytes" },
    };

    (void)state;
    memset(long_id, 'k', JWT_KEY_ID_MAX + 1);
    long_id[JWT_KEY_ID_MAX + 1] = '\0';
    memset(long_claims, ' ', JWT_MAX_BYTES - 1);
    memcpy(long_claims, "{}", 2);
    long_claims[JWT_MAX_BYTES - 1] = '\0';
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct secret *token = NULL;

        if (jwt_sign_es256(key, rows[i].key_id, rows[i].claims, strlen(rows[i].claims), &token, &err) != -1 ||
            err.code != ERR_JWT || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
    free(long_id);
    free(long_claims);
}

static void refuses_and_says_why(void **state)
{
    static const struct {
        const char *what, *header, *claims, *signature, *want;
    } rows[] = {
        { "other claims", "eyJhbGciOiJFUzI1NiJ9", "e30", RFC_SIGNATURE, "is not that of the key" },
        { "none", "eyJhbGciOiJub25lIn0", RFC_CLAIMS, "", "alg is not ES256" },
        { "HS256", "eyJhbGciOiJIUzI1NiJ9", RFC_CLAIMS, RFC_SIGNATURE, "alg is not ES256" },
        { "no alg", "e30", RFC_CLAIMS, RFC_SIGNATURE, "alg is not ES256" },
        { "alg is a number", "eyJhbGciOjF9", RFC_CLAIMS, RFC_SIGNATURE, "alg is not ES256" },
        { "alg twice", "eyJhbGciOiJFUzI1NiIsImFsZyI6Im5vbmUifQ", RFC_CLAIMS, RFC_SIGNATURE,
          "the header is no JSON" },
        { "crit", "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiYjY0Il19", RFC_CLAIMS, RFC_SIGNATURE,
          "the header has crit" },
        { "no signature", RFC_HEADER, RFC_CLAIMS, "", "the signature has 0 bytes" },
        { "a signature in DER", RFC_HEADER, RFC_CLAIMS, "MAYCAQECAQE", "the signature has 8 bytes" },
        { "unused bits in it", RFC_HEADER, RFC_CLAIMS,
          "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1R",
          "the signature is no base64url" },
        { "padding", RFC_HEADER, RFC_CLAIMS, RFC_SIGNATURE "==", "the signature is no base64url" },
        { "a header that is no object", "W10", RFC_CLAIMS, RFC_SIGNATURE, "the header is an array" },
        { "claims that are no object", RFC_HEADER, "MQ", RFC_SIGNATURE, "the claims part is a number" },
        { "claims that are no JSON", RFC_HEADER, "e3t7", RFC_SIGNATURE, "the claims part is no JSON" },
        { "the other alphabet", RFC_HEADER, "+/+/", RFC_SIGNATURE, "the claims part is no base64url" },
        { "an empty header", "", RFC_CLAIMS, RFC_SIGNATURE, "the header is no JSON" },
        { "four parts", RFC_HEADER, RFC_CLAIMS ".", RFC_SIGNATURE, "not three parts" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct buf token;

        buf_init(&token, 4096);
        buf_addf(&token, "%s.%s.%s", rows[i].header, rows[i].claims, rows[i].signature);
        if (verify(token.data, &err) != -1 || err.code != ERR_JWT || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        buf_release(&token);
    }
}

static void reads_when_a_token_expires(void **state)
{
    static const struct {
        const char *what, *header, *claims, *rest;
        int want;
        int64_t want_ms;
    } rows[] = {
        { "a second", "{\"alg\":\"ES256\"}", "{\"exp\":1700001200}", ".", 1, INT64_C(1700001200000) },
        { "half a second", "{\"alg\":\"RS256\"}", "{\"exp\":1.5}", ".AAAA", 1, 1500 },
        { "the beginning", "{\"alg\":\"HS256\"}", "{\"exp\":0}", ".AAAA", 1, 0 },
        { "the last second", "{\"alg\":\"HS256\"}", "{\"exp\":253402300799}", ".", 1,
          INT64_C(253402300799000) },
        { "an exponent", "{\"alg\":\"HS256\"}", "{\"exp\":17e8}", ".", 1, INT64_C(1700000000000) },
        { "one more", "{\"alg\":\"HS256\"}", "{\"exp\":253402300800}", ".", -1, 0 },
        { "before it", "{\"alg\":\"HS256\"}", "{\"exp\":-1}", ".", -1, 0 },
        { "more than a double holds", "{\"alg\":\"HS256\"}", "{\"exp\":1e999}", ".", 0, 0 },
        { "words", "{\"alg\":\"HS256\"}", "{\"exp\":\"1700001200\"}", ".", -1, 0 },
        { "null", "{\"alg\":\"HS256\"}", "{\"exp\":null}", ".", -1, 0 },
        { "no exp", "{\"alg\":\"HS256\"}", "{\"iat\":1}", ".", 0, 0 },
        { "exp one level down", "{\"alg\":\"HS256\"}", "{\"a\":{\"exp\":1}}", ".", 0, 0 },
        { "exp twice", "{\"alg\":\"HS256\"}", "{\"exp\":1,\"exp\":2}", ".", 0, 0 },
        { "no alg", "{}", "{\"exp\":1}", ".", 0, 0 },
        { "an encrypted one", "{\"alg\":\"dir\"}", "{\"exp\":1}", ".AAAA.AAAA", 0, 0 },
        { "two parts", "{\"alg\":\"HS256\"}", "{\"exp\":1}", "", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        int64_t exp_ms = 0;
        struct buf token;
        int got;

        buf_init(&token, 4096);
        base64url_encode(&token, rows[i].header, strlen(rows[i].header));
        buf_add_char(&token, '.');
        base64url_encode(&token, rows[i].claims, strlen(rows[i].claims));
        buf_add_str(&token, rows[i].rest);
        got = jwt_expiry(token.data, token.len, &exp_ms, &err);
        if (got != rows[i].want || exp_ms != rows[i].want_ms || err.code != (got < 0 ? ERR_JWT : ERR_NONE))
            fail_msg("%s: %d, %lld ms, %s", rows[i].what, got, (long long)exp_ms, err.text);
        buf_release(&token);
    }
}

/* Tokens that are none of ours are no error: an opaque one has no time. */
static void leaves_other_tokens(void **state)
{
    static const char *const rows[] = { "",      ".",        "..",   "opaque", "eyJhbGciOiJFUzI1NiJ9",
                                        "a.b.c", "\n.\n.\n", "=.=.=" };
    char *token = malloc(JWT_MAX_BYTES + 1);
    struct err err = ERR_INIT;
    int64_t exp_ms = 7;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (jwt_expiry(rows[i], strlen(rows[i]), &exp_ms, &err) != 0 || exp_ms != 7)
            fail_msg("'%s': %s", rows[i], err.text);
    memset(token, '.', JWT_MAX_BYTES + 1);
    assert_int_equal(jwt_expiry(token, JWT_MAX_BYTES + 1, &exp_ms, &err), 0);
    assert_int_equal(jwt_expiry(token, JWT_MAX_BYTES, &exp_ms, &err), 0);
    free(token);
}

/* A token fits a header of HTTP, or is none of those that are read here. */
static void reads_no_token_that_is_too_long(void **state)
{
    static const char header[] = "eyJhbGciOiJFUzI1NiJ9.", rest[] = ".AAAA";
    static const size_t room = (JWT_MAX_BYTES - sizeof(header) - sizeof(rest) + 2) / 4 * 3;

    (void)state;
    for (size_t more = 0; more <= 3; more += 3) {
        char *claims = malloc(room + more);
        struct err err = ERR_INIT;
        struct jwt *jwt = NULL;
        int64_t exp_ms = 0;
        struct buf token;

        memset(claims, ' ', room + more);
        memcpy(claims, "{\"exp\":1}", 9);
        buf_init(&token, 2 * JWT_MAX_BYTES);
        buf_add_str(&token, header);
        base64url_encode(&token, claims, room + more);
        buf_add_str(&token, rest);
        if ((jwt_read(token.data, token.len, &jwt, &err) == 0) != (more == 0))
            fail_msg("%zu bytes: %s", token.len, err.text);
        assert_int_equal(jwt_expiry(token.data, token.len, &exp_ms, &err), more == 0);
        jwt_free(jwt);
        buf_release(&token);
        free(claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_the_token_of_the_rfc),    cmocka_unit_test(makes_what_it_verifies),
        cmocka_unit_test(makes_none_of_what_is_none),      cmocka_unit_test(refuses_and_says_why),
        cmocka_unit_test(reads_when_a_token_expires),      cmocka_unit_test(leaves_other_tokens),
        cmocka_unit_test(reads_no_token_that_is_too_long),
    };

    return cmocka_run_group_tests(tests, read_key, drop_key);
}

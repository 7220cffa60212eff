#include "crypto/jwt.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/str.h"
#include "crypto/base64.h"

#define EXP_MAX 253402300799.0 /* the last second of the year 9999 */

struct jwt {
    struct json *header, *claims;
    const char *token;
    size_t signed_len; /* of the token: what the signature is over */
    size_t signature_len;
    unsigned char signature[EC_SIGNATURE_BYTES]; /* set where signature_len is as many */
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, 0, "no memory for a JWT");
}

/* The claims must be an object: a token that the other side refuses would be found out only there. */
static int check_claims(const char *claims, size_t len, struct err *err)
{
    struct json *doc = NULL;
    struct err why = ERR_INIT;
    int rc = -1;

    if (json_parse(claims, len, &doc, &why) != 0)
        why.code == ERR_NOMEM ? no_memory(err) : err_set(err, ERR_JWT, 0, "the claims are no JSON");
    else if (json_kind(doc) != JSON_OBJECT)
        err_set(err, ERR_JWT, 0, "the claims are %s, not an object", json_kind_name(json_kind(doc)));
    else
        rc = 0;
    json_free(doc);
    return rc;
}

static int put_header(struct buf *out, const char *key_id, struct err *err)
{
    struct json_out json;
    struct buf header;
    size_t len = key_id != NULL ? strlen(key_id) : 1;
    int rc = -1;

    if (len == 0 || len > JWT_KEY_ID_MAX || (key_id != NULL && !str_is_utf8(key_id, len)))
        return err_set(err, ERR_JWT, 0, "a key id has 1 to %d bytes of UTF-8", JWT_KEY_ID_MAX);
    buf_init(&header, 64 + 6 * JWT_KEY_ID_MAX); /* escaped, a byte has up to 6 */
    json_out_init(&json, &header);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "alg", "ES256");
    if (key_id != NULL)
        json_add_string(&json, "kid", key_id);
    json_add_string(&json, "typ", "JWT");
    json_end(&json, '}');
    rc = buf_check(&header, "the JWT's header", err);
    if (rc == 0)
        base64url_encode(out, header.data, header.len);
    buf_release(&header);
    return rc;
}

int jwt_sign_es256(const struct ec_key *key, const char *key_id, const char *claims, size_t len,
                   struct secret **token_r, struct err *err)
{
    unsigned char signature[EC_SIGNATURE_BYTES];
    struct buf token;
    int rc = -1;

    buf_init(&token, JWT_MAX_BYTES);
    buf_reserve(&token, JWT_MAX_BYTES); /* once, so that no copy is left behind */
    if (check_claims(claims, len, err) != 0 || put_header(&token, key_id, err) != 0)
        goto out;
    buf_add_char(&token, '.');
    base64url_encode(&token, claims, len);
    if (!token.is_failed) {
        if (ec_key_sign(key, token.data, token.len, signature, err) != 0)
            goto out;
        buf_add_char(&token, '.');
        base64url_encode(&token, signature, sizeof(signature));
    }
    if (token.is_out_of_memory)
        no_memory(err);
    else if (token.is_failed)
        err_set(err, ERR_JWT, 0, "a JWT of more than %d bytes", JWT_MAX_BYTES);
    else
        rc = secret_copy(token.data, token.len, token_r, err);
out:
    if (token.cap > 0)
        sodium_memzero(token.data, token.cap);
    buf_release(&token);
    return rc;
}

/* One of the first two parts as a JSON object. */
static int read_object(const char *text, size_t len, const char *what, struct json **doc_r, struct err *err)
{
    struct err why = ERR_INIT;
    struct json *doc = NULL;
    struct buf bytes;
    int rc = -1;

    buf_init(&bytes, JWT_MAX_BYTES);
    if (base64url_decode(&bytes, text, len, &why) != 0)
        why.code == ERR_NOMEM ? no_memory(err) : err_set(err, ERR_JWT, 0, "the %s is no base64url", what);
    else if (json_parse(bytes.data, bytes.len, &doc, &why) != 0)
        why.code == ERR_NOMEM ? no_memory(err) : err_set(err, ERR_JWT, 0, "the %s is no JSON", what);
    else if (json_kind(doc) != JSON_OBJECT)
        err_set(err, ERR_JWT, 0, "the %s is %s, not an object", what, json_kind_name(json_kind(doc)));
    else
        rc = 0;
    buf_release(&bytes);
    if (rc == 0)
        *doc_r = doc;
    else
        json_free(doc);
    return rc;
}

static int read_signature(struct jwt *jwt, const char *text, size_t len, struct err *err)
{
    struct err why = ERR_INIT;
    struct buf bytes;
    int rc = -1;

    buf_init(&bytes, JWT_MAX_BYTES);
    if (base64url_decode(&bytes, text, len, &why) != 0) {
        why.code == ERR_NOMEM ? no_memory(err) : err_set(err, ERR_JWT, 0, "the signature is no base64url");
    } else {
        jwt->signature_len = bytes.len;
        if (bytes.len == sizeof(jwt->signature))
            memcpy(jwt->signature, bytes.data, bytes.len);
        rc = 0;
    }
    buf_release(&bytes);
    return rc;
}

int jwt_read(const char *token, size_t len, struct jwt **jwt_r, struct err *err)
{
    const char *end = token + len, *first = memchr(token, '.', len), *second = NULL;
    struct jwt *jwt;

    if (len > JWT_MAX_BYTES)
        return err_set(err, ERR_JWT, 0, "a JWT of more than %d bytes", JWT_MAX_BYTES);
    if (first != NULL)
        second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
        return err_set(err, ERR_JWT, 0, "no JWT: it has not three parts with a dot between");
    jwt = calloc(1, sizeof(*jwt));
    if (jwt == NULL)
        return no_memory(err);
    jwt->token = token;
    jwt->signed_len = (size_t)(second - token);
    if (read_object(token, (size_t)(first - token), "header", &jwt->header, err) != 0 ||
        read_object(first + 1, (size_t)(second - first - 1), "claims part", &jwt->claims, err) != 0 ||
        read_signature(jwt, second + 1, (size_t)(end - second - 1), err) != 0) {
        jwt_free(jwt);
        return -1;
    }
    *jwt_r = jwt;
    return 0;
}

void jwt_free(struct jwt *jwt)
{
    if (jwt == NULL)
        return;
    json_free(jwt->header);
    json_free(jwt->claims);
    free(jwt);
}

const char *jwt_key_id(const struct jwt *jwt)
{
    return json_string(json_get(jwt->header, "kid"));
}

const struct json *jwt_claims(const struct jwt *jwt)
{
    return jwt->claims;
}

int jwt_verify_es256(const struct jwt *jwt, const struct ec_public *public, struct err *err)
{
    if (!str_eq(json_string(json_get(jwt->header, "alg")), "ES256"))
        return err_set(err, ERR_JWT, 0, "the header's alg is not ES256");
    if (json_get(jwt->header, "crit") != NULL)
        return err_set(err, ERR_JWT, 0, "the header has crit: no extension is understood");
    if (jwt->signature_len != EC_SIGNATURE_BYTES)
        return err_set(err, ERR_JWT, 0, "the signature has %zu bytes; ES256 has 64 (r and s, not DER)",
                       jwt->signature_len);
    if (!ec_public_accepts(public, jwt->token, jwt->signed_len, jwt->signature))
        return err_set(err, ERR_JWT, 0, "the signature is not that of the key");
    return 0;
}

static int read_exp(const struct jwt *jwt, int64_t *exp_ms_r, struct err *err)
{
    const struct json *exp = json_get(jwt->claims, "exp");
    double seconds;

    if (exp == NULL)
        return 0;
    if (!json_number(exp, &seconds) || !(seconds >= 0 && seconds <= EXP_MAX))
        return err_set(err, ERR_JWT, 0, "the token's exp is no time in seconds since 1970");
    *exp_ms_r = (int64_t)(seconds * 1000);
    return 1;
}

int jwt_expiry(const char *token, size_t len, int64_t *exp_ms_r, struct err *err)
{
    struct err why = ERR_INIT;
    struct jwt *jwt = NULL;
    int rc;

    if (jwt_read(token, len, &jwt, &why) != 0)
        return why.code == ERR_NOMEM ? no_memory(err) : 0;
    rc = json_string(json_get(jwt->header, "alg")) == NULL ? 0 : read_exp(jwt, exp_ms_r, err);
    jwt_free(jwt);
    return rc;
}

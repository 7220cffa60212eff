#include "issuer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "crypto/base64.h"

#define AUDIENCE         "appstoreconnect-v1"
#define TIME_MAX         253402300799.0 /* the last second of the year 9999 */
#define CODE             "NOT_AUTHORIZED."
#define SIGNATURE_DIGITS 86 /* 64 bytes in base64url */

void issuer_release(struct issuer *issuer)
{
    for (size_t i = 0; i < issuer->token_count; i++)
        free(issuer->tokens[i].text);
    ec_key_free(issuer->own);
    *issuer = (struct issuer){ 0 };
}

static struct issuer_key *find_key(const struct issuer *issuer, const char *kid)
{
    for (size_t i = 0; kid && i < issuer->key_count; i++) {
        if (strcmp(issuer->keys[i].kid, kid) == 0)
            return (struct issuer_key *)&issuer->keys[i];
    }
    return NULL;
}

int issuer_add_key(struct issuer *issuer, const char *kid, const char *pem, size_t len, struct err *err)
{
    struct issuer_key *key = find_key(issuer, kid);
    struct ec_public public;

    if (*kid == '\0' || strlen(kid) > JWT_KEY_ID_MAX)
        return err_set(err, ERR_LIMIT, 0, "a key id has 1 to %d bytes", JWT_KEY_ID_MAX);
    if (!key && issuer->key_count == ISSUER_KEYS_MAX)
        return err_set(err, ERR_LIMIT, 0, "more than %d issuer keys", ISSUER_KEYS_MAX);
    if (ec_public_read(pem, len, &public, err) != 0)
        return err_prefix(err, "key %s", kid);
    if (!issuer->own && ec_key_new(&issuer->own, err) != 0)
        return -1;
    if (!key)
        key = &issuer->keys[issuer->key_count++];
    *key = (struct issuer_key){ .public = public };
    strcpy(key->kid, kid);
    return 0;
}

int issuer_revoke(struct issuer *issuer, const char *kid, bool ends_tokens, struct err *err)
{
    struct issuer_key *key = find_key(issuer, kid);

    if (!key)
        return err_set(err, ERR_NOT_FOUND, 0, "there is no issuer key '%.40s'", kid);
    key->is_revoked = true;
    for (size_t i = 0; ends_tokens && i < issuer->token_count; i++) {
        if (&issuer->keys[issuer->tokens[i].key] == key)
            issuer->tokens[i].is_ended = true;
    }
    return 0;
}

void issuer_end_tokens(struct issuer *issuer)
{
    for (size_t i = 0; i < issuer->token_count; i++)
        issuer->tokens[i].is_ended = true;
}

const char *issuer_code(enum issuer_refusal refusal)
{
    static const char *const codes[] = {
        [ISSUER_TAKEN] = NULL,
        [ISSUER_BROKEN] = CODE "JWT",
        [ISSUER_KEY_UNKNOWN] = CODE "KEY_UNKNOWN",
        [ISSUER_KEY_REVOKED] = CODE "KEY_REVOKED",
        [ISSUER_SIGNATURE] = CODE "SIGNATURE",
        [ISSUER_OTHER_ISSUER] = CODE "ISSUER",
        [ISSUER_CLOCK_SKEW] = CODE "CLOCK_SKEW",
        [ISSUER_JWT_EXPIRED] = CODE "JWT_EXPIRED",
    };

    return codes[refusal];
}

/* aud is a text, or a list of which one is meant (RFC 7519, section 4.1.3). */
static bool is_for_us(const struct json *aud)
{
    if (json_string(aud))
        return strcmp(json_string(aud), AUDIENCE) == 0;
    for (const struct json *item = json_kind(aud) == JSON_ARRAY ? json_first(aud) : NULL; item;
         item = json_next(item)) {
        if (json_string(item) && strcmp(json_string(item), AUDIENCE) == 0)
            return true;
    }
    return false;
}

static enum issuer_refusal check_times(const struct json *claims, int64_t now_ms, char *why)
{
    double iat, exp, now = (double)now_ms / 1000;

    if (!json_number(json_get(claims, "iat"), &iat) || !json_number(json_get(claims, "exp"), &exp) ||
        !(iat >= 0 && iat <= TIME_MAX && exp >= 0 && exp <= TIME_MAX)) {
        snprintf(why, ISSUER_WHY_MAX, "iat and exp of the JWT are not both a time");
        return ISSUER_BROKEN;
    }
    if (exp > iat + ISSUER_JWT_LIFE_S || exp <= iat) {
        snprintf(why, ISSUER_WHY_MAX, "exp of the JWT is %.0f s after its iat, not up to %d", exp - iat,
                 ISSUER_JWT_LIFE_S);
        return ISSUER_BROKEN;
    }
    if (iat > now + ISSUER_SKEW_S) {
        snprintf(why, ISSUER_WHY_MAX, "iat of the JWT is %.0f s ahead of the server's clock", iat - now);
        return ISSUER_CLOCK_SKEW;
    }
    if (exp <= now) {
        snprintf(why, ISSUER_WHY_MAX, "the JWT expired %.0f s ago by the server's clock", now - exp);
        return ISSUER_JWT_EXPIRED;
    }
    return ISSUER_TAKEN;
}

static enum issuer_refusal check_claims(const struct issuer *issuer, const struct json *claims,
                                        int64_t now_ms, char *why)
{
    const char *iss = json_string(json_get(claims, "iss"));

    if (!iss || !*iss) {
        snprintf(why, ISSUER_WHY_MAX, "the JWT has no iss");
        return ISSUER_BROKEN;
    }
    if (!is_for_us(json_get(claims, "aud"))) {
        snprintf(why, ISSUER_WHY_MAX, "aud of the JWT is not " AUDIENCE);
        return ISSUER_BROKEN;
    }
    if (issuer->issuer_id[0] != '\0' && strcmp(issuer->issuer_id, iss) != 0) {
        snprintf(why, ISSUER_WHY_MAX, "iss of the JWT is another issuer");
        return ISSUER_OTHER_ISSUER;
    }
    return check_times(claims, now_ms, why);
}

/* What the contract asks of the form: ES256, whose signature is r and s and no DER. jwt_verify_es256 refuses
 * all else too, but not with a word that tells a broken JWT from one of another key. */
static bool is_es256(const char *text, char *why)
{
    const char *dot = strchr(text, '.'), *last = strrchr(text, '.');
    struct json *header = NULL;
    struct err err = ERR_INIT;
    struct buf bytes;
    bool is_good = false;

    buf_init(&bytes, JWT_MAX_BYTES);
    if (base64url_decode(&bytes, text, (size_t)(dot - text), &err) != 0 ||
        json_parse(bytes.data, bytes.len, &header, &err) != 0)
        snprintf(why, ISSUER_WHY_MAX, "the header of the JWT cannot be read");
    else if (!str_eq(json_string(json_get(header, "alg")), "ES256") || json_get(header, "crit"))
        snprintf(why, ISSUER_WHY_MAX, "the header of the JWT has another alg than ES256, or crit");
    else if (strlen(last + 1) != SIGNATURE_DIGITS)
        snprintf(why, ISSUER_WHY_MAX, "the signature of the JWT is not one of 64 bytes, r and s");
    else
        is_good = true;
    json_free(header);
    buf_release(&bytes);
    return is_good;
}

static enum issuer_refusal check_key(const struct issuer_key *key, const struct jwt *jwt, char *why)
{
    struct err err = ERR_INIT;

    if (!key) {
        snprintf(why, ISSUER_WHY_MAX, "no key has this kid");
        return ISSUER_KEY_UNKNOWN;
    }
    if (jwt_verify_es256(jwt, &key->public, &err) != 0) {
        snprintf(why, ISSUER_WHY_MAX, "%.*s", ISSUER_WHY_MAX - 1, err.text);
        return ISSUER_SIGNATURE;
    }
    if (key->is_revoked) {
        snprintf(why, ISSUER_WHY_MAX, "the key was revoked");
        return ISSUER_KEY_REVOKED;
    }
    return ISSUER_TAKEN;
}

enum issuer_refusal issuer_verify(const struct issuer *issuer, const char *text, int64_t now_ms,
                                  size_t *key_r, char why_r[ISSUER_WHY_MAX])
{
    enum issuer_refusal refusal = ISSUER_BROKEN;
    const struct issuer_key *key;
    struct err err = ERR_INIT;
    struct jwt *jwt;

    if (jwt_read(text, strlen(text), &jwt, &err) != 0) {
        snprintf(why_r, ISSUER_WHY_MAX, "%.*s", ISSUER_WHY_MAX - 1, err.text);
        return ISSUER_BROKEN;
    }
    key = find_key(issuer, jwt_key_id(jwt));
    if (is_es256(text, why_r))
        refusal = check_key(key, jwt, why_r);
    if (refusal == ISSUER_TAKEN)
        refusal = check_claims(issuer, jwt_claims(jwt), now_ms, why_r);
    if (refusal == ISSUER_TAKEN)
        *key_r = (size_t)(key - issuer->keys);
    jwt_free(jwt);
    return refusal;
}

/* Room for one more at the end: the oldest goes where there are too many. */
static struct issuer_token *new_slot(struct issuer *issuer)
{
    if (issuer->token_count == ISSUER_TOKENS_KEPT) {
        free(issuer->tokens[0].text);
        memmove(issuer->tokens, issuer->tokens + 1, --issuer->token_count * sizeof(issuer->tokens[0]));
    }
    return &issuer->tokens[issuer->token_count];
}

const struct issuer_token *issuer_issue(struct issuer *issuer, size_t key, int64_t life_s, int64_t now_ms,
                                        struct err *err)
{
    struct issuer_token *token = new_slot(issuer);
    int64_t exp_s;
    struct secret *text;
    char claims[256];
    int len;

    if (issuer->token_life_s > 0 && life_s > issuer->token_life_s)
        life_s = issuer->token_life_s;
    exp_s = now_ms / 1000 + life_s;
    len = snprintf(claims, sizeof(claims),
                   "{\"iss\":\"abmsim\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"%llu\",\"scope\":[\"ABM\"]}",
                   (long long)(now_ms / 1000), (long long)exp_s, (unsigned long long)++issuer->made);
    if (jwt_sign_es256(issuer->own, "abmsim", claims, (size_t)len, &text, err) != 0)
        return NULL;
    *token = (struct issuer_token){ .text = strdup(secret_text(text)), .exp_ms = exp_s * 1000, .key = key };
    secret_free(text);
    if (!token->text) {
        err_set(err, ERR_NOMEM, 0, "a token");
        return NULL;
    }
    issuer->token_count++;
    issuer->keys[key].exchanges++;
    return token;
}

bool issuer_accepts(const struct issuer *issuer, const char *text, int64_t now_ms, const char **why_r)
{
    for (size_t i = issuer->token_count; i-- > 0;) {
        const struct issuer_token *token = &issuer->tokens[i];

        if (strcmp(token->text, text) != 0)
            continue;
        *why_r = "the token has expired";
        return !token->is_ended && now_ms < token->exp_ms;
    }
    *why_r = "the token is none of this issuer";
    return false;
}

void issuer_print(const struct issuer *issuer, struct buf *body)
{
    char time[CLOCK_ISO_BYTES];
    struct json_out out;

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_add_string(&out, "issuer_id", issuer->issuer_id[0] != '\0' ? issuer->issuer_id : NULL);
    json_add_int(&out, "token_life_s", issuer->token_life_s);
    json_begin(&out, "keys", '[');
    for (size_t i = 0; i < issuer->key_count; i++) {
        json_begin(&out, NULL, '{');
        json_add_string(&out, "kid", issuer->keys[i].kid);
        json_add_bool(&out, "is_revoked", issuer->keys[i].is_revoked);
        json_add_int(&out, "exchanges", (int64_t)issuer->keys[i].exchanges);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_begin(&out, "tokens", '[');
    for (size_t i = 0; i < issuer->token_count; i++) {
        const struct issuer_token *token = &issuer->tokens[i];

        json_begin(&out, NULL, '{');
        json_add_string(&out, "token", token->text);
        json_add_string(&out, "kid", issuer->keys[token->key].kid);
        json_add_string(&out, "expires_at", clock_iso(token->exp_ms, time));
        json_add_bool(&out, "is_ended", token->is_ended);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_end(&out, '}');
}

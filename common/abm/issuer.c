#include "abm/issuer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abm/answer.h"
#include "abm/shape.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "crypto/jwt.h"
#include "http/http_date.h"

#define PATH       "/v1/issuerTokens"
#define AUDIENCE   "appstoreconnect-v1"
#define JWT_LIFE_S 1200 /* the longest that the contract allows: a clock that is behind has the more room */
#define CLAIMS_MAX 4096
#define WORDS_MAX  400 /* of what the issuer says, in an error */

struct exchange {
    const struct issuer_settings *issuer;
    struct http_request http;
    int64_t now_ms;
    bool is_given; /* to the transport */
};

static enum http_next next(void *user, struct http_request **request_r, int64_t *wait_ms_r)
{
    struct exchange *exchange = user;

    (void)wait_ms_r;
    if (exchange->is_given)
        return HTTP_NEXT_NONE;
    exchange->is_given = true;
    *request_r = &exchange->http;
    return HTTP_NEXT_SEND;
}

static void done(void *user, struct http_request *request)
{
    (void)user, (void)request;
}

static int make_jwt(const struct issuer_settings *issuer, const struct ec_key *key, int64_t now_ms,
                    struct secret **jwt_r, struct err *err)
{
    struct json_out out;
    struct buf claims;
    int rc;

    buf_init(&claims, CLAIMS_MAX);
    json_out_init(&out, &claims);
    json_begin(&out, NULL, '{');
    json_add_string(&out, "iss", issuer->issuer_id);
    json_add_int(&out, "iat", now_ms / 1000);
    json_add_int(&out, "exp", now_ms / 1000 + JWT_LIFE_S);
    json_add_string(&out, "aud", AUDIENCE);
    json_end(&out, '}');
    rc = buf_check(&claims, "the claims of the JWT", err);
    if (rc == 0)
        rc = jwt_sign_es256(key, issuer->key_id, claims.data, claims.len, jwt_r, err);
    buf_release(&claims);
    return rc;
}

/* Sends it; the JWT is wiped before anything is read, also out of what came back. */
static int send(struct exchange *exchange, const struct secret *jwt, const struct http_transport *transport,
                struct err *err)
{
    struct http_hooks hooks = { .next = next, .done = done, .user = exchange };
    struct http_header headers[3];
    char url[1024], body[96], *bearer = NULL;
    char *at = NULL;
    int rc;

    if (asprintf(&bearer, "Bearer %s", secret_text(jwt)) < 0)
        return err_set(err, ERR_NOMEM, 0, "no memory for the JWT");
    snprintf(url, sizeof(url), "%s" PATH, exchange->issuer->url);
    snprintf(body, sizeof(body),
             "{\"data\":{\"attributes\":{\"expiresIn\":%" PRId64 ",\"scope\":[\"ABM\"]}}}",
             exchange->issuer->expires_in_ms / 1000);
    headers[0] = (struct http_header){ "Accept", "application/json" };
    headers[1] = (struct http_header){ "Authorization", bearer };
    headers[2] = (struct http_header){ "Content-Type", "application/json" };
    exchange->http.method = "POST";
    exchange->http.url = url;
    exchange->http.headers = headers;
    exchange->http.header_count = 3;
    exchange->http.body = body;
    exchange->http.body_len = strlen(body);
    rc = transport->run(transport->ctx, &hooks, err);
    at = exchange->http.answer.data;
    while (at != NULL &&
           (at = memmem(at, exchange->http.answer.len - (size_t)(at - exchange->http.answer.data),
                        secret_text(jwt), secret_len(jwt))) != NULL)
        memset(at, '*', secret_len(jwt));
    explicit_bzero(bearer, strlen(bearer));
    free(bearer);
    return rc;
}

/* By how much this machine's clock is ahead of the issuer's, as its answer tells; 0 where it does not. */
static int64_t measure_offset(const struct exchange *exchange)
{
    int64_t date_ms;

    if (http_date_parse(exchange->http.got.date, exchange->now_ms, &date_ms) != 1)
        return 0;
    return exchange->now_ms / 1000 * 1000 - date_ms; /* a Date has no fraction */
}

static int blame_clock(const struct exchange *exchange, int64_t offset_ms, const char *words, struct err *err)
{
    char span[32], here[CLOCK_ISO_BYTES];

    return err_set(err, ERR_ISSUER_CLOCK, 0,
                   "the issuer %s refuses the JWT (%s): this machine's clock, %s, is %s %s the issuer's",
                   exchange->issuer->url, words, clock_iso(exchange->now_ms, here),
                   clock_duration(offset_ms < 0 ? -offset_ms : offset_ms, span),
                   offset_ms < 0 ? "behind" : "ahead of");
}

/* "401 CODE: title", from the answer's error document where it has one. */
static void read_words(const struct http_request *http, struct buf *words)
{
    struct err ignored = ERR_INIT;
    struct json *doc = NULL;

    if (http->answer.len > 0 && json_parse(http->answer.data, http->answer.len, &doc, &ignored) == 0 &&
        shape_check(doc, &shape_error_document, "", &ignored) == 0)
        answer_error_text(json_first(json_get(doc, "errors")), http->status, words);
    else
        buf_addf(words, "%ld", http->status);
    json_free(doc);
}

static bool is_off(int64_t offset_ms)
{
    return offset_ms > ISSUER_SKEW_MS || offset_ms < -ISSUER_SKEW_MS;
}

static int read_refusal(const struct exchange *exchange, struct err *err)
{
    const struct issuer_settings *issuer = exchange->issuer;
    int64_t offset_ms = measure_offset(exchange);
    long status = exchange->http.status;
    struct buf words;
    const char *text;

    buf_init(&words, WORDS_MAX);
    read_words(&exchange->http, &words);
    text = words.data != NULL ? words.data : "";
    if (status == 401 && is_off(offset_ms))
        blame_clock(exchange, offset_ms, text, err);
    else if (status == 401 || status == 403)
        err_set(err, ERR_ISSUER_KEY, 0,
                "the issuer %s refuses the key '%s' of issuer '%s' (%s): it is revoked, not known there, or "
                "the file holds another key",
                issuer->url, issuer->key_id, issuer->issuer_id, text);
    else if (status == 429 || status >= 500)
        err_set(err, ERR_ISSUER_AWAY, 0, "the issuer %s does not serve: %s", issuer->url, text);
    else
        err_set(err, ERR_ISSUER_CONTRACT, 0, "the issuer %s answers %s, wanted 201", issuer->url, text);
    buf_release(&words);
    return -1;
}

/* A header can carry it (RFC 6750: visible ASCII). */
static bool is_sendable(const char *token)
{
    size_t len = token != NULL ? strlen(token) : 0;

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)token[i] <= 0x20 || (unsigned char)token[i] >= 0x7f)
            return false;
    return len > 0 && len <= JWT_MAX_BYTES;
}

static int read_expiry(const struct exchange *exchange, const char *token, const char *expires_at,
                       int64_t *expires_ms_r, struct err *err)
{
    struct err why = ERR_INIT;
    int64_t expires_ms = 0;
    int found = jwt_expiry(token, strlen(token), &expires_ms, &why);

    if (found < 0 || (found == 0 && (expires_at == NULL || clock_parse_iso(expires_at, &expires_ms) != 0)))
        return err_set(err, ERR_ISSUER_CONTRACT, 0, "the issuer %s: the token does not say when it expires",
                       exchange->issuer->url);
    if (expires_ms <= exchange->now_ms) {
        int64_t offset_ms = measure_offset(exchange);

        if (is_off(offset_ms))
            return blame_clock(exchange, offset_ms, "its token has expired already", err);
        return err_set(err, ERR_ISSUER_CONTRACT, 0, "the issuer %s: the token has expired as it comes",
                       exchange->issuer->url);
    }
    *expires_ms_r = expires_ms;
    return 0;
}

static int read_document(const struct exchange *exchange, const struct json *doc,
                         struct issued_token *issued_r, struct err *err)
{
    const struct json *attributes = json_get(json_get(doc, "data"), "attributes");
    const char *token = json_string(json_get(attributes, "token"));
    const char *expires_at = json_string(json_get(attributes, "expiresAt"));
    int rc = 0;

    if (!is_sendable(token))
        rc = err_set(err, ERR_ISSUER_CONTRACT, 0,
                     "the issuer %s: data.attributes.token is no token that a header can carry",
                     exchange->issuer->url);
    if (rc == 0)
        rc = read_expiry(exchange, token, expires_at, &issued_r->expires_ms, err);
    if (rc == 0)
        rc = secret_copy(token, strlen(token), &issued_r->text, err);
    if (token != NULL) /* our own copy of the answer, made by the parser */
        explicit_bzero((char *)(uintptr_t)token, strlen(token));
    return rc;
}

static int read_answer(const struct exchange *exchange, struct issued_token *issued_r, struct err *err)
{
    const struct http_request *http = &exchange->http;
    struct err why = ERR_INIT;
    struct json *doc;
    int rc;

    if (http->result != HTTP_ANSWERED)
        return err_set(err, ERR_ISSUER_AWAY, 0, "the issuer %s cannot be reached: %s", exchange->issuer->url,
                       http->error[0] != '\0' ? http->error : "no answer");
    if (http->status != 201)
        return read_refusal(exchange, err);
    /* The parser's words may quote what it met, which here may be a token. */
    if (json_parse(http->answer.data, http->answer.len, &doc, &why) != 0)
        return err_set(err, ERR_ISSUER_CONTRACT, 0, "the issuer %s answers 201 with a body that is no JSON",
                       exchange->issuer->url);
    rc = read_document(exchange, doc, issued_r, err);
    json_free(doc);
    return rc;
}

int issuer_exchange(const struct issuer_settings *issuer, const struct ec_key *key,
                    const struct http_transport *transport, int64_t now_ms, struct issued_token *issued_r,
                    struct err *err)
{
    struct exchange exchange = { .issuer = issuer, .now_ms = now_ms };
    struct secret *jwt;
    int rc;

    if (make_jwt(issuer, key, now_ms, &jwt, err) != 0)
        return -1;
    http_request_init(&exchange.http);
    rc = send(&exchange, jwt, transport, err);
    secret_free(jwt);
    if (rc == 0)
        rc = read_answer(&exchange, issued_r, err);
    if (exchange.http.answer.data != NULL)
        explicit_bzero(exchange.http.answer.data, exchange.http.answer.len);
    http_request_release(&exchange.http);
    return rc;
}

#include "secrets/vault_answer.h"

#include <string.h>

#include "base/json_raw.h"
#include "crypto/secret.h"

/* Never quotes what was read: it may hold the secret. */
static int open_answer(const char *body, size_t len, struct json_raw *doc_r, struct err *err)
{
    struct err why = ERR_INIT;

    if (json_raw_open(body, len, doc_r, &why) != 0)
        return err_set(err, ERR_VAULT_ANSWER, 0, "the answer is no JSON: %s", why.text);
    if (json_raw_kind(*doc_r) != JSON_OBJECT)
        return err_set(err, ERR_VAULT_ANSWER, 0, "the answer is no JSON object");
    return 0;
}

/* A member that has to be an object. */
static int get_object(struct json_raw from, const char *name, struct json_raw *object_r, struct err *err)
{
    if (json_raw_get(from, name, object_r) != 1 || json_raw_kind(*object_r) != JSON_OBJECT)
        return err_set(err, ERR_VAULT_ANSWER, 0, "the answer has no object \"%s\"", name);
    return 0;
}

/* Decoded onto itself. */
static struct vault_piece decode(char *body, struct json_raw string)
{
    char *to = body + (string.at - body);

    return (struct vault_piece){ to, json_raw_text(string, to) };
}

static int64_t version_of(struct json_raw data)
{
    struct json_raw metadata, version;
    int64_t number;

    if (json_raw_get(data, "metadata", &metadata) == 1 && json_raw_get(metadata, "version", &version) == 1 &&
        json_raw_int(version, 1, INT64_MAX, &number))
        return number;
    return 0;
}

int vault_answer_value(char *body, size_t len, const char *field, struct vault_piece *value_r,
                       int64_t *version_r, struct err *err)
{
    struct json_raw doc, data, fields, value;
    struct vault_piece piece;
    int found;

    if (open_answer(body, len, &doc, err) != 0 || get_object(doc, "data", &data, err) != 0)
        return -1;
    if (json_raw_get(data, "metadata", &value) != 1)
        return err_set(err, ERR_VAULT_ANSWER, 0,
                       "the answer has no \"metadata\": the engine there is not KV version 2");
    if (json_raw_get(data, "data", &fields) == 1 && json_raw_kind(fields) == JSON_NULL)
        return err_set(err, ERR_VAULT_MISSING, 0, "its last version is deleted");
    if (get_object(data, "data", &fields, err) != 0)
        return -1;
    found = json_raw_get(fields, field, &value);
    if (found != 1)
        return err_set(err, ERR_VAULT_MISSING, 0,
                       found == 0 ? "the secret has no such field" : "the secret has the field twice");
    if (json_raw_kind(value) != JSON_STRING)
        return err_set(err, ERR_VAULT_MISSING, 0, "the field is %s, wanted text",
                       json_raw_kind(value) == JSON_OBJECT   ? "an object"
                       : json_raw_kind(value) == JSON_ARRAY  ? "a list"
                       : json_raw_kind(value) == JSON_NUMBER ? "a number: store it as text"
                                                             : "true, false or null");
    *version_r = version_of(data); /* before decoding: what follows the value stays readable until then */
    piece = decode(body, value);
    if (piece.len == 0)
        return err_set(err, ERR_VAULT_MISSING, 0, "the field is empty");
    if (piece.len > SECRET_MAX_BYTES)
        return err_set(err, ERR_VAULT_MISSING, 0, "the field has more than %d bytes", SECRET_MAX_BYTES);
    *value_r = piece;
    return 0;
}

/* What a header can carry. */
static bool is_token(struct vault_piece piece)
{
    if (piece.len == 0 || piece.len > VAULT_TOKEN_MAX_BYTES)
        return false;
    for (size_t i = 0; i < piece.len; i++)
        if (piece.at[i] <= ' ' || piece.at[i] > '~')
            return false;
    return true;
}

static int read_lease(struct json_raw from, const char *seconds, struct vault_lease *lease_r, struct err *err)
{
    struct json_raw value;
    struct vault_lease lease = { 0 };

    if (json_raw_get(from, seconds, &value) != 1 ||
        !json_raw_int(value, 0, VAULT_LEASE_MAX_S, &lease.seconds))
        return err_set(err, ERR_VAULT_ANSWER, 0, "the answer has no whole number \"%s\"", seconds);
    lease.is_renewable = json_raw_get(from, "renewable", &value) == 1 && json_raw_is_true(value);
    *lease_r = lease;
    return 0;
}

int vault_answer_auth(char *body, size_t len, struct vault_piece *token_r, struct vault_lease *lease_r,
                      struct err *err)
{
    struct json_raw doc, auth, token;
    struct vault_piece piece;

    if (open_answer(body, len, &doc, err) != 0 || get_object(doc, "auth", &auth, err) != 0 ||
        read_lease(auth, "lease_duration", lease_r, err) != 0)
        return -1;
    if (json_raw_get(auth, "client_token", &token) != 1 || json_raw_kind(token) != JSON_STRING)
        return err_set(err, ERR_VAULT_ANSWER, 0, "the answer has no \"client_token\"");
    piece = decode(body, token);
    if (!is_token(piece))
        return err_set(err, ERR_VAULT_ANSWER, 0,
                       "the answer's \"client_token\" is none that a header carries");
    *token_r = piece;
    return 0;
}

int vault_answer_lookup(const char *body, size_t len, struct vault_lease *lease_r, struct err *err)
{
    struct json_raw doc, data;

    if (open_answer(body, len, &doc, err) != 0 || get_object(doc, "data", &data, err) != 0)
        return -1;
    return read_lease(data, "ttl", lease_r, err);
}

struct vault_piece vault_answer_words(char *body, size_t len)
{
    struct vault_piece none = { "", 0 };
    struct err ignored = ERR_INIT;
    struct json_raw doc, errors, first;

    if (open_answer(body, len, &doc, &ignored) != 0 || json_raw_get(doc, "errors", &errors) != 1)
        return none;
    first = json_raw_first(errors);
    return json_raw_kind(first) == JSON_STRING ? decode(body, first) : none;
}

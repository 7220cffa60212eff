#include "dep_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define YEAR_MS      (INT64_C(365) * 86400 * 1000)
#define LIFE_MAX_S   (INT64_C(100) * 365 * 86400)
#define ORGANIZATION "Example Organization"
#define ENVIRONMENT  "production"
#define TOKEN_DIGITS 48

static const char *const states[] = { "", "ACTIVE", "REVOKED", "EXPIRED" };

static const char *state_of(const struct dep_token *token, int64_t now_ms)
{
    if (token->state != DEP_BY_TIME)
        return states[token->state];
    return states[token->expires_ms > now_ms ? DEP_ACTIVE : DEP_EXPIRED];
}

void dep_tokens_release(struct dep_tokens *tokens)
{
    free(tokens->at);
    *tokens = (struct dep_tokens){ 0 };
}

/* A further one with the next id, for a year. */
static struct dep_token *add(struct dep_tokens *tokens, int64_t now_ms, struct err *err)
{
    struct dep_token *at, *token;

    if (tokens->count == DEP_TOKENS_MAX) {
        err_set(err, ERR_LIMIT, 0, "more than %d DEP tokens", DEP_TOKENS_MAX);
        return NULL;
    }
    at = realloc(tokens->at, (tokens->count + 1) * sizeof(*at));
    if (!at) {
        err_set(err, ERR_NOMEM, 0, "a DEP token");
        return NULL;
    }
    tokens->at = at;
    token = &at[tokens->count++];
    *token = (struct dep_token){ .organization = ORGANIZATION, .expires_ms = now_ms + YEAR_MS };
    snprintf(token->id, sizeof(token->id), "dep-%04llu", (unsigned long long)++tokens->made);
    return token;
}

/* What stands for the secret in a simulator: nobody guesses it, and each run has the same. */
static void make_secret(struct dep_token *token)
{
    char hex[SHA256_HEX], text[512];
    int len = snprintf(text, sizeof(text), "%s %s %s", token->id, token->environment, token->key_sha256);

    sha256_hex(text, (size_t)len, hex);
    snprintf(token->token, sizeof(token->token), "DT_%.*s", TOKEN_DIGITS, hex);
}

int dep_tokens_init(struct dep_tokens *tokens, int64_t now_ms, struct err *err)
{
    struct dep_token *token;

    *tokens = (struct dep_tokens){ 0 };
    token = add(tokens, now_ms, err);
    if (!token)
        return -1;
    strcpy(token->environment, ENVIRONMENT);
    make_secret(token);
    return 0;
}

static int read_text(const struct json *value, const char *name, char *text, size_t size, struct err *err)
{
    const char *from = json_string(value);

    if (!from || strlen(from) >= size)
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: a text of at most %zu bytes is needed", name, size - 1);
    strcpy(text, from);
    return 0;
}

static int read_time(const struct json *value, const char *name, int64_t now_ms, int64_t *expires_ms_r,
                     struct err *err)
{
    int64_t seconds;

    if (strcmp(name, "expires_in_s") == 0) {
        if (!json_int(value, &seconds) || seconds < -LIFE_MAX_S || seconds > LIFE_MAX_S)
            return err_set(err, ERR_JSON_SHAPE, 0, "%s: a number of seconds is needed", name);
        *expires_ms_r = now_ms + seconds * 1000;
        return 0;
    }
    if (!json_string(value) || clock_parse_iso(json_string(value), expires_ms_r) != 0)
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: a time as 2026-11-24T08:17:00Z is needed", name);
    return 0;
}

static int read_member(const struct json *value, const char *name, int64_t now_ms, struct dep_token *token,
                       struct err *err)
{
    const struct {
        const char *name;
        char *text;
        size_t size;
    } texts[] = {
        { "id", token->id, sizeof(token->id) },
        { "token", token->token, sizeof(token->token) },
        { "organization", token->organization, sizeof(token->organization) },
        { "environment", token->environment, sizeof(token->environment) },
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0)
            return read_text(value, name, texts[i].text, texts[i].size, err);
    }
    if (strcmp(name, "expires_at") == 0 || strcmp(name, "expires_in_s") == 0)
        return read_time(value, name, now_ms, &token->expires_ms, err);
    if (strcmp(name, "status") != 0)
        return err_set(err, ERR_JSON_SHAPE, 0, "there is no member '%.40s'", name);
    for (int i = DEP_ACTIVE; i <= DEP_EXPIRED; i++) {
        if (json_string(value) && strcmp(json_string(value), states[i]) == 0) {
            token->state = (enum dep_state)i;
            return 0;
        }
    }
    return err_set(err, ERR_JSON_SHAPE, 0, "status: ACTIVE, REVOKED or EXPIRED is needed");
}

static int read_members(const struct json *from, int64_t now_ms, struct dep_token *token, struct err *err)
{
    if (json_kind(from) != JSON_OBJECT)
        return err_set(err, ERR_JSON_SHAPE, 0, "an object is needed, this is %s",
                       json_kind_name(json_kind(from)));
    for (const struct json *member = json_first(from); member; member = json_next(member)) {
        if (read_member(member, json_name(member), now_ms, token, err) != 0)
            return -1;
    }
    return 0;
}

int dep_tokens_replace(struct dep_tokens *tokens, const struct json *list, int64_t now_ms, struct err *err)
{
    struct dep_tokens fresh = { .made = tokens->made };

    if (json_kind(list) != JSON_ARRAY)
        return err_set(err, ERR_JSON_SHAPE, 0, "a list of tokens is needed, this is %s",
                       json_kind_name(json_kind(list)));
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        struct dep_token *token = add(&fresh, now_ms, err);

        if (!token || read_members(item, now_ms, token, err) != 0) {
            err_prefix(err, "[%zu]", fresh.count);
            dep_tokens_release(&fresh);
            return -1;
        }
        if (token->token[0] == '\0')
            make_secret(token);
    }
    dep_tokens_release(tokens);
    *tokens = fresh;
    return 0;
}

int dep_tokens_change(struct dep_tokens *tokens, const struct json *change, int64_t now_ms, struct err *err)
{
    const char *id = json_string(json_get(change, "id"));
    struct dep_token changed;

    for (size_t i = 0; id && i < tokens->count; i++) {
        if (strcmp(tokens->at[i].id, id) != 0)
            continue;
        changed = tokens->at[i];
        if (read_members(change, now_ms, &changed, err) != 0)
            return -1;
        tokens->at[i] = changed;
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND, 0, "there is no DEP token '%.40s'", id ? id : "");
}

const struct dep_token *dep_tokens_of_key(const struct dep_tokens *tokens, const char *key_sha256)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (strcmp(tokens->at[i].key_sha256, key_sha256) == 0)
            return &tokens->at[i];
    }
    return NULL;
}

const struct dep_token *dep_tokens_issue(struct dep_tokens *tokens, const char *key_sha256,
                                         const char *environment, int64_t now_ms, struct err *err)
{
    struct dep_token *token = add(tokens, now_ms, err);

    if (!token)
        return NULL;
    snprintf(token->environment, sizeof(token->environment), "%s", environment);
    snprintf(token->key_sha256, sizeof(token->key_sha256), "%s", key_sha256);
    make_secret(token);
    return token;
}

static void print_attributes(const struct dep_token *token, int64_t now_ms, const char *const names[3],
                             struct json_out *out)
{
    char time[CLOCK_ISO_BYTES];

    json_add_string(out, "token", token->token);
    json_add_string(out, names[0], clock_iso(token->expires_ms, time));
    json_add_string(out, "status", state_of(token, now_ms));
    json_add_string(out, names[1], token->organization);
    if (token->environment[0] != '\0')
        json_add_string(out, names[2], token->environment);
}

void dep_token_print(const struct dep_token *token, const char *name, int64_t now_ms, struct json_out *out)
{
    static const char *const names[] = { "expiresAt", "organizationName", "environment" };

    json_begin(out, name, '{');
    json_add_string(out, "id", token->id);
    json_add_string(out, "type", "depTokens");
    json_begin(out, "attributes", '{');
    print_attributes(token, now_ms, names, out);
    json_end(out, '}');
    json_end(out, '}');
}

void dep_tokens_print(const struct dep_tokens *tokens, int64_t now_ms, struct buf *body)
{
    static const char *const names[] = { "expires_at", "organization", "environment" };
    struct json_out out;

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_add_int(&out, "count", (int64_t)tokens->count);
    json_begin(&out, "tokens", '[');
    for (size_t i = 0; i < tokens->count; i++) {
        const struct dep_token *token = &tokens->at[i];

        json_begin(&out, NULL, '{');
        json_add_string(&out, "id", token->id);
        print_attributes(token, now_ms, names, &out);
        json_add_string(&out, "key_sha256", token->key_sha256[0] != '\0' ? token->key_sha256 : NULL);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_end(&out, '}');
}

#include "harness/vault_tokens.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/sha256.h"

#define TOKEN_DIGITS    40
#define ACCESSOR_DIGITS 24

struct vault_token *vault_tokens_add(struct vault_tokens *tokens, const char *text, const char *from,
                                     int64_t lease_s, int64_t max_lease_s, int64_t now_ms)
{
    struct vault_token *token;
    char seed[64], hex[SHA256_HEX];
    int len;

    if (tokens->count == VAULT_TOKENS_MAX)
        vault_tokens_revoke(tokens, &tokens->at[0]);
    token = &tokens->at[tokens->count++];
    *token = (struct vault_token){ .from = from, .issued_ms = now_ms, .lease_s = lease_s };
    len = snprintf(seed, sizeof(seed), "%llu %lld", (unsigned long long)++tokens->made, (long long)now_ms);
    sha256_hex(seed, (size_t)len, hex);
    if (text)
        snprintf(token->text, sizeof(token->text), "%s", text);
    else
        snprintf(token->text, sizeof(token->text), "hvs.%.*s", TOKEN_DIGITS, hex);
    snprintf(token->accessor, sizeof(token->accessor), "%.*s", ACCESSOR_DIGITS, hex + TOKEN_DIGITS);
    token->at_most_ms = max_lease_s > 0 ? now_ms + max_lease_s * 1000 : 0;
    vault_token_renew(token, lease_s, now_ms);
    return token;
}

struct vault_token *vault_tokens_find(struct vault_tokens *tokens, const char *text, int64_t now_ms)
{
    for (size_t i = tokens->count; text && i-- > 0;) {
        struct vault_token *token = &tokens->at[i];

        if (strcmp(token->text, text) == 0)
            return token->lease_s == 0 || now_ms < token->ends_ms ? token : NULL;
    }
    return NULL;
}

void vault_token_renew(struct vault_token *token, int64_t lease_s, int64_t now_ms)
{
    token->ends_ms = now_ms + (lease_s > 0 ? lease_s : token->lease_s) * 1000;
    if (token->at_most_ms > 0 && token->ends_ms > token->at_most_ms)
        token->ends_ms = token->at_most_ms;
}

void vault_tokens_revoke(struct vault_tokens *tokens, struct vault_token *token)
{
    size_t at = (size_t)(token - tokens->at);

    memmove(token, token + 1, (--tokens->count - at) * sizeof(*token));
}

void vault_tokens_revoke_leased(struct vault_tokens *tokens)
{
    for (size_t i = tokens->count; i-- > 0;) {
        if (tokens->at[i].lease_s > 0)
            vault_tokens_revoke(tokens, &tokens->at[i]);
    }
}

static int64_t left_s(const struct vault_token *token, int64_t now_ms)
{
    return token->lease_s == 0 ? 0 : (token->ends_ms - now_ms) / 1000;
}

static void print_policies(const char *name, struct json_out *out)
{
    json_begin(out, name, '[');
    json_add_string(out, NULL, "default");
    json_end(out, ']');
}

void vault_token_print_auth(const struct vault_token *token, int64_t now_ms, struct json_out *out)
{
    json_begin(out, "auth", '{');
    json_add_string(out, "client_token", token->text);
    json_add_string(out, "accessor", token->accessor);
    print_policies("policies", out);
    print_policies("token_policies", out);
    json_add_null(out, "metadata");
    json_add_int(out, "lease_duration", left_s(token, now_ms));
    json_add_bool(out, "renewable", token->lease_s > 0);
    json_add_string(out, "entity_id", "");
    json_add_string(out, "token_type", "service");
    json_add_bool(out, "orphan", true);
    json_end(out, '}');
}

void vault_token_print_data(const struct vault_token *token, int64_t now_ms, struct json_out *out)
{
    char time[CLOCK_ISO_BYTES];

    json_begin(out, "data", '{');
    json_add_string(out, "id", token->text);
    json_add_string(out, "accessor", token->accessor);
    json_add_string(out, "path", token->from);
    json_add_int(out, "creation_time", token->issued_ms / 1000);
    json_add_int(out, "creation_ttl", token->lease_s);
    json_add_string(out, "expire_time", token->lease_s == 0 ? NULL : clock_iso(token->ends_ms, time));
    json_add_int(out, "ttl", left_s(token, now_ms));
    json_add_int(out, "explicit_max_ttl",
                 token->at_most_ms > 0 ? (token->at_most_ms - token->issued_ms) / 1000 : 0);
    json_add_bool(out, "renewable", token->lease_s > 0);
    json_add_int(out, "num_uses", 0);
    print_policies("policies", out);
    json_add_string(out, "type", "service");
    json_end(out, '}');
}

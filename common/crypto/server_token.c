#include "crypto/server_token.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"

enum { CONSUMER_KEY, CONSUMER_SECRET, ACCESS_TOKEN, ACCESS_SECRET, ACCESS_TOKEN_EXPIRY, MEMBERS };

static const char *const names[MEMBERS] = {
    "consumer_key", "consumer_secret", "access_token", "access_secret", "access_token_expiry",
};

/* A piece of the text; at NULL: not there. */
struct piece {
    const char *at;
    size_t len;
};

/* All that follows walks over text that json_scan has taken: an object, so quotes and brackets are in pairs.
 */
static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')
        at++;
    return at;
}

/* At the opening quote: what is between the quotes as it is written, and behind the closing one. */
static const char *take_string(const char *at, struct piece *piece_r)
{
    const char *from = ++at;

    while (*at != '"')
        at += *at == '\\' ? 2 : 1;
    *piece_r = (struct piece){ from, (size_t)(at - from) };
    return at + 1;
}

/* A value: of a string what it has, of anything else nothing; behind it. */
static const char *take_value(const char *at, struct piece *piece_r)
{
    struct piece inner;
    size_t depth = 0;

    *piece_r = (struct piece){ "", 0 };
    if (*at == '"')
        return take_string(at, piece_r);
    for (;; at++) {
        while (*at == '"')
            at = take_string(at, &inner);
        if (depth == 0 && (*at == ',' || *at == '}'))
            return at;
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
    }
}

static size_t member_of(const struct piece *name)
{
    size_t i = 0;

    while (i < MEMBERS && (strlen(names[i]) != name->len || memcmp(names[i], name->at, name->len) != 0))
        i++;
    return i;
}

/* false: a member stands twice. */
static bool take_members(const char *at, struct piece values_r[MEMBERS])
{
    struct piece name, value;
    size_t member;

    for (at = skip_blanks(skip_blanks(at) + 1); *at == '"'; at = skip_blanks(*at == ',' ? at + 1 : at)) {
        at = skip_blanks(take_string(at, &name));
        at = skip_blanks(take_value(skip_blanks(at + 1), &value)); /* behind the colon */
        member = member_of(&name);
        if (member == MEMBERS)
            continue;
        if (values_r[member].at != NULL)
            return false;
        values_r[member] = value;
    }
    return true;
}

static bool is_plain(const struct piece *value)
{
    if (value->len == 0 || value->len > SERVER_TOKEN_VALUE_MAX)
        return false;
    for (size_t i = 0; i < value->len; i++)
        if (value->at[i] <= ' ' || value->at[i] > '~' || value->at[i] == '\\')
            return false;
    return true;
}

static void copy(const struct piece *value, char text_r[SERVER_TOKEN_VALUE_MAX + 1])
{
    memcpy(text_r, value->at, value->len);
    text_r[value->len] = '\0';
}

int server_token_read(const struct secret *json, struct server_token *token_r, struct err *err)
{
    struct piece values[MEMBERS] = { { NULL, 0 } };
    char expiry[SERVER_TOKEN_VALUE_MAX + 1];
    const char *text = secret_text(json);
    struct err why = ERR_INIT;
    struct server_token token;

    if (json_scan(text, secret_len(json), &why) != 0 || *skip_blanks(text) != '{')
        return err_set(err, ERR_P7M, 0, "no server token: it is no JSON object");
    if (!take_members(text, values))
        return err_set(err, ERR_P7M, 0, "no server token: a member of it stands twice");
    for (size_t i = 0; i < MEMBERS; i++) {
        if (values[i].at == NULL)
            return err_set(err, ERR_P7M, 0, "no server token: it has no %s", names[i]);
        if (!is_plain(&values[i]))
            return err_set(err, ERR_P7M, 0, "no server token: its %s is no text of 1 to %d characters",
                           names[i], SERVER_TOKEN_VALUE_MAX);
    }
    copy(&values[CONSUMER_KEY], token.consumer_key);
    copy(&values[ACCESS_TOKEN_EXPIRY], expiry);
    if (clock_parse_iso(expiry, &token.expires_ms) != 0)
        return err_set(err, ERR_P7M, 0, "no server token: its %s is no time", names[ACCESS_TOKEN_EXPIRY]);
    *token_r = token;
    return 0;
}

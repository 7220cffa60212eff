/* The words of a condition, and where in it an error stands. */
#include "domain/rule_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 72 /* characters of a condition under an error */

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t count_characters(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += !is_continuation(text[i]);
    return count;
}

/* The condition's line around at, and a caret under it. */
static void add_caret(struct buf *out, const struct rule_source *source, size_t at)
{
    size_t from = 0, shown = 0, i;

    /* Start so that the caret stands in the right half at most. */
    if (count_characters(source->text, at) > SHOWN * 3 / 4) {
        size_t back = 0;

        for (from = at; from > 0 && back < SHOWN / 2; from--)
            back += !is_continuation(source->text[from - 1]);
    }
    buf_add_str(out, "\n    ");
    for (i = from; i < source->len && (shown < SHOWN || is_continuation(source->text[i])); i++) {
        unsigned char c = (unsigned char)source->text[i];

        shown += !is_continuation((char)c);
        buf_add_char(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
    buf_addf(out, "\n    %*s^", (int)count_characters(source->text + from, at - from), "");
}

int rule_fail(const struct rule_source *source, enum err_code code, size_t at, const char *fmt, ...)
{
    char what[384];
    struct buf caret;
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    buf_init(&caret, 2048);
    add_caret(&caret, source, at);
    err_set(source->err, code, 0, "column %zu: %s%s", count_characters(source->text, at) + 1, what,
            caret.data);
    buf_release(&caret);
    return -1;
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_part(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-';
}

static char peek(const struct rule_source *source, size_t ahead)
{
    return ahead < source->len - source->at ? source->text[source->at + ahead] : '\0';
}

static int lex_name(struct rule_source *source, struct token *token)
{
    size_t end = source->at;

    while (end < source->len && is_name_part(source->text[end]))
        end++;
    token->kind = TOKEN_NAME;
    token->len = end - token->at;
    token->text = pool_strndup(source->pool, source->text + token->at, token->len);
    source->at = end;
    return token->text != NULL ? 0 : pool_failed(source->pool, source->err);
}

/* The escape at source->at into *c. An unknown one is noted and leaves the backslash; what follows is
 * ordinary. */
static void lex_escape(struct rule_source *source, struct token *token, char *c)
{
    char next = peek(source, 1);

    token->has_escape = true;
    switch (next) {
    case '\\':
    case '\'':
    case '"': *c = next; break;
    case 'n': *c = '\n'; break;
    case 't': *c = '\t'; break;
    default:
        if (token->odd_at == 0)
            token->odd_at = source->at;
        return;
    }
    source->at++;
}

static int lex_string(struct rule_source *source, struct token *token)
{
    char quote = source->text[source->at++];
    char text[RULE_CONDITION_MAX];
    size_t len = 0;

    for (; source->at < source->len; source->at++) {
        char c = source->text[source->at];

        if (c == quote) {
            source->at++;
            token->kind = TOKEN_STRING;
            token->len = source->at - token->at;
            token->text = pool_strndup(source->pool, text, len);
            return token->text != NULL ? 0 : pool_failed(source->pool, source->err);
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return rule_fail(source, ERR_RULE_SYNTAX, source->at, "a control character in a string: write %s",
                             c == '\t' ? "\\t" : "\\n");
        if (c == '\\')
            lex_escape(source, token, &c);
        text[len++] = c;
    }
    return rule_fail(source, ERR_RULE_SYNTAX, token->at, "the string that begins here has no end");
}

static int lex_unknown(struct rule_source *source)
{
    static const struct {
        const char *written, *meant;
    } habits[] = { { "&&", "and" }, { "||", "or" }, { "<>", "!=" }, { "=", "==" }, { "!", "not" } };
    size_t at = source->at;

    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
        size_t len = strlen(habits[i].written);

        if (source->len - at >= len && memcmp(source->text + at, habits[i].written, len) == 0)
            return rule_fail(source, ERR_RULE_SYNTAX, at, "'%s' is not known — did you mean '%s'?",
                             habits[i].written, habits[i].meant);
    }
    if ((unsigned char)source->text[at] < 0x20 || source->text[at] == 0x7f)
        return rule_fail(source, ERR_RULE_SYNTAX, at, "a control character");
    return rule_fail(source, ERR_RULE_SYNTAX, at, "'%c' has no place in a condition", source->text[at]);
}

static int lex_sign(struct rule_source *source, struct token *token)
{
    static const struct {
        const char *text;
        enum token_kind kind;
    } signs[] = {
        { "==", TOKEN_EQ },  { "!=", TOKEN_NE },      { "(", TOKEN_OPEN },  { ")", TOKEN_CLOSE },
        { "[", TOKEN_LIST }, { "]", TOKEN_LIST_END }, { ",", TOKEN_COMMA }, { ".", TOKEN_DOT },
    };

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        size_t len = strlen(signs[i].text);

        if (source->len - source->at < len || memcmp(source->text + source->at, signs[i].text, len) != 0)
            continue;
        token->kind = signs[i].kind;
        token->len = len;
        source->at += len;
        return 0;
    }
    return lex_unknown(source);
}

int rule_lex(struct rule_source *source, struct token *token_r)
{
    char c;

    while (source->at < source->len && strchr(" \t\r\n", source->text[source->at]) != NULL &&
           source->text[source->at] != '\0')
        source->at++;
    memset(token_r, 0, sizeof(*token_r));
    token_r->at = source->at;
    if (source->at == source->len)
        return 0; /* TOKEN_END */
    c = source->text[source->at];
    if (c == '\'' || c == '"')
        return lex_string(source, token_r);
    return is_name_start(c) ? lex_name(source, token_r) : lex_sign(source, token_r);
}

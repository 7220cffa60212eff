/* One test of a condition, `country in ['JP']`, checked for types. */
#include "domain/rule_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* --- operands --- */

static const struct {
    const char *name;
    size_t at;
} fields[] = {
    { "serial", offsetof(struct device, serial) },
    { "country", offsetof(struct device, country) },
    { "model", offsetof(struct device, model) },
    { "order_number", offsetof(struct device, order_number) },
    { "asset_tag", offsetof(struct device, asset_tag) },
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static int fail_field(struct parser *parser, const struct token *token)
{
    static const char *const names[] = { "serial", "country", "model", "order_number", "asset_tag", "extra" };
    const char *near = str_nearest(token->text, names, sizeof(names) / sizeof(names[0]));

    if (near != NULL)
        return rule_fail(&parser->source, ERR_RULE_FIELD, token->at,
                         "unknown field '%.64s' — did you mean '%s'?", token->text, near);
    return rule_fail(&parser->source, ERR_RULE_FIELD, token->at,
                     "unknown field '%.64s' (a further column is extra.NAME)", token->text);
}

/* extra.NAME or extra['any name'], the word extra taken already. */
static int parse_extra(struct parser *parser, struct operand *operand)
{
    bool is_list = parser->token.kind == TOKEN_LIST;
    size_t at = parser->token.at;

    if (!is_list && parser->token.kind != TOKEN_DOT)
        return parser_fail_wanted(parser, ".NAME: extra is all further columns");
    if (parser_advance(parser) != 0)
        return -1;
    if (parser->token.kind != (is_list ? TOKEN_STRING : TOKEN_NAME))
        return parser_fail_wanted(parser, is_list ? "the column's name in quotes" : "the column's name");
    operand->extra = parser->token.text;
    operand->field = pool_printf(parser->source.pool, "extra.%s", operand->extra);
    if (operand->field == NULL)
        return pool_failed(parser->source.pool, parser->source.err);
    if (*operand->extra == '\0')
        return rule_fail(&parser->source, ERR_RULE_FIELD, at, "the column's name is empty");
    if (parser_advance(parser) != 0)
        return -1;
    return is_list ? parser_take(parser, TOKEN_LIST_END, "']'") : 0;
}

static int parse_field(struct parser *parser, struct operand *operand)
{
    struct token token = parser->token;

    if (parser_advance(parser) != 0)
        return -1;
    if (strcmp(token.text, "extra") == 0)
        return parse_extra(parser, operand);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(token.text, fields[i].name) == 0) {
            operand->field = fields[i].name;
            operand->at = fields[i].at;
            return 0;
        }
    }
    return fail_field(parser, &token);
}

/* A string whose every escape is known. */
static int parse_string(struct parser *parser, struct operand *operand)
{
    if (parser->token.odd_at != 0)
        return rule_fail(&parser->source, ERR_RULE_SYNTAX, parser->token.odd_at,
                         "unknown escape: wanted \\\\ \\' \\\" \\n or \\t");
    operand->text = parser->token.text;
    operand->len = strlen(operand->text);
    return parser_advance(parser);
}

static bool is_operator_word(const struct parser *parser)
{
    return parser_is_word(parser, "and") || parser_is_word(parser, "or") || parser_is_word(parser, "not") ||
           parser_is_word(parser, "in");
}

static int parse_operand(struct parser *parser, struct operand *operand)
{
    if (parser->token.kind == TOKEN_STRING)
        return parse_string(parser, operand);
    if (parser->token.kind == TOKEN_NAME && !is_operator_word(parser))
        return parse_field(parser, operand);
    return parser_fail_wanted(parser, "a field or a string");
}

/* --- tests --- */

static int parse_comparison(struct parser *parser, struct node *node, size_t at)
{
    node->kind = parser->token.kind == TOKEN_EQ ? NODE_EQ : NODE_NE;
    if (parser_advance(parser) != 0)
        return -1;
    if (parser->token.kind == TOKEN_LIST)
        return rule_fail(&parser->source, ERR_RULE_TYPE, parser->token.at, "a list is not compared: use in");
    if (parse_operand(parser, &node->right) != 0)
        return -1;
    if (node->left.field == NULL && node->right.field == NULL)
        return rule_fail(&parser->source, ERR_RULE_TYPE, at,
                         "two strings are compared: that is always the same");
    return parser_count(parser);
}

static int parse_list_item(struct parser *parser, struct rule_string ***tail)
{
    struct operand item = { 0 };
    struct rule_string *string;

    if (parser->token.kind == TOKEN_NAME)
        return rule_fail(&parser->source, ERR_RULE_TYPE, parser->token.at, "only strings stand in a list");
    if (parser->token.kind != TOKEN_STRING)
        return parser_fail_wanted(parser, "a string or ']'");
    if (parser_count(parser) != 0 || parse_string(parser, &item) != 0)
        return -1;
    string = pool_alloc(parser->source.pool, sizeof(*string));
    if (string == NULL)
        return pool_failed(parser->source.pool, parser->source.err);
    string->text = item.text;
    **tail = string;
    *tail = &string->next;
    return 0;
}

static int parse_list(struct parser *parser, struct node *node)
{
    struct rule_string **tail = &node->strings;
    size_t at = parser->token.at;

    if (parser->token.kind == TOKEN_NAME)
        return rule_fail(&parser->source, ERR_RULE_TYPE, at,
                         "in wants a list; for a part of a text use .contains()");
    if (parser_take(parser, TOKEN_LIST, "a list: ['JP', 'KR']") != 0)
        return -1;
    while (parser->token.kind != TOKEN_LIST_END) {
        if (parse_list_item(parser, &tail) != 0)
            return -1;
        if (parser->token.kind == TOKEN_LIST_END)
            break;
        if (parser_take(parser, TOKEN_COMMA, "',' or ']'") != 0)
            return -1;
    }
    if (node->strings == NULL)
        return rule_fail(&parser->source, ERR_RULE_SYNTAX, at, "the list is empty");
    return parser_advance(parser);
}

static int parse_membership(struct parser *parser, struct node *node, size_t at)
{
    node->kind = NODE_IN;
    if (parser_is_word(parser, "not")) {
        node->kind = NODE_NOT_IN;
        if (parser_advance(parser) != 0)
            return -1;
        if (!parser_is_word(parser, "in"))
            return parser_fail_wanted(parser, "in");
    }
    if (parser_advance(parser) != 0)
        return -1;
    if (node->left.field == NULL && parser->token.kind == TOKEN_LIST)
        return rule_fail(&parser->source, ERR_RULE_TYPE, at,
                         "a string in a list is always the same: name a field");
    return parse_list(parser, node);
}

static int compile_pattern(struct parser *parser, struct node *node, const struct token *token)
{
    size_t offset;

    if (regex_new(token->text, &node->regex, &offset, parser->source.err) != 0) {
        char words[256];
        size_t at = token->at + (token->has_escape ? 0 : 1 + offset);

        if (parser->source.err->code != ERR_RULE_PATTERN)
            return -1;
        snprintf(words, sizeof(words), "%.250s", parser->source.err->text);
        return rule_fail(&parser->source, ERR_RULE_PATTERN, at, "the pattern does not compile: %s", words);
    }
    node->next_pattern = parser->rule->patterns;
    parser->rule->patterns = node;
    node->right.text = token->text;
    node->right.len = strlen(token->text);
    return 0;
}

static const struct {
    const char *name;
    enum node_kind kind;
} methods[] = {
    { "startswith", NODE_STARTS },
    { "endswith", NODE_ENDS },
    { "contains", NODE_CONTAINS },
    { "matches", NODE_MATCHES },
};

static int find_method(struct parser *parser, enum node_kind *kind_r)
{
    static const char *const names[] = { "startswith", "endswith", "contains", "matches" };
    const char *near;

    if (parser->token.kind != TOKEN_NAME)
        return parser_fail_wanted(parser, "startswith, endswith, contains or matches");
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (parser_is_word(parser, methods[i].name)) {
            *kind_r = methods[i].kind;
            return parser_advance(parser);
        }
    }
    near = str_nearest(parser->token.text, names, sizeof(names) / sizeof(names[0]));
    if (near == NULL)
        return parser_fail_wanted(parser, "startswith, endswith, contains or matches");
    return rule_fail(&parser->source, ERR_RULE_SYNTAX, parser->token.at,
                     "unknown method '%.64s' — did you mean '%s'?", parser->token.text, near);
}

static int parse_method(struct parser *parser, struct node *node, size_t at)
{
    struct token argument;

    if (node->left.field == NULL)
        return rule_fail(&parser->source, ERR_RULE_TYPE, at,
                         "a string is asked, wanted a field before the '.'");
    if (parser_advance(parser) != 0 || find_method(parser, &node->kind) != 0 ||
        parser_take(parser, TOKEN_OPEN, "'('") != 0)
        return -1;
    argument = parser->token;
    if (argument.kind == TOKEN_NAME || argument.kind == TOKEN_LIST)
        return rule_fail(&parser->source, ERR_RULE_TYPE, argument.at, "wanted one string in quotes");
    if (argument.kind != TOKEN_STRING)
        return parser_fail_wanted(parser, "a string in quotes");
    if (node->kind == NODE_MATCHES
            ? compile_pattern(parser, node, &argument) != 0 || parser_advance(parser) != 0
            : parse_string(parser, &node->right) != 0)
        return -1;
    return parser_take(parser, TOKEN_CLOSE, "')'");
}

int parser_test(struct parser *parser, struct node **node_r)
{
    size_t at = parser->token.at;
    struct node *node;
    int rc;

    if (parser_node(parser, NODE_EQ, &node) != 0 || parse_operand(parser, &node->left) != 0)
        return -1;
    if (parser->token.kind == TOKEN_EQ || parser->token.kind == TOKEN_NE)
        rc = parse_comparison(parser, node, at);
    else if (parser_is_word(parser, "in") || parser_is_word(parser, "not"))
        rc = parse_membership(parser, node, at);
    else if (parser->token.kind == TOKEN_DOT)
        rc = parse_method(parser, node, at);
    else if (parser->token.kind == TOKEN_END || parser->token.kind == TOKEN_CLOSE || is_operator_word(parser))
        return rule_fail(&parser->source, ERR_RULE_TYPE, at,
                         "%s alone is no condition: compare it with something",
                         node->left.field != NULL ? "a field" : "a string");
    else
        return parser_fail_wanted(parser, "== != in, not in or a method");
    if (rc != 0)
        return -1;
    if (parser->token.kind == TOKEN_EQ || parser->token.kind == TOKEN_NE)
        return rule_fail(&parser->source, ERR_RULE_SYNTAX, parser->token.at,
                         "two comparisons: put and between them");
    *node_r = node;
    return 0;
}

/* A condition's words into a tree: recursive descent, one function a line of the grammar; tests are
 * rule_test.c's. */
#include "domain/rule_inside.h"

#include <string.h>

#include "base/str.h"

int parser_advance(struct parser *parser)
{
    return rule_lex(&parser->source, &parser->token);
}

bool parser_is_word(const struct parser *parser, const char *word)
{
    return parser->token.kind == TOKEN_NAME && strcmp(parser->token.text, word) == 0;
}

/* What stands where something else was wanted. */
int parser_fail_wanted(struct parser *parser, const char *wanted)
{
    const struct token *token = &parser->token;

    if (token->kind == TOKEN_END)
        return rule_fail(&parser->source, ERR_RULE_SYNTAX, token->at, "the condition ends here, wanted %s",
                         wanted);
    return rule_fail(&parser->source, ERR_RULE_SYNTAX, token->at, "'%.*s' here, wanted %s",
                     token->len > 32 ? 32 : (int)token->len, parser->source.text + token->at, wanted);
}

int parser_take(struct parser *parser, enum token_kind kind, const char *wanted)
{
    return parser->token.kind == kind ? parser_advance(parser) : parser_fail_wanted(parser, wanted);
}

int parser_count(struct parser *parser)
{
    if (++parser->nodes > RULE_NODES_MAX)
        return rule_fail(&parser->source, ERR_LIMIT, parser->token.at,
                         "more than %d tests, operators and strings in one condition", RULE_NODES_MAX);
    return 0;
}

int parser_node(struct parser *parser, enum node_kind kind, struct node **node_r)
{
    if (parser_count(parser) != 0)
        return -1;
    *node_r = pool_alloc(parser->source.pool, sizeof(**node_r));
    if (*node_r == NULL)
        return pool_failed(parser->source.pool, parser->source.err);
    (*node_r)->kind = kind;
    return 0;
}

/* --- operators --- */

static int parse_or(struct parser *parser, struct node **node_r);

static int enter(struct parser *parser)
{
    if (++parser->depth > RULE_DEPTH_MAX)
        return rule_fail(&parser->source, ERR_LIMIT, parser->token.at, "nested deeper than %d",
                         RULE_DEPTH_MAX);
    return 0;
}

static int parse_not(struct parser *parser, struct node **node_r)
{
    struct node *node;

    if (parser_is_word(parser, "not")) {
        if (enter(parser) != 0 || parser_node(parser, NODE_NOT, &node) != 0 || parser_advance(parser) != 0 ||
            parse_not(parser, &node->first) != 0)
            return -1;
        *node_r = node;
    } else if (parser->token.kind == TOKEN_OPEN) {
        if (enter(parser) != 0 || parser_advance(parser) != 0 || parse_or(parser, node_r) != 0 ||
            parser_take(parser, TOKEN_CLOSE, "')', and or or") != 0)
            return -1;
    } else {
        return parser_test(parser, node_r);
    }
    parser->depth--;
    return 0;
}

/* One or more of what `part` reads with `word` between; several become children of one node. */
static int parse_chain(struct parser *parser, const char *word, enum node_kind kind,
                       int (*part)(struct parser *, struct node **), struct node **node_r)
{
    struct node *node, *last;

    if (part(parser, node_r) != 0)
        return -1;
    if (!parser_is_word(parser, word))
        return 0;
    if (parser_node(parser, kind, &node) != 0)
        return -1;
    node->first = last = *node_r;
    while (parser_is_word(parser, word)) {
        if (parser_advance(parser) != 0 || part(parser, &last->next) != 0)
            return -1;
        last = last->next;
    }
    *node_r = node;
    return 0;
}

static int parse_and(struct parser *parser, struct node **node_r)
{
    return parse_chain(parser, "and", NODE_AND, parse_not, node_r);
}

static int parse_or(struct parser *parser, struct node **node_r)
{
    return parse_chain(parser, "or", NODE_OR, parse_and, node_r);
}

static int parse_all(struct parser *parser)
{
    if (parser_advance(parser) != 0)
        return -1;
    if (parser->token.kind == TOKEN_END)
        return rule_fail(&parser->source, ERR_RULE_SYNTAX, 0, "the condition is empty");
    if (parse_or(parser, &parser->rule->root) != 0)
        return -1;
    return parser->token.kind == TOKEN_END ? 0 : parser_fail_wanted(parser, "and, or, or the end");
}

int rule_parse(const char *text, size_t len, struct pool *pool, struct rule **rule_r, struct err *err)
{
    struct parser parser = { .source = { text, len, 0, pool, err } };

    if (len > RULE_CONDITION_MAX)
        return err_set(err, ERR_LIMIT, 0, "column 1: a condition of %zu bytes, at most %d", len,
                       RULE_CONDITION_MAX);
    if (!str_is_utf8(text, len))
        return err_set(err, ERR_RULE_SYNTAX, 0, "column 1: the condition is no valid UTF-8, or has a NUL");
    parser.rule = pool_alloc(pool, sizeof(*parser.rule));
    if (parser.rule == NULL)
        return pool_failed(pool, err);
    if (parse_all(&parser) != 0) {
        rule_release(parser.rule);
        return -1;
    }
    *rule_r = parser.rule;
    return 0;
}

void rule_release(struct rule *rule)
{
    if (rule == NULL)
        return;
    for (struct node *node = rule->patterns; node != NULL; node = node->next_pattern)
        regex_free(node->regex);
    rule->patterns = NULL;
}

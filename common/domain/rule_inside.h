/**
 * rule_inside.h - the inside of rule_*.c: tokens of a condition, and the tree that they become.
 */
#ifndef DOMAIN_RULE_INSIDE_H
#define DOMAIN_RULE_INSIDE_H

#include "domain/regex.h"
#include "domain/rule.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_LIST,
    TOKEN_LIST_END,
    TOKEN_COMMA,
    TOKEN_DOT,
};

struct token {
    enum token_kind kind;
    size_t at, len;   /* in the condition, bytes */
    const char *text; /* of a name or string, without quotes and escapes, in the pool */
    size_t odd_at;    /* of a string: place of its first unknown escape; 0: none */
    bool has_escape;
};

struct rule_source {
    const char *text;
    size_t len, at;
    struct pool *pool;
    struct err *err;
};

/** The next token; -1 with ERR_RULE_SYNTAX. */
int rule_lex(struct rule_source *source, struct token *token_r);
/** The error at byte `at`, with its column and caret. Returns -1. */
int rule_fail(const struct rule_source *source, enum err_code code, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

enum node_kind {
    NODE_OR,  /* over children */
    NODE_AND, /* over children */
    NODE_NOT, /* over one child */
    NODE_EQ,  /* left, right */
    NODE_NE,
    NODE_IN, /* left, strings */
    NODE_NOT_IN,
    NODE_STARTS, /* left, right */
    NODE_ENDS,
    NODE_CONTAINS,
    NODE_MATCHES, /* left, regex (its text in right) */
};

/* A field of the device, or a string. */
struct operand {
    const char *field; /* "country", "extra.site"; NULL: a string */
    const char *extra; /* the column's name */
    size_t at;         /* offsetof in struct device, where extra is NULL */
    const char *text;  /* the string */
    size_t len;
};

struct rule_string {
    struct rule_string *next;
    const char *text;
};

struct node {
    enum node_kind kind;
    struct node *first, *next; /* children, and the sibling */
    struct operand left, right;
    struct rule_string *strings;
    struct regex *regex;
    struct node *next_pattern; /* all nodes with a regex, for release */
};

struct rule {
    struct node *root;
    struct node *patterns;
};

struct parser {
    struct rule_source source;
    struct token token; /* the next one, not taken yet */
    struct rule *rule;
    unsigned nodes, depth;
};

int parser_advance(struct parser *parser);
/** Whether the next token is this word. */
bool parser_is_word(const struct parser *parser, const char *word);
/** The error: what stands where something else was wanted. Returns -1. */
int parser_fail_wanted(struct parser *parser, const char *wanted);
/** Takes one token of the kind, or fails naming what was wanted. */
int parser_take(struct parser *parser, enum token_kind kind, const char *wanted);
/** One more node or string, within the limit. */
int parser_count(struct parser *parser);
int parser_node(struct parser *parser, enum node_kind kind, struct node **node_r);
/** `test` of the grammar. */
int parser_test(struct parser *parser, struct node **node_r);

/** The operand's value for a device; never NULL. */
const char *operand_value(const struct operand *operand, const struct device *device);
/** 1, 0, -1 with ERR_RULE_LIMIT. */
int node_match(const struct node *node, const struct device *device, struct err *err);

#endif

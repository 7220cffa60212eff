/* The file of rules into a table. */
#include "domain/mapping.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "domain/check.h"
#include "domain/mapping_inside.h"
#include "domain/rule.h"

#define POOL_MAX (256 * 1024 * 1024) /* 10,000 conditions at their largest stay below it */

int mapping_fail(struct mapping_reader *reader, struct yaml_place at, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return yaml_fail(reader->err, ERR_RULE_FILE, reader->mapping->name, at, "%s", text);
}

int mapping_no_room(struct mapping_reader *reader)
{
    return pool_failed(reader->mapping->pool, reader->err);
}

/* --- maps of known keys --- */

static int fail_unknown_key(struct mapping_reader *reader, const struct yaml_node *node, const char *what,
                            const struct mapping_key *keys, size_t count)
{
    const char *names[16], *near;

    for (size_t i = 0; i < count; i++)
        names[i] = keys[i].name;
    near = str_nearest(node->key, names, count);
    if (near != NULL)
        return mapping_fail(reader, node->key_at, "unknown key '%.64s' in %s — did you mean '%s'?", node->key,
                            what, near);
    return mapping_fail(reader, node->key_at, "unknown key '%.64s' in %s", node->key, what);
}

static int read_value(struct mapping_reader *reader, const struct yaml_node *node,
                      const struct mapping_key *key)
{
    if (key->node_r != NULL)
        *key->node_r = node;
    if (key->into == NULL)
        return 0;
    if (node->kind != YAML_SCALAR)
        return mapping_fail(reader, node->at, "%s is %s, wanted text", key->name, yaml_kind_name(node->kind));
    if (yaml_is_null(node))
        return key->may_be_null ? 0 : mapping_fail(reader, node->at, "%s is empty", key->name);
    *key->into = pool_strdup(reader->mapping->pool, node->text);
    return *key->into != NULL ? 0 : mapping_no_room(reader);
}

int mapping_read_map(struct mapping_reader *reader, const struct yaml_node *map, const char *what,
                     const struct mapping_key *keys, size_t count)
{
    if (map->kind != YAML_MAP)
        return mapping_fail(reader, map->at, "%s is %s, wanted a map", what, yaml_kind_name(map->kind));
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        size_t i = 0;

        while (i < count && strcmp(keys[i].name, node->key) != 0)
            i++;
        if (i == count)
            return fail_unknown_key(reader, node, what, keys, count);
        if (read_value(reader, node, &keys[i]) != 0)
            return -1;
    }
    return 0;
}

/* --- rules --- */

/* "3: country == 'JP'", on one line and short enough to travel with each device. */
static int set_text(struct mapping_reader *reader, struct mapping_rule *rule)
{
    char text[MAPPING_TEXT_MAX + 1];
    const char *condition = rule->condition != NULL ? rule->condition : "default";
    int len = snprintf(text, sizeof(text), "%zu: %s", rule->number, condition);

    if ((size_t)len > MAPPING_TEXT_MAX) {
        size_t end = MAPPING_TEXT_MAX - 3;

        while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
            end--;
        memcpy(text + end, "...", 4);
    }
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    rule->text = pool_strdup(reader->mapping->pool, text);
    return rule->text != NULL ? 0 : mapping_no_room(reader);
}

static int check_id(struct mapping_reader *reader, const struct yaml_node *node, const char *name,
                    const char *id)
{
    const char *problem = id != NULL ? id_problem(id) : NULL;

    return problem == NULL ? 0 : mapping_fail(reader, node->at, "%s '%.64s' %s", name, id, problem);
}

/* A default has no condition; either has its own way to name the blueprint. */
static int check_shape(struct mapping_reader *reader, const struct yaml_node *map,
                       const struct yaml_node *condition, const struct yaml_node *blueprint,
                       const struct yaml_node *fallback)
{
    if (fallback != NULL && condition != NULL)
        return mapping_fail(reader, condition->key_at, "a rule has a condition or is the default, not both");
    if (fallback != NULL && blueprint != NULL)
        return mapping_fail(reader, blueprint->key_at,
                            "the default names its blueprint itself: default: \"%.64s\"",
                            blueprint->kind == YAML_SCALAR ? blueprint->text : "bp-...");
    if (fallback == NULL && condition == NULL)
        return mapping_fail(reader, map->at, "the rule has no condition (the last one may be default: ID)");
    if (fallback == NULL && blueprint == NULL)
        return mapping_fail(reader, map->at, "the rule has no blueprint_id");
    return 0;
}

static int parse_condition(struct mapping_reader *reader, const struct yaml_node *node,
                           struct mapping_rule *rule)
{
    if (rule_parse(rule->condition, strlen(rule->condition), reader->mapping->pool, &rule->rule,
                   reader->err) == 0)
        return 0;
    return err_prefix(reader->err, "%s:%zu:%zu: condition, rule %zu", reader->mapping->name, node->at.line,
                      node->at.column, rule->number);
}

static int read_rule(struct mapping_reader *reader, const struct yaml_node *map, struct mapping_rule *rule)
{
    const struct yaml_node *condition = NULL, *blueprint = NULL, *fallback = NULL, *server = NULL;
    const char *fallback_id = NULL;
    const struct mapping_key keys[] = {
        { "condition", &rule->condition, &condition, false },
        { "blueprint_id", &rule->blueprint_id, &blueprint, false },
        { "default", &fallback_id, &fallback, false },
        { "mdm_server", &rule->mdm_server, &server, false },
        { "description", &rule->description, NULL, true },
    };

    if (mapping_read_map(reader, map, "a rule", keys, sizeof(keys) / sizeof(keys[0])) != 0 ||
        check_shape(reader, map, condition, blueprint, fallback) != 0)
        return -1;
    if (fallback != NULL) {
        rule->blueprint_id = fallback_id;
        blueprint = condition = fallback;
    }
    rule->line = condition->at.line;
    rule->column = condition->at.column;
    if (check_id(reader, blueprint, fallback != NULL ? "default" : "blueprint_id", rule->blueprint_id) != 0 ||
        check_id(reader, server, "mdm_server", rule->mdm_server) != 0 || set_text(reader, rule) != 0)
        return -1;
    return fallback != NULL ? 0 : parse_condition(reader, condition, rule);
}

static int read_rules(struct mapping_reader *reader, const struct yaml_node *list)
{
    struct mapping *mapping = reader->mapping;

    if (list->kind != YAML_SEQ)
        return mapping_fail(reader, list->at, "blueprint_mappings is %s, wanted a list of rules",
                            yaml_kind_name(list->kind));
    if (list->count == 0)
        return mapping_fail(reader, list->at, "blueprint_mappings is empty");
    if (list->count > MAPPING_MAX_RULES)
        return mapping_fail(reader, list->at, "%zu rules, at most %d", list->count, MAPPING_MAX_RULES);
    mapping->rules = pool_array(mapping->pool, list->count, sizeof(*mapping->rules));
    if (mapping->rules == NULL)
        return mapping_no_room(reader);
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        struct mapping_rule *rule = &mapping->rules[mapping->count];

        rule->number = ++mapping->count;
        if (read_rule(reader, node, rule) != 0)
            return -1;
        if (rule->condition == NULL && node->next != NULL)
            return mapping_fail(reader, node->at,
                                "the default is not last: no rule behind it would ever be asked");
    }
    return 0;
}

static int compare_targets(const void *a, const void *b)
{
    const struct mapping_rule *left = *(const struct mapping_rule *const *)a;
    const struct mapping_rule *right = *(const struct mapping_rule *const *)b;
    int order = strcmp(left->blueprint_id, right->blueprint_id);

    if (order == 0)
        order = strcmp(left->mdm_server != NULL ? left->mdm_server : "",
                       right->mdm_server != NULL ? right->mdm_server : "");
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/* Rules that lead to the same blueprint and server get one number, so that two results compare as integers.
 */
static int number_targets(struct mapping_reader *reader)
{
    struct mapping *mapping = reader->mapping;
    struct mapping_rule **sorted = pool_array(mapping->pool, mapping->count, sizeof(*sorted)), *first = NULL;

    if (sorted == NULL)
        return mapping_no_room(reader);
    for (size_t i = 0; i < mapping->count; i++)
        sorted[i] = &mapping->rules[i];
    qsort(sorted, mapping->count, sizeof(*sorted), compare_targets);
    for (size_t i = 0; i < mapping->count; i++) {
        if (first == NULL || !str_eq(first->blueprint_id, sorted[i]->blueprint_id) ||
            !str_eq(first->mdm_server, sorted[i]->mdm_server))
            first = sorted[i];
        sorted[i]->target = (uint32_t)first->number;
    }
    return 0;
}

static int read_file(struct mapping_reader *reader, const struct yaml_node *root)
{
    const struct yaml_node *rules = NULL, *cases = NULL;
    const struct mapping_key keys[] = {
        { "blueprint_mappings", NULL, &rules, false },
        { "tests", NULL, &cases, false },
    };

    if (root == NULL)
        return mapping_fail(reader, (struct yaml_place){ 1, 1 },
                            "the file is empty: wanted blueprint_mappings:");
    if (mapping_read_map(reader, root, "the file", keys, sizeof(keys) / sizeof(keys[0])) != 0)
        return -1;
    if (rules == NULL)
        return mapping_fail(reader, root->at, "blueprint_mappings: is missing");
    if (read_rules(reader, rules) != 0 || number_targets(reader) != 0)
        return -1;
    return cases == NULL || (cases->kind == YAML_SCALAR && yaml_is_null(cases))
               ? 0
               : mapping_read_cases(reader, cases);
}

static struct mapping *mapping_new(const char *name)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct mapping *mapping = pool != NULL ? pool_alloc(pool, sizeof(*mapping)) : NULL;

    if (mapping == NULL) {
        pool_free(pool);
        return NULL;
    }
    mapping->pool = pool;
    mapping->name = pool_strdup(pool, name);
    if (mapping->name == NULL) {
        pool_free(pool);
        return NULL;
    }
    return mapping;
}

int mapping_load(const char *text, size_t len, const char *name, struct mapping **mapping_r, struct err *err)
{
    struct mapping_reader reader = { NULL, err };
    struct yaml *doc = NULL;
    int rc;

    if (len > MAPPING_MAX_BYTES)
        return err_set(err, ERR_LIMIT, 0, "%s: %zu bytes, at most %d", name, len, MAPPING_MAX_BYTES);
    reader.mapping = mapping_new(name);
    if (reader.mapping == NULL)
        return err_set(err, ERR_NOMEM, 0, "%s: no memory for the rules", name);
    rc = yaml_parse(name, text, len, &doc, err);
    if (rc == 0)
        rc = read_file(&reader, doc->root);
    yaml_doc_free(doc);
    if (rc != 0)
        mapping_free(reader.mapping);
    else
        *mapping_r = reader.mapping;
    return rc;
}

void mapping_free(struct mapping *mapping)
{
    if (mapping == NULL)
        return;
    for (size_t i = 0; i < mapping->count; i++)
        rule_release(mapping->rules[i].rule);
    pool_free(mapping->pool);
}

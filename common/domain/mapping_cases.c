/* The tests: list of a file of rules: read, and run. */
#include <stdio.h>
#include <string.h>

#include "domain/mapping_inside.h"

static int read_extra(struct mapping_reader *reader, const struct yaml_node *map, struct device *device)
{
    if (map->kind != YAML_MAP)
        return mapping_fail(reader, map->at, "extra is %s, wanted a map", yaml_kind_name(map->kind));
    device->extra = pool_array(reader->mapping->pool, map->count, sizeof(*device->extra));
    if (device->extra == NULL)
        return mapping_no_room(reader);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        struct device_extra *extra = &device->extra[device->extra_count];

        if (node->kind != YAML_SCALAR)
            return mapping_fail(reader, node->at, "extra.%.64s is %s, wanted text", node->key,
                                yaml_kind_name(node->kind));
        extra->name = pool_strdup(reader->mapping->pool, node->key);
        extra->value = pool_strdup(reader->mapping->pool, node->text);
        if (extra->name == NULL || extra->value == NULL)
            return mapping_no_room(reader);
        device->extra_count++;
    }
    return 0;
}

static int read_case(struct mapping_reader *reader, const struct yaml_node *map, struct mapping_case *test)
{
    const struct yaml_node *extra = NULL, *expect = NULL, *server = NULL;
    struct device *device = &test->device;
    const struct mapping_key keys[] = {
        { "serial", &device->serial, NULL, true },
        { "country", &device->country, NULL, true },
        { "model", &device->model, NULL, true },
        { "order_number", &device->order_number, NULL, true },
        { "asset_tag", &device->asset_tag, NULL, true },
        { "extra", NULL, &extra, false },
        { "description", &test->description, NULL, true },
        { "expect", &test->expect, &expect, true },
        { "expect_mdm_server", &test->expect_mdm_server, &server, true },
    };

    test->line = map->at.line;
    if (mapping_read_map(reader, map, "a test", keys, sizeof(keys) / sizeof(keys[0])) != 0)
        return -1;
    if (expect == NULL)
        return mapping_fail(reader, map->at, "the test has no expect (null: no rule is to match)");
    test->is_server_checked = server != NULL;
    return extra != NULL ? read_extra(reader, extra, device) : 0;
}

int mapping_read_cases(struct mapping_reader *reader, const struct yaml_node *list)
{
    struct mapping *mapping = reader->mapping;

    if (list->kind != YAML_SEQ)
        return mapping_fail(reader, list->at, "tests is %s, wanted a list", yaml_kind_name(list->kind));
    if (list->count > MAPPING_MAX_TESTS)
        return mapping_fail(reader, list->at, "%zu tests, at most %d", list->count, MAPPING_MAX_TESTS);
    mapping->cases = pool_array(mapping->pool, list->count, sizeof(*mapping->cases));
    if (mapping->cases == NULL)
        return mapping_no_room(reader);
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        if (read_case(reader, node, &mapping->cases[mapping->case_count]) != 0)
            return -1;
        mapping->case_count++;
    }
    return 0;
}

size_t mapping_case_count(const struct mapping *mapping)
{
    return mapping->case_count;
}

const struct mapping_case *mapping_case_at(const struct mapping *mapping, size_t index)
{
    return &mapping->cases[index];
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* 'bp-1', or: no rule */
static const char *quoted(const char *id, const char *none, char *text, size_t size)
{
    if (id == NULL)
        return none;
    snprintf(text, size, "'%s'", id);
    return text;
}

void mapping_run_case(const struct mapping *mapping, size_t index, struct mapping_case_result *result_r)
{
    const struct mapping_case *test = &mapping->cases[index];
    const struct mapping_rule *rule = NULL;
    const char *blueprint_id, *server;
    char got[DEVICE_ID_MAX + 3], want[DEVICE_ID_MAX + 3];
    struct err err = ERR_INIT;

    memset(result_r, 0, sizeof(*result_r));
    if (mapping_resolve(mapping, &test->device, &rule, &err) < 0) {
        snprintf(result_r->text, sizeof(result_r->text), "%.500s", err.text);
        return;
    }
    result_r->rule = rule;
    blueprint_id = rule != NULL ? rule->blueprint_id : NULL;
    server = rule != NULL ? rule->mdm_server : NULL;
    if (!is_same(blueprint_id, test->expect))
        snprintf(result_r->text, sizeof(result_r->text), "got %s%s%s, wanted %s",
                 quoted(blueprint_id, "no rule", got, sizeof(got)), rule != NULL ? " by rule " : "",
                 rule != NULL ? rule->text : "", quoted(test->expect, "no rule", want, sizeof(want)));
    else if (test->is_server_checked && !is_same(server, test->expect_mdm_server))
        snprintf(result_r->text, sizeof(result_r->text), "got server %s by rule %s, wanted %s",
                 quoted(server, "none", got, sizeof(got)), rule != NULL ? rule->text : "-",
                 quoted(test->expect_mdm_server, "none", want, sizeof(want)));
    else
        result_r->is_passed = true;
}

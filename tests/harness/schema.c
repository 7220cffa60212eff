#include "harness/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

const struct yaml_node *schema_at(const struct yaml_node *node, const char *path)
{
    char name[64];

    while (node != NULL && *path != '\0') {
        size_t len = strcspn(path, "|");

        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        node = yaml_get(node, name);
        path += len + (path[len] == '|');
    }
    return node;
}

const struct yaml_node *schema_resolve(const struct yaml *doc, const struct yaml_node *node)
{
    const struct yaml_node *ref = yaml_get(node, "$ref");
    char path[128];

    if (ref == NULL || !str_starts(ref->text, "#/"))
        return ref == NULL ? node : NULL;
    snprintf(path, sizeof(path), "%s", ref->text + 2);
    for (char *c = path; *c != '\0'; c++)
        if (*c == '/')
            *c = '|';
    return schema_at(doc->root, path);
}

const struct yaml_node *schema_operation(const struct yaml *doc, const char *method, const char *path)
{
    char name[16];
    size_t i;

    for (i = 0; i < sizeof(name) - 1 && method[i] != '\0'; i++)
        name[i] = (char)(method[i] | 0x20);
    name[i] = '\0';
    return yaml_get(yaml_get(yaml_get(doc->root, "paths"), path), name);
}

const struct yaml_node *schema_response(const struct yaml *doc, const struct yaml_node *operation, int status)
{
    const struct yaml_node *responses = yaml_get(operation, "responses"), *response;
    char name[16];

    snprintf(name, sizeof(name), "%d", status);
    response = yaml_get(responses, name);
    if (response == NULL) {
        snprintf(name, sizeof(name), "%dXX", status / 100);
        response = yaml_get(responses, name);
    }
    return response == NULL ? NULL : schema_resolve(doc, response);
}

static const char *text_at(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *found = yaml_get(node, key);

    return found != NULL ? found->text : NULL;
}

static bool has(const struct yaml_node *list, const char *text)
{
    for (const struct yaml_node *node = list != NULL ? list->first : NULL; node != NULL; node = node->next)
        if (str_eq(node->text, text))
            return true;
    return false;
}

static enum json_kind kind_of(const char *type)
{
    static const struct {
        const char *type;
        enum json_kind kind;
    } kinds[] = { { "string", JSON_STRING },
                  { "integer", JSON_NUMBER },
                  { "boolean", JSON_BOOL },
                  { "object", JSON_OBJECT },
                  { "array", JSON_ARRAY } };

    for (size_t i = 0; type != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].kind;
    return JSON_ABSENT;
}

/* No fewer and no more than the schema says; of a number its value. */
static int check_bounds(const struct yaml_node *schema, const char *least, const char *most, int64_t number,
                        const char *what, struct err *err)
{
    const char *min = text_at(schema, least), *max = text_at(schema, most);

    if ((min != NULL && number < strtoll(min, NULL, 10)) || (max != NULL && number > strtoll(max, NULL, 10)))
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: %lld is out of bounds", what, (long long)number);
    return 0;
}

static int check_members(const struct yaml *doc, const struct yaml_node *schema, const struct json *value,
                         const char *what, struct err *err)
{
    const struct yaml_node *properties = yaml_get(schema, "properties");
    const struct yaml_node *required = yaml_get(schema, "required");

    for (const struct yaml_node *name = required != NULL ? required->first : NULL; name != NULL;
         name = name->next)
        if (json_get(value, name->text) == NULL)
            return err_set(err, ERR_JSON_SHAPE, 0, "%s: lacks %s", what, name->text);
    for (const struct json *member = json_first(value); member != NULL; member = json_next(member)) {
        const struct yaml_node *child = yaml_get(properties, json_name(member));
        char here[256];

        snprintf(here, sizeof(here), "%.180s.%.60s", what, json_name(member));
        if (child == NULL)
            return err_set(err, ERR_JSON_SHAPE, 0, "%s: not in the contract", here);
        if (schema_check(doc, child, member, here, err) != 0)
            return -1;
    }
    return 0;
}

static int check_items(const struct yaml *doc, const struct yaml_node *schema, const struct json *value,
                       const char *what, struct err *err)
{
    const struct yaml_node *items = yaml_get(schema, "items");
    size_t index = 0;

    if (check_bounds(schema, "minItems", "maxItems", (int64_t)json_count(value), what, err) != 0)
        return -1;
    for (const struct json *item = json_first(value); items != NULL && item != NULL; item = json_next(item)) {
        char here[256];

        snprintf(here, sizeof(here), "%.200s.[%zu]", what, index++);
        if (schema_check(doc, items, item, here, err) != 0)
            return -1;
    }
    return 0;
}

int schema_check(const struct yaml *doc, const struct yaml_node *schema, const struct json *value,
                 const char *what, struct err *err)
{
    const struct yaml_node *values;
    enum json_kind want;
    int64_t number;

    schema = schema_resolve(doc, schema);
    want = schema != NULL ? kind_of(text_at(schema, "type")) : JSON_ABSENT;
    if (want == JSON_ABSENT)
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: its type is new to the contract", what);
    if (json_kind(value) == JSON_NULL && str_eq(text_at(schema, "nullable"), "true"))
        return 0;
    if (json_kind(value) != want)
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: %s, not %s", what, json_kind_name(json_kind(value)),
                       json_kind_name(want));
    values = yaml_get(schema, "enum");
    if (values != NULL && !has(values, json_string(value)))
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: '%.40s' is none of its values", what, json_string(value));
    switch (want) {
    case JSON_ARRAY: return check_items(doc, schema, value, what, err);
    case JSON_OBJECT: return check_members(doc, schema, value, what, err);
    case JSON_NUMBER:
        if (!json_int(value, &number))
            return err_set(err, ERR_JSON_SHAPE, 0, "%s: no whole number", what);
        return check_bounds(schema, "minimum", "maximum", number, what, err);
    default: return 0;
    }
}

/* What a condition says of a device. Recursion is bounded by RULE_DEPTH_MAX: and, or hold all their parts. */
#include "domain/rule_inside.h"

#include <string.h>

#include "base/str.h"

const char *operand_value(const struct operand *operand, const struct device *device)
{
    const char *value = NULL;

    if (operand->field == NULL)
        return operand->text;
    if (operand->extra == NULL)
        value = *(const char *const *)(const void *)((const char *)device + operand->at);
    for (size_t i = 0; operand->extra != NULL && i < device->extra_count; i++)
        if (strcmp(device->extra[i].name, operand->extra) == 0)
            value = device->extra[i].value;
    return value != NULL ? value : "";
}

static int is_listed(const struct rule_string *strings, const char *value)
{
    for (; strings != NULL; strings = strings->next)
        if (strcmp(strings->text, value) == 0)
            return 1;
    return 0;
}

static int test_match(const struct node *node, const struct device *device, struct err *err)
{
    const char *value = operand_value(&node->left, device);
    int rc;

    switch (node->kind) {
    case NODE_EQ: return strcmp(value, operand_value(&node->right, device)) == 0;
    case NODE_NE: return strcmp(value, operand_value(&node->right, device)) != 0;
    case NODE_IN: return is_listed(node->strings, value);
    case NODE_NOT_IN: return !is_listed(node->strings, value);
    case NODE_STARTS: return str_starts(value, node->right.text);
    case NODE_ENDS: return str_ends(value, node->right.text);
    case NODE_CONTAINS: return strstr(value, node->right.text) != NULL;
    default: break;
    }
    rc = regex_match(node->regex, value, strlen(value), err);
    if (rc < 0)
        return err_prefix(err, "%s.matches('%.128s') on '%.128s'", node->left.field, node->right.text, value);
    return rc;
}

int node_match(const struct node *node, const struct device *device, struct err *err)
{
    int rc;

    switch (node->kind) {
    case NODE_OR:
    case NODE_AND:
        for (const struct node *child = node->first; child != NULL; child = child->next) {
            rc = node_match(child, device, err);
            if (rc < 0 || rc == (node->kind == NODE_OR))
                return rc;
        }
        return node->kind == NODE_AND;
    case NODE_NOT: rc = node_match(node->first, device, err); return rc < 0 ? rc : !rc;
    default: return test_match(node, device, err);
    }
}

int rule_match(const struct rule *rule, const struct device *device, struct err *err)
{
    return node_match(rule->root, device, err);
}
